import { existsSync, readFileSync } from "node:fs";
import Table from "cli-table3";
import { assemble } from "../clearing/assemble.ts";
import type { Method } from "../clearing/acceleration/acceleration.ts";
import { solveCentral } from "../clearing/central.ts";
import { runConsensus } from "../clearing/consensus.ts";
import type { Message } from "../clearing/message.ts";
import { DEFAULT_SETTINGS, MEMORY, type Settings } from "../clearing/settings.ts";
import { createMarket, defaultSettings } from "../market/market.ts";
import { createNetwork } from "../market/network.ts";
import type { Status } from "../market/solution.ts";
import type { Market } from "../market/market.ts";
import type { Network } from "../market/network.ts";
import { scenarioOf } from "./experiments/common.ts";
import { RHO_SCALES } from "./experiments/convergenceRun.ts";
import { memoryTransport } from "../net/memoryTransport.ts";
import { clarabelSolver } from "../numerics/conicSolver.ts";
import { timed, timedOnWorkers } from "./benchTimes.ts";
import { liveLine, writeJson } from "./output.ts";

/** One way to clear: a method, and what multiplies rho or relaxes the step. */
export type BenchMethod = {
  readonly name: string;
  readonly method: Method;
  readonly rhoScale?: number;
  readonly relaxation?: number;
};

/** What is cleared: a case by name or file, at its own eps or another. */
export type Instance = { readonly scenario: string; readonly epsilon?: number };

/** Two days of the small feeder's, for they differ in how much reserve they need, and one of the large one's. */
export const INSTANCES: readonly Instance[] = [
  { scenario: "ieee15" },
  { scenario: "ieee15", epsilon: 0.1 },
  { scenario: "ieee141" },
];

export type BenchOptions = {
  readonly instances: readonly Instance[];
  readonly methods?: readonly BenchMethod[];
  readonly hours?: number;
  readonly maxIterations?: number;
  /** Look for the best of nine rhos for plain iterations too, and compare every method with it. */
  readonly rhoScan?: boolean;
  /** Time every method on so many worker threads too, from two up. */
  readonly workers?: number;
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
  /** The same run on worker threads; `speedup` is wallMs over this wallMs. */
  readonly workers?: { readonly count: number; readonly wallMs: number; readonly speedup: number };
};

/** Plain iterations at their best rho: those of the scan that were not better were stopped when that was clear. */
export type PlainBest = {
  readonly instance: string;
  readonly status: Status;
  readonly rhoScale: number;
  readonly iterations: number;
  readonly scanned: readonly { readonly rhoScale: number; readonly status: Status; readonly iterations: number }[];
};

/** Evaluations over those of plain at its best rho: by instance, and their median. */
export type Against = { readonly method: string; readonly ratios: readonly number[]; readonly median: number };

export const BENCH_METHODS: readonly BenchMethod[] = [
  { name: "admm", method: "admm" },
  { name: "admm, over-relaxed 1.6", method: "admm", relaxation: 1.6 },
  { name: "gsa", method: "gsa" },
  { name: "gsa, one ratio", method: "gsa1" },
  { name: "anderson", method: "anderson" },
];

/** Clears every instance centrally and by every method; prints a table and returns (and writes) the rows. */
export function bench(options: BenchOptions): BenchRow[] {
  const done = options.instances.map((instance) => benchInstance(instance, options));
  const rows = done.flatMap((one) => one.rows);
  const plainBest = done.flatMap((one) => (one.best ? [one.best] : []));
  const against = againstPlain(rows, plainBest);
  if (options.quiet !== true)
    process.stdout.write([tableOf(rows), ...plainBest.map(bestLine), ...against.map(againstLine), ""].join("\n"));
  if (options.json !== undefined)
    writeJson(options.json, {
      about: "distributed clearing, all agents in one process; times depend on the machine, ratios and counts do not",
      rho: [...DEFAULT_SETTINGS.rho],
      memory: MEMORY,
      rows: merged(options.json, rows),
      ...(options.rhoScan === true && { plainBest, evaluationsAgainstPlainBest: against }),
    });
  return rows;
}

function merged(target: string, rows: readonly BenchRow[]): BenchRow[] {
  const old = existsSync(target) ? (JSON.parse(readFileSync(target, "utf8")) as { rows: BenchRow[] }).rows : [];
  const same = (a: BenchRow, b: BenchRow): boolean => a.instance === b.instance && a.method === b.method;
  return [...old.filter((a) => !rows.some((b) => same(a, b))), ...rows];
}

export function againstPlain(rows: readonly BenchRow[], plainBest: readonly PlainBest[]): Against[] {
  const methods = [...new Set(rows.map(({ method }) => method))];
  return methods.flatMap((method) => {
    const ratios = plainBest.flatMap((best) => {
      const row = rows.find((one) => one.method === method && one.instance === best.instance);
      return row?.status === "solved" && best.status === "solved" ? [row.iterations / best.iterations] : [];
    });
    if (ratios.length === 0) return [];
    const sorted = [...ratios].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return [{ method, ratios, median }];
  });
}

