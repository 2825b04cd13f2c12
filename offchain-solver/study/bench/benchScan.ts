import type { Status } from "../../market/result/solution.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { clear, type ClearOptions } from "../../simulation/clear.ts";
import type { BenchRow } from "./benchTable.ts";
import { RHO_SCALES } from "../experiments/convergenceRun.ts";

/** Plain iterations at their best rho: those of the scan that were not better were stopped when that was clear. */
export type PlainBest = {
  readonly instance: string;
  /** The way to iterate, by the benchmark's name: without or with the vanishing regularisation. */
  readonly plain: string;
  readonly status: Status;
  readonly rhoScale: number;
  readonly iterations: number;
  readonly scanned: readonly { readonly rhoScale: number; readonly status: Status; readonly iterations: number }[];
};

/** Evaluations over those of one plain way at its best rho: by instance, and their median. */
export type Against = {
  readonly method: string;
  readonly plain: string;
  readonly ratios: readonly number[];
  readonly median: number;
};

/** Every method against plain iterations of either kind, over the instances where both arrived. */
export function againstPlain(rows: readonly BenchRow[], plainBest: readonly PlainBest[]): Against[] {
  const methods = [...new Set(rows.map(({ method }) => method))];
  const plains = [...new Set(plainBest.map(({ plain }) => plain))];
  const each = methods.flatMap((method) => plains.map((plain) => ({ method, plain })));
  return each.flatMap(({ method, plain }) => {
    const ratios = plainBest.flatMap((best) => {
      if (best.plain !== plain) return [];
      const row = rows.find((one) => one.method === method && one.instance === best.instance);
      return row?.status === "solved" && best.status === "solved" ? [row.evaluations / best.iterations] : [];
    });
    if (ratios.length === 0) return [];
    const sorted = [...ratios].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return [{ method, plain, ratios, median }];
  });
}

export const bestLine = ({ instance, plain, status, rhoScale, iterations }: PlainBest): string =>
  status === "solved"
    ? `${instance}: ${plain} at its best of ${RHO_SCALES.length} rhos, x ${rhoScale.toFixed(2)}: ${iterations} iterations`
    : `${instance}: ${plain} at none of ${RHO_SCALES.length} rhos within ${iterations} iterations`;
export const againstLine = ({ method, plain, ratios, median }: Against): string =>
  `${method}: evaluations against ${plain} at its best rho, median over ${ratios.length} instances ${median.toFixed(3)} (${ratios.map((r) => r.toFixed(3)).join(", ")})`;

/**
 * Plain iterations at nine rhos, to the certified end as `clear` takes them. No run goes on beyond the best one before
 * it.
 */
export function scanPlain(
  { instance, plain, scenario }: { instance: string; plain: string; scenario: Scenario },
  options: ClearOptions,
  show: (text: string) => void,
): PlainBest {
  let best: { rhoScale: number; iterations: number } | undefined;
  const scanned = [];
  // The smaller ones first: plain iterations like less than what suits the accelerated ones.
  for (const rhoScale of RHO_SCALES) {
    const maxIterations = best?.iterations ?? options.maxIterations;
    const { status, evaluations: iterations } = clear(scenario, {
      ...options,
      rhoScale,
      maxIterations,
      observe: (k) =>
        show(`${instance}, ${plain}, rho x ${rhoScale.toFixed(2)}: iteration ${k} of at most ${maxIterations}`),
    });
    scanned.push({ rhoScale, status, iterations });
    if (status === "solved" && iterations <= maxIterations) best = { rhoScale, iterations };
  }
  return best
    ? { instance, plain, status: "solved", ...best, scanned }
    : { instance, plain, status: "max iterations", rhoScale: 1, iterations: scanned[0].iterations, scanned };
}
