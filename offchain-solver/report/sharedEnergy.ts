import type { ClearingJson } from "../records/clearingJson.ts";

/**
 * What members gave one another in a session, kWh: in each period no more than those fed in who sold more than they
 * bought. What a member has from the utility and hands on is no energy of the community, whatever trades it went by.
 */
export function sharedKwh({
  quantised: { trades, periods },
  prosumers: { length: members },
}: Pick<ClearingJson, "quantised" | "prosumers">): number {
  const sold = Array.from({ length: periods }, () => new Array<number>(members).fill(0));
  for (const { product, period, seller, buyer, quantity } of trades) {
    if (product !== "energy") continue;
    if (seller < members) sold[period][seller] += quantity;
    if (buyer < members) sold[period][buyer] -= quantity;
  }
  const sum = (row: readonly number[], sign: 1 | -1): number =>
    row.reduce((total, wh) => total + Math.max(0, sign * wh), 0);
  return sold.reduce((total, row) => total + Math.min(sum(row, 1), sum(row, -1)), 0) / 1e3;
}