const bestLine = ({ instance, status, rhoScale, iterations }: PlainBest): string =>
  status === "solved"
    ? `${instance}: plain at its best of ${RHO_SCALES.length} rhos, x ${rhoScale.toFixed(2)}: ${iterations} iterations`
    : `${instance}: plain at none of ${RHO_SCALES.length} rhos within ${iterations} iterations`;
const againstLine = ({ method, ratios, median }: Against): string =>
  `${method}: evaluations against plain at its best rho, median over ${ratios.length} instances ${median.toFixed(3)} (${ratios.map((r) => r.toFixed(3)).join(", ")})`;

function benchInstance(instance: Instance, options: BenchOptions): { rows: BenchRow[]; best: PlainBest | undefined } {
  const scenario = scenarioOf(instance.scenario, options.hours);
  const defaults = defaultSettings(scenario);
  const market = createMarket(scenario, { ...defaults, epsilon: instance.epsilon ?? defaults.epsilon });
  const network = createNetwork(market);
  const name = `${scenario.name}${instance.epsilon === undefined ? "" : ` eps ${instance.epsilon}`} ${market.hours} h`;
  const start = performance.now();
  const central = solveCentral(market, network, clarabelSolver);
  const centralMs = performance.now() - start;
  if (central.status !== "solved") throw new Error(`${name}: the central problem is ${central.status}`);
  const line = liveLine();
  const rows = (options.methods ?? BENCH_METHODS).map((how): BenchRow => {
    const settings = settingsOf(how, options);
    const show = (k: number): void => line.show(`${name}, ${how.name}: iteration ${k}`);
    const { result, wallMs, criticalPathMs } = timed(market, network, settings, show);
    const count = options.workers ?? 1;
    const parallelMs = count > 1 && timedOnWorkers(market, network, settings, count, result, show);
    const { objective } = assemble(market, result);
    return {
      instance: name,
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
      ...(parallelMs !== false && {
        workers: {
          count,
          wallMs: Math.round(parallelMs),
          speedup: Number((wallMs / parallelMs).toFixed(2)),
        },
      }),
    };
  });
  const best = options.rhoScan === true ? scanPlain(name, market, network, options, line.show) : undefined;
  line.end();
  return { rows, best };
}

function settingsOf(how: BenchMethod, options: BenchOptions): Settings {
  return {
    ...DEFAULT_SETTINGS,
    rho: DEFAULT_SETTINGS.rho.map((r) => r * (how.rhoScale ?? 1)),
    relaxation: how.relaxation ?? DEFAULT_SETTINGS.relaxation,
    maxIterations: options.maxIterations ?? DEFAULT_SETTINGS.maxIterations,
    acceleration: { ...DEFAULT_SETTINGS.acceleration, method: how.method, memory: MEMORY[how.method] },
  };
}

/** Plain iterations at nine rhos. No run goes on beyond the best one before it. */
function scanPlain(
  instance: string,
  market: Market,
  network: Network,
  options: BenchOptions,
  show: (text: string) => void,
): PlainBest {
  let best: { rhoScale: number; iterations: number } | undefined;
  const scanned = [];
  // The smaller ones first: plain iterations like less than what suits the accelerated ones.
  for (const rhoScale of RHO_SCALES) {
    const settings = settingsOf({ name: "plain", method: "admm", rhoScale }, options);
    const maxIterations = best?.iterations ?? settings.maxIterations;
    const { status, iterations } = runConsensus(
      market,
      network,
      { ...settings, maxIterations },
      clarabelSolver,
      memoryTransport<Message>(),
      {
        observe: (k) =>
          show(`${instance}, plain, rho x ${rhoScale.toFixed(2)}: iteration ${k} of at most ${maxIterations}`),
      },
    );
    scanned.push({ rhoScale, status, iterations });
    if (status === "solved" && iterations <= maxIterations) best = { rhoScale, iterations };
  }
  return best
    ? { instance, status: "solved", ...best, scanned }
    : { instance, status: "max iterations", rhoScale: 1, iterations: scanned[0].iterations, scanned };
}

function tableOf(rows: readonly BenchRow[]): string {
  const count = rows.find(({ workers }) => workers)?.workers?.count;
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
      ...(count === undefined ? [] : [`wall s, ${count} workers`]),
    ],
    style: { head: [], border: [] },
    colAligns: ["left", "left", "left", ...Array<"right">(9).fill("right")],
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
      ...(r.workers ? [`${(r.workers.wallMs / 1000).toFixed(2)} (x ${r.workers.speedup})`] : []),
    ]);
  return table.toString();
}
