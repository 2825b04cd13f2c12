/**
 * Where the session's money goes, and how the objective that was minimised becomes the bills that are paid. Payments
 * are sums of the posted integers, to the nano-dollar.
 */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import { DESK, OPERATOR, UTILITY } from "../market/result/clearingResult.ts";
import { total } from "./derive.ts";

export type Payments = {
  /** $ that all prosumers together pay each of the others, net; what they pay one another adds up to nothing. */
  readonly utilityEnergy: number;
  readonly utilityReserve: number;
  readonly desk: number;
  /** Network charges less the rebate. */
  readonly operator: number;
  readonly all: number;
};

export function paymentsOf({ quantised }: ClearingJson): Payments {
  const paid = { utilityEnergy: 0n, utilityReserve: 0n, desk: 0n, operator: 0n };
  for (const { seller, buyer, product, quantity, price } of quantised.trades) {
    const value = BigInt(quantity) * BigInt(price);
    for (const [account, sign] of [
      [seller, 1n],
      [buyer, -1n],
    ] as const) {
      if (account === UTILITY) paid[product === "energy" ? "utilityEnergy" : "utilityReserve"] += sign * value;
      if (account === DESK) paid.desk += sign * value;
      if (account === OPERATOR) paid.operator += sign * value;
    }
  }
  const dollars = (nano: bigint): number => Number(nano) / 1e9;
  return {
    utilityEnergy: dollars(paid.utilityEnergy),
    utilityReserve: dollars(paid.utilityReserve),
    desk: dollars(paid.desk),
    operator: dollars(paid.operator),
    all: dollars(paid.utilityEnergy + paid.utilityReserve + paid.desk + paid.operator),
  };
}

export type Reconciliation = {
  readonly objective: number;
  /**
   * In the objective, paid by nobody: the small costs that make trades unique. A record that does not tell them has
   * them in `rounding`.
   */
  readonly uniqueness: number | undefined;
  /** Paid, but no cost to all together: what the operator keeps of its charges. */
  readonly operator: number;
  /** Whole Wh, W and g instead of fractions, and how far the iterations stopped from agreement. */
  readonly rounding: number;
  readonly bills: number;
};

/** objective - uniqueness + operator + rounding = bills, $. */
export function reconcile(clearing: ClearingJson): Reconciliation {
  const { objective, uniqueness } = clearing;
  const { operator } = paymentsOf(clearing);
  const bills = total(
    clearing.prosumers.map(({ cost, payment: p }) => cost + p.energy + p.reserve + p.carbon + p.network),
  );
  return { objective, uniqueness, operator, rounding: bills - (objective - (uniqueness ?? 0) + operator), bills };
}
