import { PRICE_UNITS, type Trade } from "../../market/result/clearingResult.ts";
import { agreedTrades, type PairTrades, type Proposals } from "../../market/result/proposal.ts";
import type { Market } from "../../market/scenario/market.ts";
import { tradingGroups } from "../../market/scenario/tradingGroups.ts";
import type { Places } from "../../grid/places.ts";

export type QuantiseSettings = {
  /** Reserve trades below this go back to the buyer's other sources (utility, or own devices), W. */
  readonly reserveThresholdW: number;
  /** Utility energy below this is not posted: it is within the clearing's own tolerance, Wh. */
  readonly dustWh: number;
  /**
   * Allowances a prosumer may lack for its planned emissions, g: within the clearing's tolerance. What it holds never
   * falls below zero.
   */
  readonly allowanceDustG: number;
};

/** A result while it is put together: what was proposed, and what is posted of it. */
export type Draft = {
  readonly market: Market;
  readonly proposals: Proposals;
  readonly agreed: PairTrades;
  readonly places: Places;
  readonly settings: QuantiseSettings;
  /** Parts of the trade graph: what is made whole and netted stays within one. */
  readonly groups: readonly (readonly number[])[];
  readonly trades: Trade[];
};

export const draftOf = (market: Market, proposals: Proposals, places: Places, settings: QuantiseSettings): Draft => ({
  market,
  proposals,
  agreed: agreedTrades(market, proposals.prosumers),
  places,
  settings,
  groups: tradingGroups(market),
  trades: [],
});

/** $/MWh, $/MW or $/t to whole price units. */
export const wholePrice = (price: number): number => Math.round(price * PRICE_UNITS) + 0;

/** Posts a trade at a price in $/MWh, $/MW or $/t; one of nothing is left out. */
export function post({ trades }: Draft, { seller, buyer, product, period, quantity, price }: Trade): void {
  if (quantity > 0) trades.push({ seller, buyer, product, period, quantity, price: wholePrice(price) });
}

/** What two pay each other: their pair's price, or where they are no pair the mean of what either pays, by pairs. */
export function priceBetween({ market }: Draft, prices: (pair: number) => number): (i: number, j: number) => number {
  const meanOf = (i: number): number => {
    const mine = market.pairsOf[i];
    return mine.reduce((sum, k) => sum + prices(k), 0) / Math.max(1, mine.length);
  };
  const pairOf = (i: number, j: number): number | undefined =>
    market.pairsOf[i].find((k) => market.pairs[k].includes(j));
  return (i, j) => {
    const pair = pairOf(i, j);
    return pair !== undefined ? prices(pair) : (meanOf(i) + meanOf(j)) / 2;
  };
}
