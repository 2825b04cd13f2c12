import { ACTIVE, ALLOWANCES, COMMODITIES, REACTIVE, RESERVE } from "../market/result/commodities.ts";
import type { Market } from "../market/scenario/market.ts";

/** One of prosumer i's copies of a share: what it answers for others, has answered by others, or answers for itself. */
export type ShareCopy = {
  readonly hour: number;
  readonly slot: number;
  readonly role: "seller" | "buyer" | "own";
  readonly other: number;
};

/**
 * Where things stand in prosumer i's consensus vector y_i:
 * trades with partner k at k (T + 1): energy by hour, then allowances; then P by hour, Q by hour, then share copies.
 * The first part is agreed between pairs, the rest is projected by the operator.
 */
export type Layout = {
  readonly size: number;
  readonly hours: number;
  /** Partner prosumer of each trade block, and +1 where i is the pair's first (its e is the pair's e). */
  readonly partners: Int32Array;
  readonly pairs: Int32Array;
  readonly signs: Int8Array;
  readonly gridStart: number;
  readonly copies: readonly ShareCopy[];
  readonly copiesStart: number;
  /** [component] index into COMMODITIES. */
  readonly commodity: Uint8Array;
};

export function layoutOf(market: Market, i: number): Layout {
  const { hours } = market;
  const pairs = Int32Array.from(market.pairsOf[i]);
  const partners = pairs.map((k) => (market.pairs[k][0] === i ? market.pairs[k][1] : market.pairs[k][0]));
  const gridStart = pairs.length * (hours + 1);
  const copies: ShareCopy[] = [];
  market.slotsOf[i].forEach((mine, hour) =>
    mine.forEach((slot) => {
      const { seller, buyer } = market.shares[hour][slot];
      if (seller === i && buyer === i) copies.push({ hour, slot, role: "own", other: i });
      else if (seller === i) copies.push({ hour, slot, role: "seller", other: buyer });
      else copies.push({ hour, slot, role: "buyer", other: seller });
    }),
  );
  const copiesStart = gridStart + 2 * hours;
  const size = copiesStart + copies.length;
  const commodity = new Uint8Array(size);
  for (let k = 0; k < pairs.length; k++) commodity[k * (hours + 1) + hours] = ALLOWANCES;
  commodity.fill(ACTIVE, gridStart, gridStart + hours);
  commodity.fill(REACTIVE, gridStart + hours, copiesStart);
  commodity.fill(RESERVE, copiesStart);
  return {
    size,
    hours,
    partners,
    pairs,
    signs: Int8Array.from(pairs, (k) => (market.pairs[k][0] === i ? 1 : -1)),
    gridStart,
    copies,
    copiesStart,
    commodity,
  };
}

/** Residual sums that ride on every offer: per commodity n, |y|^2, |z|^2, |y-z|^2, |dual residual|^2, |rho u|^2. */
export const SUMS = 6;
export const SUM_COUNT = SUMS * COMMODITIES.length;
