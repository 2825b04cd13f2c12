/**
 * `npm run network:processes -- [--scenario ieee141] [--hours 1] [--transport tls] [--minutes 15] [--write]`: a
 * session of a devnet, every party a process, and what they hold of the machine's memory (Linux). What several
 * share, as the program itself, is counted once. `--write` keeps the row in bench/network.json.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { argumentsOf } from "../check/arguments.ts";
import { OPERATOR_ID } from "../../offchain-solver/chain/onboarding.ts";
import { anvilChain } from "../../offchain-solver/devnet/chain/anvilChain.ts";
import { daysOf } from "../../offchain-solver/devnet/days.ts";
import { openDevnet, type Devnet } from "../../offchain-solver/devnet/devnet.ts";
import { homeOf } from "../../offchain-solver/devnet/parties.ts";
import { startBroker } from "../../offchain-solver/devnet/broker.ts";
import { clearingFolder } from "../../offchain-solver/node/records.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";

const DAY_MS = 86_400_000;
const KB_A_MB = 1024;

type Held = { readonly pss: number; readonly own: number };

/** Of one process, MB: with its part of what it shares, and what is its own alone. undefined: it has gone. */
function heldBy(pid: number): Held | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const mb = (field: string): number => Number(new RegExp(`^${field}: +(\\d+)`, "m").exec(text)?.[1] ?? 0) / KB_A_MB;
    return { pss: mb("Pss"), own: mb("Private_Dirty") + mb("Private_Clean") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

/** This process and all that it started, and they. */
function family(): number[] {
  const parents = readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      return [[Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])] as const];
    } catch {
      return [];
    }
  });
  const found = [process.pid];
  for (let k = 0; k < found.length; k++)
    found.push(...parents.filter(([, parent]) => parent === found[k]).map(([pid]) => pid));
  return found;
}

/** The most that was held at any look. */
class Peak {
  all = 0;
  party = 0;
  operator = 0;
  /** Of the parties but the operator, at the look at which all together held most. */
  mean = 0;

  look(market: Devnet): void {
    const sum = (list: readonly number[]): number => list.reduce((total, mb) => total + mb, 0);
    const all = sum(family().map((pid) => heldBy(pid)?.pss ?? 0));
    const ownOf = (id: number): number => heldBy(market.supervisor.pidOf(id) ?? 0)?.own ?? 0;
    const parties = market.homes.filter(({ id }) => id !== OPERATOR_ID).map(({ id }) => ownOf(id));
    this.party = Math.max(this.party, ...parties);
    this.operator = Math.max(this.operator, ownOf(OPERATOR_ID));
    if (all <= this.all) return;
    this.all = all;
    this.mean = sum(parties) / parties.length;
  }
}

const { values } = argumentsOf({
  options: {
    scenario: { type: "string", default: "ieee141" },
    hours: { type: "string", default: "1" },
    transport: { type: "string", default: "tls" },
    minutes: { type: "string", default: "15" },
    write: { type: "boolean" },
  },
});
const hours = Number(values.hours);
const data = mkdtempSync(join(tmpdir(), "gridpact-processes-"));
const [day] = daysOf({ ...takeHours(loadScenario(values.scenario), hours) }, 1, (one) => one);
const broker = values.transport === "nats" ? await startBroker() : undefined;
const chain = await anvilChain(new Date(Date.parse(day.startUtc) - 2 * DAY_MS), 0, join(data, "chain"));
const began = performance.now();
const since = (from: number): number => Math.round((performance.now() - from) / 100) / 10;
let market: Devnet | undefined;
try {
  const progress = (what: string): void => console.error(`${since(began)} s: ${what}`);
  const transport =
    broker === undefined ? ({ kind: "tls" } as const) : { kind: "nats" as const, servers: [broker.url] };
  market = await openDevnet({
    data,
    days: [day],
    chain,
    transport,
    progress,
    patienceMs: 120_000,
    metersElsewhere: true,
  });
  const opened: Devnet = market;
  const startSeconds = since(began);
  progress("all run");
  const peak = new Peak();
  peak.look(opened);
  const idleMb = Math.round(peak.all);
  const looking = setInterval(() => peak.look(opened), 2_000);
  const end = await opened.session(0, { patienceMs: Number(values.minutes) * 60_000 });
  clearInterval(looking);
  const run = join(clearingFolder(homeOf(data, OPERATOR_ID)), `${end.ordinal}.json`);
  type Run = { readonly wallMs: number; readonly iterations: number };
  const { wallMs, iterations } =
    end.outcome === "settled" ? (JSON.parse(readFileSync(run, "utf8")) as Run) : { wallMs: NaN, iterations: NaN };
  const round = Math.round;
  const row = {
    command: `npm run network:processes -- --scenario ${values.scenario} --hours ${hours} --transport ${values.transport}`,
    ...{ instance: `${values.scenario} ${hours} h`, carried: values.transport, processes: opened.homes.length },
    ...{ outcome: end.outcome, startSeconds, sessionSeconds: end.seconds },
    ...{ clearingSeconds: round(wallMs / 100) / 10, iterations, idleMb, peakMb: round(peak.all) },
    ...{ partyMb: round(peak.mean), largestPartyMb: round(peak.party), operatorMb: round(peak.operator) },
    ...{ cores: cpus().length, loadAverage: round(loadavg()[0]) },
  };
  process.stdout.write(`${JSON.stringify(row, undefined, 1)}\n`);
  if (values.write) keep(row);
  process.exitCode = end.outcome === "settled" ? 0 : 1;
} finally {
  await market?.close();
  await chain.close();
  await broker?.close();
  rmSync(data, { recursive: true, force: true });
}

/** In the place of an older row of the same command; what other commands have measured stays. */
function keep(row: { readonly command: string }): void {
  const file = new URL("../../bench/network.json", import.meta.url);
  const before = JSON.parse(readFileSync(file, "utf8")) as { processes?: { command: string }[] };
  const processes = [...(before.processes ?? []).filter(({ command }) => command !== row.command), row];
  writeFileSync(file, `${JSON.stringify({ ...before, processes }, null, 1)}\n`);
}
