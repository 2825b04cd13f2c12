/** One instance of the re-clearing experiment in a process of its own. Prints its rows as JSON. */
import { pathToFileURL } from "node:url";
import type { ConsensusResult } from "../../clearing/consensus.ts";
import { DEFAULT_SETTINGS } from "../../clearing/settings.ts";
import { instanceOf, marketOf } from "../benchInstance.ts";
import { reclearances } from "../benchReclear.ts";
import { liveLine } from "../output.ts";
import { envelope, larger } from "./convergenceRun.ts";

export type ReclearingTask = {
  /** As the benchmark names it: CASE, CASE:eps. */
  readonly instance: string;
  readonly hours: number;
};

/** Where a run's larger residual over its tolerance starts, when it first is at most 100 and 10, and how many evaluations end it. */
export type Course = {
  readonly start: number;
  readonly hundred: number;
  readonly ten: number;
  readonly end: number;
  readonly curve: readonly (readonly [number, number])[];
};

export type ReclearingRow = {
  readonly instance: string;
  readonly hours: number;
  readonly change: string;
  readonly status: string;
  readonly cold: Course;
  readonly warm: Course;
  /** The cold run's first evaluation at or below where the warm one starts. */
  readonly passes: number;
};

export function courseOf({ residuals }: Pick<ConsensusResult, "residuals">): Course {
  const all = residuals.map(larger);
  const first = (level: number): number => all.findIndex((residual) => residual <= level) + 1;
  return { start: all[0], hundred: first(100), ten: first(10), end: all.length, curve: envelope(residuals) };
}

export function reclearingRuns({ instance, hours }: ReclearingTask): ReclearingRow[] {
  const line = liveLine();
  const { market } = marketOf(instanceOf(instance), hours);
  const show = (text: string): void => line.show(`${instance} ${hours} h, ${text}`);
  const rows = Array.from(reclearances(market, DEFAULT_SETTINGS, show), ({ change, status, cold, warm }) => {
    const start = larger(warm.residuals[0]);
    const passes = cold.residuals.findIndex((residual) => larger(residual) <= start) + 1;
    return { instance, hours, change, status, cold: courseOf(cold), warm: courseOf(warm), passes };
  });
  line.end();
  return rows;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(reclearingRuns(JSON.parse(process.argv[2]) as ReclearingTask)));
