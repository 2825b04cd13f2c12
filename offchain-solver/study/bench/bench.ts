import { statSync } from "node:fs";
import * as z from "zod";
import { assemble } from "../../clearing/assemble.ts";
import type { Method } from "../../clearing/acceleration/acceleration.ts";
import { DEFAULT_SETTINGS, MEMORY, type Settings } from "../../clearing/settings.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import { clear, settingsFor } from "../../simulation/clear.ts";
import { timed, timedCentral, timedOnWorkers } from "./benchTimes.ts";
import { marketOf, type Instance } from "./benchInstance.ts";
import { againstLine, againstPlain, bestLine, scanPlain, type PlainBest } from "./benchScan.ts";
import { reclear, reclearLine, type Reclearing } from "./benchReclear.ts";
import { tableOf, type BenchRow } from "./benchTable.ts";
import { readJson } from "../../io/readJson.ts";
import { liveLine } from "../../io/output.ts";
import { writeJson } from "../../io/target.ts";

/** One way to clear: a method, and what multiplies rho, relaxes the step or helps plain iterations. */
export type BenchMethod = {
  readonly name: string;
  /** What the command line calls it; the method's name where that says it. */
  readonly short?: string;
  readonly method: Method;
  /** Plain iterations with the vanishing regularisation that the accelerated methods have. */
  readonly vanishing?: boolean;
  readonly rhoScale?: number;
  readonly relaxation?: number;
};

export type BenchOptions = {
  readonly instances: readonly Instance[];
  readonly methods?: readonly BenchMethod[];
  readonly hours?: number;
  readonly maxIterations?: number;
  /** Look for the best of nine rhos for plain iterations too, and compare every method with it. */
  readonly rhoScan?: boolean;
  /**
   * Clear again after forecasts changed by 5 %, cold and from where the instance's session ended, by the last of the
   * methods.
   */
  readonly reclear?: boolean;
  /** Time every method on so many worker threads too, from two up. */
  readonly workers?: number;
  /** Where the record goes; nowhere without. Rows of other instances and methods that stand there already are kept. */
  readonly json?: string;
  readonly quiet?: boolean;
};

export const BENCH_METHODS: readonly BenchMethod[] = [
  { name: "admm", method: "admm" },
  { name: "admm, vanishing regularisation", short: "vanishing", method: "admm", vanishing: true },
  { name: "admm, over-relaxed 1.6", short: "relaxed", method: "admm", relaxation: 1.6 },
  { name: "gsa", method: "gsa" },
  { name: "gsa, one ratio", method: "gsa1" },
  { name: "anderson", method: "anderson" },
];

/** What is scanned for its best rho: plain iterations without and with the help that is not the method itself. */
const PLAIN = BENCH_METHODS.filter(({ method, relaxation }) => method === "admm" && relaxation === undefined);

/** Clears every instance centrally and by every method; prints a table and returns (and writes) the rows. */
export function bench(options: BenchOptions): BenchRow[] {
  // What cannot be read is refused before anything is measured.
  const earlier = options.json === undefined ? {} : recorded(options.json);
  for (const instance of options.instances) marketOf(instance, options.hours);
  const done = options.instances.map((instance) => benchInstance(instance, options));
  const rows = done.flatMap((one) => one.rows);
  const plainBest = done.flatMap((one) => one.bests);
  const reclearing = done.flatMap((one) => one.reclearing);
  if (options.quiet !== true)
    process.stdout.write(
      [
        tableOf(rows),
        ...plainBest.map(bestLine),
        ...againstPlain(rows, plainBest).map(againstLine),
        ...reclearing.map(reclearLine),
        "",
      ].join("\n"),
    );
  if (options.json !== undefined) {
    const all = merged(earlier, { rows, plainBest, reclearing });
    writeJson(options.json, {
      about: "distributed clearing, all agents in one process; times depend on the machine, ratios and counts do not",
      rho: [...DEFAULT_SETTINGS.rho],
      memory: MEMORY,
      ...all,
      evaluationsAgainstPlainBest: againstPlain(all.rows, all.plainBest),
    });
  }
  return rows;
}

