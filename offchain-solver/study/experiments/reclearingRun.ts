/** One instance of the re-clearing experiment in a process of its own. Prints its rows as JSON. */
import { pathToFileURL } from "node:url";
import type { ConsensusResult } from "../../clearing/consensus.ts";
import { DEFAULT_SETTINGS } from "../../clearing/settings.ts";
import { instanceOf, marketOf } from "../bench/benchInstance.ts";
import { coldAndWarm } from "../bench/benchReclear.ts";
import { liveLine } from "../../io/output.ts";
import { envelope, larger } from "./convergenceRun.ts";

export type ReclearingTask = {
  /** As the benchmark names it: CASE, CASE:eps. */
  readonly instance: string;
  readonly hours: number;
};

/**
 * Where a run's larger residual over its tolerance starts, when it first is at most 100 and 10, and how many
 * evaluations end it; 0 for what there is not.
 */
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
  /** The cold run's first evaluation at or below where the warm one starts; 0 where there is none. */
  readonly passes: number;
};

type Run = Pick<ConsensusResult, "residuals">;

/** The first evaluation whose residual is at most `level`; 0 where none is. */
const firstAt = ({ residuals }: Run, level: number): number =>
  residuals.findIndex((residual) => larger(residual) <= level) + 1;

export function courseOf(run: Run): Course {
  const { residuals } = run;
  return {
    // A session that is infeasible at once has no residual. Not NaN, which JSON between processes makes null.
    start: residuals.length > 0 ? larger(residuals[0]) : 0,
    hundred: firstAt(run, 100),
    ten: firstAt(run, 10),
    end: residuals.length,
    curve: envelope(residuals),
  };
}

export function reclearingRuns({ instance, hours }: ReclearingTask): ReclearingRow[] {
  const line = liveLine();
  const { market } = marketOf(instanceOf(instance), hours);
  const show = (text: string): void => line.show(`${instance} ${hours} h, ${text}`);
  const rows = Array.from(coldAndWarm(market, DEFAULT_SETTINGS, show), ({ change, status, ...runs }) => {
    const [cold, warm] = [courseOf(runs.cold), courseOf(runs.warm)];
    return { instance, hours, change, status, cold, warm, passes: firstAt(runs.cold, warm.start) };
  });
  line.end();
  return rows;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(reclearingRuns(JSON.parse(process.argv[2]) as ReclearingTask)));
