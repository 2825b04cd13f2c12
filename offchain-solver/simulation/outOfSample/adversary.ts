import type { Market } from "../../market/scenario/market.ts";
import { momentsOf, wilson, type Exposure, type HourExposure } from "../../market/risk/exposure.ts";
import { seeded } from "../../scenarios/prng.ts";
import { along, extremal } from "./distributions.ts";
import { factorFor, onFactor, sampled, TOLERANCE, violations, type Estimate } from "./violations.ts";

/** Binding constraints of a kind, those with the largest deviation, that the adversary is let loose on. */
const ADVERSARIES = 6;

/** A constraint that binds, with its deviation over its half width. */
export type Target = {
  readonly hour: number;
  readonly exposure: HourExposure;
  readonly limit: Exposure;
  readonly deviation: number;
};

export type Attack = {
  readonly hour: number;
  readonly limit: Exposure["id"];
  readonly expected: number;
  readonly violation: Estimate;
};

/** The bookings that move most, then the network limits that do, each by a law of its own. */
export const attacks = (market: Market, targets: readonly Target[], draws: number, seed: number): Attack[] =>
  [true, false].flatMap((booking) =>
    targets
      .filter(({ limit }) => (limit.id.kind === "booking") === booking)
      .sort((a, b) => b.deviation - a.deviation)
      .slice(0, ADVERSARIES)
      .map((target, k) => attack(market, target, draws, (seed + 1 + k + (booking ? 0 : ADVERSARIES)) >>> 0)),
  );

/** The law that breaks this constraint most often among all with the fitted moments, drawn and counted. */
function attack(market: Market, { hour, exposure, limit }: Target, draws: number, seed: number): Attack {
  const random = seeded(seed);
  const factor = factorFor(market, hour, exposure.columns);
  const { offset, s, T: half, direction } = momentsOf(exposure, limit, factor);
  const T = Math.max(half, TOLERANCE);
  // Twice the tolerance beyond the limit, so that the mass put there is counted.
  const law = extremal(offset, s, T + 2 * TOLERANCE, random);
  const sample = sampled(along(direction, law.draw, random), factor.length, draws);
  let hits = 0;
  violations([limit], onFactor(exposure, factor), sample, () => hits++);
  return { hour, limit: limit.id, expected: law.violation, violation: wilson(hits, draws) };
}