type Record = {
  readonly rows: readonly BenchRow[];
  readonly plainBest: readonly PlainBest[];
  readonly reclearing: readonly Reclearing[];
};

const list = z.array(z.looseObject({})).optional();
const RecordSchema = z.looseObject({ rows: list, plainBest: list, reclearing: list });

const recorded = (target: string): Partial<Record> =>
  statSync(target, { throwIfNoEntry: false })?.isFile() ? (readJson(target, RecordSchema) as unknown as Partial<Record>) : {};

/** What stands there, with what is new in its place. */
function merged(old: Partial<Record>, { rows, plainBest, reclearing }: Record): Record {
  const kept = <T>(before: readonly T[] | undefined, now: readonly T[], same: (a: T, b: T) => boolean): T[] => [
    ...(before ?? []).filter((a) => !now.some((b) => same(a, b))),
    ...now,
  ];
  return {
    rows: kept(old.rows, rows, (a, b) => a.instance === b.instance && a.method === b.method),
    plainBest: kept(old.plainBest, plainBest, (a, b) => a.instance === b.instance && a.plain === b.plain),
    reclearing: kept(
      old.reclearing,
      reclearing,
      (a, b) => a.instance === b.instance && a.method === b.method && a.change === b.change,
    ),
  };
}

function benchInstance(instance: Instance, options: BenchOptions) {
  const { name, market } = marketOf(instance, options.hours);
  const network = createNetwork(market);
  const { central, centralMs } = timedCentral(market, network);
  if (central.status !== "solved") throw new Error(`${name}: the central problem is ${central.status}`);
  const line = liveLine();
  const methods = options.methods ?? BENCH_METHODS;
  const rows = methods.map((how): BenchRow => {
    const settings = settingsOf(how, options);
    const show = (k: number): void => line.show(`${name}, ${how.name}: iteration ${k}`);
    const { result, wallMs, criticalPathMs, hoursAtOnceMs } = timed(market, network, settings, show);
    const count = options.workers ?? 1;
    const parallelMs = count > 1 && timedOnWorkers(market, network, settings, result, { workers: count, observe: show });
    const certified = clear(market.scenario, {
      ...clearOptionsOf(how, options),
      market: market.settings,
      trade: true,
      observe: show,
    });
    const { objective } = assemble(market, result);
    return {
      instance: name,
      method: how.name,
      status: certified.status,
      evaluations: certified.evaluations,
      iterations: result.iterations,
      rejected: result.rejected,
      messages: result.messages,
      bytes: result.bytes,
      wallMs: Math.round(wallMs),
      criticalPathMs: Math.round(criticalPathMs),
      hoursAtOnceMs: Math.round(hoursAtOnceMs),
      objectiveGap: ((certified.outcome?.objective ?? objective) - central.objective) / Math.abs(central.objective),
      centralMs: Math.round(centralMs),
      criticalPathRatio: Number((criticalPathMs / centralMs).toFixed(2)),
      hoursAtOnceRatio: Number((hoursAtOnceMs / centralMs).toFixed(2)),
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
  const bests = (options.rhoScan === true ? PLAIN : []).map((plain) =>
    scanPlain(
      { instance: name, plain: plain.name, scenario: market.scenario },
      { ...clearOptionsOf(plain, options), market: market.settings, trade: true },
      line.show,
    ),
  );
  const last = methods[methods.length - 1];
  const reclearing =
    options.reclear === true ? reclear(name, last.name, market, settingsOf(last, options), line.show) : [];
  line.end();
  return { rows, bests, reclearing };
}

function settingsOf(how: BenchMethod, options: BenchOptions): Settings {
  return settingsFor(how.method, clearOptionsOf(how, options));
}

const clearOptionsOf = (how: BenchMethod, { maxIterations = DEFAULT_SETTINGS.maxIterations }: BenchOptions) => ({
  ...how,
  rhoScale: how.rhoScale ?? 1,
  maxIterations,
});
