/**
 * `npm run bench:audit -- [--sessions N] [--days N] [--json FILE]`: settles N sessions of an hour of ieee15, each with
 * other loads, N of its whole day, and a whole day of ieee141 on the embedded devnet; audits each of the three markets
 * with its witnesses, and says what a session takes. Every session must be valid, with everybody's certificate.
 */
import { loadavg } from "node:os";
import { argumentsOf } from "./arguments.ts";
import { audit } from "../../offchain-solver/auditor/audit.ts";
import { bundlesOf } from "../../offchain-solver/auditor/bundles.ts";
import { VALID, verdictText } from "../../offchain-solver/auditor/verdict.ts";
import { canonicalBytes } from "../../offchain-solver/codec/canonicalJson.ts";
import { bundleHash } from "../../offchain-solver/codec/witness.ts";
import { endpointOf, type Endpoint } from "../../offchain-solver/chain/endpoint.ts";
import { look } from "../../offchain-solver/chain/look.ts";
import { embeddedDevnet } from "../../offchain-solver/devnet/embedded.ts";
import { releasedBuild } from "../../offchain-solver/devnet/release.ts";
import { openMarket } from "../../offchain-solver/devnet/steps/load.ts";
import { writeJson } from "../../offchain-solver/io/target.ts";
import { withCapabilities } from "../../offchain-solver/market/scenario/capability.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { settleOne } from "./settleOne.ts";

const { values } = argumentsOf({
  options: {
    sessions: { type: "string", default: "95" },
    days: { type: "string", default: "5" },
    json: { type: "string" },
  },
});
const DAY_S = 86_400;

/** The scenario `day` days later, with loads of its own. */
const onDay = (scenario: Scenario, day: number): Scenario => ({
  ...scenario,
  startUtc: new Date(Date.parse(scenario.startUtc) + 1000 * DAY_S * day).toISOString().replace(".000Z", "Z"),
  prosumers: scenario.prosumers.map((p) => ({
    ...p,
    load: { ...p.load, fixedMw: p.load.fixedMw.map((mw) => mw * (1 - 0.002 * (day % 50))) },
  })),
});

/** An endpoint that is asked everything once. */
function remembering(truth: Endpoint): Endpoint {
  const answers = new Map<string, Promise<unknown>>();
  return {
    name: truth.name,
    request(method, params) {
      const key = JSON.stringify([method, params]);
      const answer = answers.get(key) ?? truth.request(method, params);
      answers.set(key, answer);
      return answer;
    },
  };
}

type Send = { send: (method: string, params: unknown[]) => Promise<unknown> };

/** `scenario`: of the first session; the loads of the others are smaller, so one registration serves all. */
async function measure(scenario: Scenario, days: number) {
  const name = `${scenario.name}, ${scenario.hours} h`;
  const devnet = await embeddedDevnet(scenario.startUtc);
  try {
    const deployment = await openMarket(devnet.admin, scenario);
    const published = new Map<string, Uint8Array>();
    for (let day = 0; day < days; day++) {
      const today = onDay(scenario, day);
      const at = Date.parse(today.startUtc) / 1000 - DAY_S + 3600;
      if (day > 0) await (devnet.provider as unknown as Send).send("evm_setNextBlockTimestamp", [at]);
      const { witness } = await settleOne(today, { ...devnet, deployment });
      published.set(bundleHash(witness), canonicalBytes(witness));
      if (day % 10 === 9) process.stderr.write(`${name}: ${day + 1} sessions settled\n`);
    }
    // The second audit finds every answer in memory: what is left is the auditor's own work.
    const memory = remembering(endpointOf(devnet.provider));
    const request = {
      look: look(memory),
      market: deployment.market,
      fromBlock: deployment.block,
      release: releasedBuild(),
      bundles: bundlesOf(published),
    };
    const first = performance.now();
    await audit(request);
    const second = performance.now();
    const before = process.cpuUsage();
    const { sessions, standing } = await audit(request);
    const [whole, own] = [second - first, performance.now() - second];
    // What other programs take of the machine is no part of it.
    const { user, system } = process.cpuUsage(before);
    const wrong = sessions.filter(({ verdict }) => verdict !== VALID);
    for (const { sequence, verdict } of wrong)
      process.stderr.write(`${name}: session ${sequence}: ${verdictText(verdict)}\n`);
    return {
      name: scenario.name,
      periods: scenario.hours,
      settled: days,
      audited: sessions.length,
      valid: sessions.length - wrong.length,
      market: standing.kind,
      cpuMsPerSession: Math.round((user + system) / 1000 / sessions.length),
      msPerSession: Math.round(own / sessions.length),
      withLookUpsMs: Math.round(whole / sessions.length),
      load: Number(loadavg()[0].toFixed(1)),
    };
  } finally {
    await devnet.close();
  }
}

const [short, long, large] = ["ieee15", "ieee15", "ieee141"].map((name, k) =>
  k === 0 ? takeHours(loadScenario(name), 1) : loadScenario(name),
);
const ABOUT =
  "npm run bench:audit: sessions settled on the embedded devnet and audited with their witnesses; ms of processor and of the clock besides look-ups, under the load average that stands beside it";
const rows: Awaited<ReturnType<typeof measure>>[] = [];
for (const [scenario, sessions] of [
  [short, Number(values.sessions)],
  [long, Number(values.days)],
  [large, 1],
] as const) {
  const [registered] = withCapabilities([scenario]);
  rows.push(await measure(registered, sessions));
  process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
  // What there is so far, should somebody end it.
  if (values.json !== undefined) writeJson(values.json, { about: ABOUT, rows });
}
const right = rows.every((row) => row.market === "valid" && row.valid === row.audited && row.audited === row.settled);
process.exit(right ? 0 : 1);
