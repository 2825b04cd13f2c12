import { existsSync, readFileSync } from "node:fs";
import Table from "cli-table3";
import { assemble } from "../clearing/assemble.ts";
import type { Method } from "../clearing/acceleration/acceleration.ts";
import { solveCentral } from "../clearing/central.ts";
import { runConsensus } from "../clearing/consensus.ts";
import { OPERATOR_AGENT, type Message } from "../clearing/message.ts";
import { DEFAULT_SETTINGS, MEMORY, type Settings } from "../clearing/settings.ts";
import { createMarket, defaultSettings } from "../market/market.ts";
import { createNetwork } from "../market/network.ts";
import type { Status } from "../market/solution.ts";
import { loadScenario, takeHours } from "../node/loadScenario.ts";
import { memoryTransport } from "../net/memoryTransport.ts";
import { clarabelSolver } from "../numerics/conicSolver.ts";
import { liveLine, writeJson } from "./output.ts";

/** One way to clear: a method, and what multiplies rho or relaxes the step. */
export type BenchMethod = {
  readonly name: string;
  readonly method: Method;
  readonly rhoScale?: number;
  readonly relaxation?: number;
};

export type BenchOptions = {
  readonly scenarios: readonly string[];
  readonly methods?: readonly BenchMethod[];
  readonly hours?: number;
  readonly maxIterations?: number;
  /** Where the record goes; nowhere without. Rows of other instances and methods that stand there already are kept. */
  readonly json?: string;
  readonly quiet?: boolean;
};

export type BenchRow = {
  readonly instance: string;
  readonly method: string;
  readonly status: Status;
  readonly iterations: number;
  /** Of these, evaluations of extrapolated points that were thrown away. */
  readonly rejected: number;
  readonly messages: number;
  readonly bytes: number;
  readonly wallMs: number;
  /** Slowest prosumer of each iteration plus the operator's, added up: what parallel nodes would take, without the network. */
  readonly criticalPathMs: number;
  /** (objective - central) / abs(central). */
  readonly objectiveGap: number;
  readonly centralMs: number;
  /** criticalPathMs and wallMs over centralMs of the same run. */
  readonly criticalPathRatio: number;
  readonly wallRatio: number;
};

export const BENCH_METHODS: readonly BenchMethod[] = [
  { name: "admm", method: "admm" },
  { name: "admm, over-relaxed 1.6", method: "admm", relaxation: 1.6 },
  { name: "gsa", method: "gsa" },
  { name: "anderson", method: "anderson" },
];

/** Clears every scenario centrally and by every method; prints a table and returns (and writes) the rows. */
export function bench(options: BenchOptions): BenchRow[] {
  const rows = options.scenarios.flatMap((name) => benchScenario(name, options));
  if (options.quiet !== true) process.stdout.write(`${tableOf(rows)}\n`);
  if (options.json !== undefined)
    writeJson(options.json, {
      about: "distributed clearing, all agents in one process; times depend on the machine, ratios and counts do not",
      rho: [...DEFAULT_SETTINGS.rho],
      memory: MEMORY,
      rows: merged(options.json, rows),
    });
  return rows;
}

function merged(target: string, rows: readonly BenchRow[]): BenchRow[] {
  const old = existsSync(target) ? (JSON.parse(readFileSync(target, "utf8")) as { rows: BenchRow[] }).rows : [];
  const same = (a: BenchRow, b: BenchRow): boolean => a.instance === b.instance && a.method === b.method;
  return [...old.filter((a) => !rows.some((b) => same(a, b))), ...rows];
}

function benchScenario(name: string, options: BenchOptions): BenchRow[] {
  const whole = loadScenario(name);
  const scenario = options.hours === undefined ? whole : takeHours(whole, options.hours);
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);
  const start = performance.now();
  const central = solveCentral(market, network, clarabelSolver);
  const centralMs = performance.now() - start;
  if (central.status !== "solved") throw new Error(`${name}: the central problem is ${central.status}`);
  const line = liveLine();
  const rows = (options.methods ?? BENCH_METHODS).map((how): BenchRow => {
    const settings: Settings = {
      ...DEFAULT_SETTINGS,
      rho: DEFAULT_SETTINGS.rho.map((r) => r * (how.rhoScale ?? 1)),
      relaxation: how.relaxation ?? DEFAULT_SETTINGS.relaxation,
      maxIterations: options.maxIterations ?? DEFAULT_SETTINGS.maxIterations,
      acceleration: { ...DEFAULT_SETTINGS.acceleration, method: how.method, memory: MEMORY[how.method] },
    };
    const slowest: number[] = [];
    const operator: number[] = [];
    const spent = new Float64Array(market.prosumers.length);
    let at = 0;
    const before = performance.now();
    const result = runConsensus(market, network, settings, clarabelSolver, memoryTransport<Message>(), {
      observe: (k) => line.show(`${scenario.name}, ${how.name}: iteration ${k}`),
      around(agent, iteration, step) {
        if (agent !== OPERATOR_AGENT && iteration > at) {
          slowest.push(spent.reduce((a, b) => Math.max(a, b)));
          spent.fill(0);
          at = iteration;
        }
        const from = performance.now();
        const out = step();
        const took = performance.now() - from;
        if (agent === OPERATOR_AGENT) operator[iteration] = (operator[iteration] ?? 0) + took;
        else spent[agent] += took;
        return out;
      },
    });
    const wallMs = performance.now() - before;
    const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
    const criticalPathMs = sum(slowest) + sum(operator);
    const { objective } = assemble(market, result);
    return {
      instance: `${scenario.name} ${market.hours} h`,
      method: how.name,
      status: result.status,
      iterations: result.iterations,
      rejected: result.rejected,
      messages: result.messages,
      bytes: result.bytes,
      wallMs: Math.round(wallMs),
      criticalPathMs: Math.round(criticalPathMs),
      objectiveGap: (objective - central.objective) / Math.abs(central.objective),
      centralMs: Math.round(centralMs),
      criticalPathRatio: Number((criticalPathMs / centralMs).toFixed(2)),
      wallRatio: Number((wallMs / centralMs).toFixed(2)),
    };
  });
  line.end();
  return rows;
}

function tableOf(rows: readonly BenchRow[]): string {
  const table = new Table({
    head: [
      "instance",
      "method",
      "status",
      "iterations",
      "rejected",
      "messages",
      "MB",
      "wall s",
      "critical path s",
      "x central",
      "objective gap",
    ],
    style: { head: [], border: [] },
    colAligns: ["left", "left", "left", ...Array<"right">(8).fill("right")],
  });
  for (const r of rows)
    table.push([
      r.instance,
      r.method,
      r.status,
      r.iterations,
      r.rejected,
      r.messages,
      (r.bytes / 1e6).toFixed(1),
      (r.wallMs / 1000).toFixed(2),
      (r.criticalPathMs / 1000).toFixed(2),
      r.criticalPathRatio,
      r.objectiveGap.toExponential(1),
    ]);
  return table.toString();
}
