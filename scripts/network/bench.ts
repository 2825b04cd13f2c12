/**
 * `npm run network:bench -- [--write]`: ieee15's day in memory, over TLS and over NATS in 15 processes, and 300 and
 * 1,000 generated prosumers in four hosts over NATS beside all in one process; every bit is compared. The latter twice,
 * so that `furtherRatio` compares what iterations cost once each process is warm. `--write` keeps the rows in
 * bench/network.json. `--only NAME` runs rows whose name begins so.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { argumentsOf } from "../check/arguments.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { generateScenario } from "../../offchain-solver/scenarios/generateScenario.ts";
import { loadScenario, takeHours } from "../../offchain-solver/scenarios/loadScenario.ts";
import { startNats } from "../../test/support/natsServer.ts";
import { agentsOf, clearInMemory, clearOverNetwork, dealt, type NetworkRun, type Run } from "./clearOverNetwork.ts";
import type { Carried } from "./orders.ts";

type Bench = {
  readonly name: string;
  readonly scenario: () => Scenario;
  readonly hosts: number;
  readonly carried: readonly ("tls" | "nats")[];
  readonly iterations?: number;
};

const [FEW, MANY] = [15, 90];
const BENCHES: readonly Bench[] = [
  { name: "ieee15 24 h", scenario: () => loadScenario("ieee15"), hosts: 15, carried: ["tls", "nats"] },
  ...[300, 1000].flatMap((n) =>
    [FEW, MANY].map((iterations): Bench => ({
      name: `${n} prosumers 2 h, ${iterations} iterations`,
      scenario: () => takeHours(generateScenario(n, 1), 2),
      hosts: 4,
      carried: ["nats"],
      iterations,
    })),
  ),
];

const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

type Times = { readonly iterations: number; readonly memoryMs: number; readonly wallMs: number };

/** Of the iterations that `row` has more than `fewer`: their time over the network by their time in one process. */
const further = (row: Times, fewer: Times): number =>
  round((row.wallMs - fewer.wallMs) / (row.memoryMs - fewer.memoryMs), 2);

function row(bench: Bench, carried: string, memory: Run, run: NetworkRun) {
  const { iterations } = run;
  return {
    instance: bench.name,
    carried,
    processes: bench.hosts,
    iterations,
    sameBits: run.bits === memory.bits && run.integers === memory.integers,
    messages: run.messages,
    bytes: run.bytes,
    frames: run.frames,
    frameBytes: run.frameBytes,
    framesPerIteration: round(run.frames / iterations, 1),
    memoryMs: round(memory.wallMs),
    wallMs: round(run.wallMs),
    wallRatio: round(run.wallMs / memory.wallMs, 2),
    memoryCpuMs: round(memory.cpuMs),
    cpuMs: round(run.cpuMs),
    cpuRatio: round(run.cpuMs / memory.cpuMs, 2),
    startMs: round(run.startMs),
    peakMb: round(run.peakMb),
    loadAverage: round(loadavg()[0], 1),
  };
}

const { values } = argumentsOf({ options: { write: { type: "boolean" }, only: { type: "string" } } });
const file = new URL("../../bench/network.json", import.meta.url);
const server = await startNats();
type Row = ReturnType<typeof row> & { furtherRatio?: number };
const rows: Row[] = [];
try {
  for (const bench of BENCHES.filter(({ name }) => name.startsWith(values.only ?? ""))) {
    const scenario = bench.scenario();
    const memory = clearInMemory(scenario, bench.iterations);
    for (const kind of bench.carried) {
      const carried: Carried =
        kind === "tls" ? { kind, listen: "127.0.0.1" } : { kind, servers: server.url, space: "bench" };
      const run = await clearOverNetwork(scenario, {
        hosts: dealt(agentsOf(scenario), bench.hosts),
        carried: () => carried,
        ...(bench.iterations !== undefined && { maxIterations: bench.iterations }),
      });
      const fewer = rows.at(-1);
      const now: Row = row(bench, kind, memory, run);
      if (bench.iterations === MANY && fewer?.iterations === FEW) now.furtherRatio = further(now, fewer);
      rows.push(now);
      process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
    }
  }
} finally {
  await server.stop();
}
if (values.write) {
  const about = "agents in processes of their own beside all in one; times depend on the machine, counts do not";
  let before: { rows: Row[] } = { rows: [] };
  try {
    before = JSON.parse(readFileSync(file, "utf8")) as typeof before;
  } catch (error) {
    // The first of its kind.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const fresh = new Set(rows.map(({ instance, carried }) => `${instance} ${carried}`));
  const kept = before.rows.filter(({ instance, carried }) => !fresh.has(`${instance} ${carried}`));
  // What other commands have measured stays.
  writeFileSync(file, `${JSON.stringify({ ...before, about, rows: [...kept, ...rows] }, null, 1)}\n`);
}
process.exitCode = rows.every(({ sameBits }) => sameBits) ? 0 : 1;
