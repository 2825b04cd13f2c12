/** How unusual an answer was by the law that it was cleared with. */
import { sumDeviation, type Periods } from "../../market/formulation/jointDeviation.ts";
import { answeredErrors } from "../../market/result/storedBand.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { Answering } from "./replay.ts";

/**
 * The sum of a device's answers over some periods, on a day with these errors ([period][prosumer] MW), in standard
 * deviations of that sum by the joint law; undefined where reserve is booked by the period or nothing is answered. A
 * limit held at eps has room for sqrt((1 - eps) / eps) of them at least.
 */
export function deviationsOf(
  market: Market,
  { answers }: Answering,
  device: string,
  errors: readonly Float64Array[],
  { from, to, perMw }: Periods,
): number | undefined {
  if (market.joint === undefined) return undefined;
  const terms = answeredErrors(market, answers, device)
    .slice(from, to + 1)
    .flat()
    .map((term) => ({ ...term, value: perMw(term.t) * term.value }));
  const deviation = sumDeviation(market, terms);
  const moved = terms.reduce((sum, { t, buyer, value }) => sum + value * errors[t][buyer], 0);
  return deviation > 0 ? Math.abs(moved) / deviation : undefined;
}
