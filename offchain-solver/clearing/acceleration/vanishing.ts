import type { AccelerationSettings } from "./acceleration.ts";

/** Extra regularisation below a thousandth of kappa only costs accuracy. */
export const LEAST_EXTRA = 1e-5;

/** The extra regularisation may stand this many times higher than the residual, both against their first values. */
export const AHEAD = 100;

/**
 * The extra regularisation of a warm start, $ per unit^2: by the square of its distance, `least` at least, before AHEAD
 * holds it down. A warm start stands on the right spot of most faces already: with more extra regularisation than its
 * distance asks for it leaves them and comes back; with too little the faces that did change are crossed by kappa/rho a
 * step again. Distance is its first residual's share of the cold session's: .006 with each plant's and hour's forecast
 * within 5 %, .013 to .019 with all of them 5 % off.
 */
const WARM_START = { least: 2, bySquare: 7e4 } as const;

/** What the extra regularisation begins with, given the first residual's norm. */
export function beginning({ method, vanishing }: AccelerationSettings, firstNorm: number): number {
  const { start, reference, plain = false } = vanishing;
  if (method === "admm" && !plain) return 0;
  if (reference === undefined) return start;
  const distance = firstNorm / reference;
  return Math.min(start, Math.max(WARM_START.least, WARM_START.bySquare * distance * distance));
}

/** How near the session before has to be for its trades to be pulled at, as a distance (see WARM_START). */
const NEAR = 0.01;

/** Share of the first trades to pull towards, given the first residual's norm. */
export function centreOf({ vanishing: { reference, centre = 0 } }: AccelerationSettings, firstNorm: number): number {
  return reference !== undefined && firstNorm <= NEAR * reference ? centre : 0;
}
