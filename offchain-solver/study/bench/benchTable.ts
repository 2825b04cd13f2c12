import { terminalTable } from "../../io/terminalTable.ts";
import type { Status } from "../../market/result/solution.ts";

/** One method on one instance. */
export type BenchRow = {
  readonly instance: string;
  readonly method: string;
  /** How `clear` ends, and after how many evaluations: to the certified end, as users get them. */
  readonly status: Status;
  readonly evaluations: number;
  /**
   * Of the run that is timed: one clearing to its certificate; `clear` clears again where a battery would run both
   * ways.
   */
  readonly iterations: number;
  /** Of its iterations, evaluations of extrapolated points that were thrown away. */
  readonly rejected: number;
  readonly messages: number;
  readonly bytes: number;
  readonly wallMs: number;
  /**
   * Slowest prosumer of each iteration plus the operator's, added up: what parallel nodes would take, without the
   * network.
   */
  readonly criticalPathMs: number;
  /**
   * The same with the slowest of the operator's hours in place of all of them: a thread an hour, what threads cost left
   * out.
   */
  readonly hoursAtOnceMs?: number;
  /** Of what `clear` ends with: (objective - central) / abs(central). */
  readonly objectiveGap: number;
  readonly centralMs: number;
  /** criticalPathMs, hoursAtOnceMs and wallMs over centralMs of the same run. */
  readonly criticalPathRatio: number;
  readonly hoursAtOnceRatio?: number;
  readonly wallRatio: number;
  /** The same run on worker threads; `speedup` is wallMs over this wallMs. */
  readonly workers?: { readonly count: number; readonly wallMs: number; readonly speedup: number };
};

/** The rows as the terminal shows them. */
export function tableOf(rows: readonly BenchRow[]): string {
  const count = rows.find(({ workers }) => workers)?.workers?.count;
  const head = [
      "instance",
      "method",
      "status",
      "evaluations",
      "timed",
      "rejected",
      "messages",
      "MB",
      "wall s",
      "critical path s",
      "x central",
      "hours at once",
      "objective gap",
      ...(count === undefined ? [] : [`wall s, ${count} workers`]),
    ];
  const lines = rows.map((r) => [
      r.instance,
      r.method,
      r.status,
      r.evaluations,
      r.iterations,
      r.rejected,
      r.messages,
      (r.bytes / 1e6).toFixed(1),
      (r.wallMs / 1000).toFixed(2),
      (r.criticalPathMs / 1000).toFixed(2),
      r.criticalPathRatio,
      r.hoursAtOnceRatio ?? "",
      r.objectiveGap.toExponential(1),
      ...(r.workers ? [`${(r.workers.wallMs / 1000).toFixed(2)} (x ${r.workers.speedup})`] : []),
  ]);
  return terminalTable(head, lines, { text: [0, 1, 2], spare: [10, 9, 6, 5, 4, 8, 12] });
}
