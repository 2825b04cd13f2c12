/** When claims end a clearing whose residuals are not small yet. */
import type { Acceleration } from "./acceleration/acceleration.ts";
import type { Certificate } from "./claim.ts";
import type { Residual } from "./settings.ts";

/** Claims are asked for from this residual over its tolerance on, so that they are there when it is met. */
export const ASK_FROM = 1.5;
/**
 * Iterates that stand still may be so many times their tolerances apart: prices a ten-thousandth of their level, and
 * plans and trades about what a certificate leaves open.
 */
const NEAR = 10;
/** Of half a ten-thousandth of the turnover. A market of 26 was off by 3.1e-5 of its own where .86 of it was open. */
const STANDING_OPEN = 0.25;
/** Of prices' tolerance. */
const PRICES_NEAR = 3;

/**
 * Are plans and trades, and prices, nearly as near as they have to be, after evaluations without progress? Then what
 * they still differ by may be worth nothing to anybody, and the certificate alone decides: it has both in money.
 */
export const standsNear = ({ stalls, settings }: Acceleration, { primal, dual }: Residual): boolean =>
  // Plain iterations keep their penalties, and plans are no farther apart for lower ones.
  stalls > 0 && primal <= (settings.method === "admm" ? ASK_FROM : NEAR) && dual <= NEAR;

/**
 * Do claims that certify say alone that it is the end? Wherever iterates are where there is ample room; where they
 * stand near, if prices do too, of which the dual is off by the square, or if plans and trades are apart by no more
 * than the objective may be off by, since nothing else bounds it.
 */
export function mayEnd(certificate: Certificate, acceleration: Acceleration, residual: Residual): boolean {
  const { ample, mismatch, allowedMismatch } = certificate;
  const bounded = residual.dual <= PRICES_NEAR || mismatch <= STANDING_OPEN * allowedMismatch;
  return ample || (standsNear(acceleration, residual) && bounded);
}
