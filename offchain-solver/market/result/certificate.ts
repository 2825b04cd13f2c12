import type { ClearingResult } from "./clearingResult.ts";
import type { Scenario } from "../scenario/scenario.ts";

/**
 * When a result counts as optimal (market-model section 6): all regrets together, the operator's included, are at most
 * `regret` of the gross turnover plus what rounding to whole units may cost, and what a clearing left open between
 * plans and trades, in money, at most `mismatch` of the turnover. The objective is no scale: on a day whose income and
 * cost cancel it is nothing.
 */
export const CERTIFICATE = { regret: 1e-5, mismatch: 1e-4 } as const;

/** What a market must say of itself so that rounding can be priced: its tariff, and how many members it has. */
type Priced = { readonly scenario: Pick<Scenario, "tariff">; readonly prosumers: readonly unknown[] };

/**
 * Root of the sum of squares of half a unit of energy (`step`, Wh in the market's units) of every member and period at
 * the tariff.
 */
export function roundingOf({ scenario: { tariff }, prosumers }: Priced, step: number): number {
  const squares = tariff.buyPerMwh.map((buy, t) => Math.max(Math.abs(buy), Math.abs(tariff.sellPerMwh[t])));
  return (step / 2) * Math.sqrt(prosumers.length * squares.reduce((sum, price) => sum + price * price, 0));
}

/**
 * Gross turnover of what is posted, sum of abs(quantity x price), and half a unit of every line at its price, root of
 * squares, $.
 */
export function turnoverOf({ trades }: ClearingResult): { readonly gross: number; readonly rounding: number } {
  let [gross, squares] = [0, 0];
  for (const { quantity, price } of trades) {
    gross += Math.abs(quantity * price);
    squares += (price / 2) * (price / 2);
  }
  return { gross: gross / 1e9, rounding: Math.sqrt(squares) / 1e9 };
}

/** Most that the regrets of a posted result may add up to, $; `share` of its turnover. */
export const allowedRegret = (market: Priced, result: ClearingResult, share: number = CERTIFICATE.regret): number =>
  allowed(market, result, share);

/** Most that plans and trades of a posted result may differ by, $. */
export const allowedMismatch = (market: Priced, result: ClearingResult): number =>
  allowed(market, result, CERTIFICATE.mismatch);

function allowed(market: Priced, result: ClearingResult, share: number): number {
  const { gross, rounding } = turnoverOf(result);
  const members = roundingOf(market, 1e-6);
  return share * gross + Math.sqrt(rounding * rounding + members * members);
}
