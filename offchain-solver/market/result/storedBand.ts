import { sumDeviation, type ErrorTerm } from "../formulation/jointDeviation.ts";
import { riskLevel } from "../formulation/network.ts";
import { requiredHalfWidth } from "../risk/tsDrcc.ts";
import type { Market } from "../scenario/market.ts";
import type { DeviceAnswers, Schedule, StoredBand } from "./solution.ts";

/** [period] the share of each buyer's error that a device answers. */
export const answeredErrors = (
  { halfWidth, sigma }: Market,
  answers: DeviceAnswers,
  device: string,
): readonly (readonly ErrorTerm[])[] =>
  (answers.get(device) ?? []).map((shares, t) =>
    shares.map(({ buyer, mw }) => ({ t, buyer, value: mw / (halfWidth[t] * sigma[t][buyer]) })),
  );

/** [period] expected losses of answering, MWh, at most: what the lower side of a battery's limit leaves out. */
export function expectedLosses(market: Market, efficiency: number, answered: readonly (readonly ErrorTerm[])[]) {
  const lossPerMw = ((1 / efficiency - efficiency) / 2) * market.dt;
  return answered.map((terms) => (terms.length > 0 ? lossPerMw * sumDeviation(market, terms) : 0));
}

/**
 * What the limit of stored energy leaves room for on either side of the plan: the half width that offset and deviation
 * ask for, less the offset, and below also the expected losses. Where a limit binds the band touches it. undefined
 * where reserve is booked by the period, or there is no battery.
 */
export function storedBand(
  market: Market,
  index: number,
  { storedMwh }: Pick<Schedule, "storedMwh">,
  answers: DeviceAnswers,
): StoredBand | undefined {
  const { battery } = market.prosumers[index];
  if (market.joint === undefined || battery === undefined) return undefined;
  const { sustain } = market.joint;
  const { efficiency, minMwh, maxMwh } = battery;
  const answered = answeredErrors(market, answers, "batteryUp");
  const losses = expectedLosses(market, efficiency, answered);
  const [belowMwh, aboveMwh] = [new Float64Array(market.hours), new Float64Array(market.hours)];
  for (let t = 0; t < market.hours; t++) {
    const from = Math.max(0, t - sustain + 1);
    const terms = answered.slice(from, t + 1).flat();
    if (terms.length === 0) continue;
    const lost = losses.slice(from, t + 1).reduce((sum, one) => sum + one, 0);
    const deviation = (market.dt / efficiency) * sumDeviation(market, terms);
    const offset = Math.abs(storedMwh[t] - (minMwh + lost + maxMwh) / 2);
    aboveMwh[t] = requiredHalfWidth(offset, deviation, riskLevel(market, t)) - offset;
    belowMwh[t] = aboveMwh[t] + lost;
  }
  return { belowMwh, aboveMwh };
}

/** The schedule with its battery's band, if it has one. */
export function withBand(market: Market, index: number, schedule: Schedule, answers: DeviceAnswers): Schedule {
  const band = storedBand(market, index, schedule, answers);
  return band === undefined ? schedule : { ...schedule, band };
}
