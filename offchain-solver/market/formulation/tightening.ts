import type { Tightening } from "./network.ts";

/** Losses and the voltage drop they cause are a little more than what tightening by the last sweep takes off. */
export const TIGHTENING_SLACK = 1e-5;
/** Clearings inside tighter and tighter limits: after so many none is looked for any more. */
export const MOST_TIGHTENINGS = 8;

/**
 * Limits so much tighter that what an AC sweep found missing, p.u. and share of the rating, may be there the next time.
 * Rounding moves the posted point a little, so what has to be tightened is tightened by the slack more.
 */
export function tighter({ voltagePu, ratingShare }: Tightening, missing: Tightening): Tightening {
  const more = (by: number): number => (by > 0 ? by + TIGHTENING_SLACK : 0);
  return { voltagePu: voltagePu + more(missing.voltagePu), ratingShare: ratingShare + more(missing.ratingShare) };
}
