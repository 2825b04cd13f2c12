/**
 * What the network charges beside the energy injected: responses to forecast errors and reactive power. Either relieves
 * or burdens limits as an injection does. A share's charge is half from each side, the whole from who answers for
 * itself; reactive power is charged like active. A buyer pays its half to the seller with the price, and the seller
 * hands all of it on: so what a share costs a buyer stands in one line and is never dearer than the utility's, whatever
 * the charge. The charge is posted as reserve that the operator sells, so that a mandate bounds it as it bounds
 * reserve: one line a prosumer and period, of all W that it answers, for others and for itself, and of the var it feeds
 * in or draws, at the mean charge on them.
 */
import { nameOf, periodName, type Market } from "../scenario/market.ts";
import { OPERATOR, PRICE_UNITS, type ClearingResult, type Trade } from "./clearingResult.ts";
import { invalid, VALID, type Finding } from "./finding.ts";
import { reservePositions } from "./verify.ts";

/** A posted price may be off by its rounding, 1e-6 $/kW; multipliers by as much again. */
const PRICE_TOLERANCE = 2;

/** What one who has a share bears of the charge on it. */
export const partOf = (role: "seller" | "buyer" | "own"): number => (role === "own" ? 1 : 1 / 2);

/** Charges on a share by [hour][slot] and on reactive power fed in by [hour][prosumer], $/MW or Mvar and hour. */
export type AncillaryPrices = {
  readonly shareCharge: readonly ArrayLike<number>[];
  readonly nodalReactivePrice: readonly ArrayLike<number>[];
};

/** What a buyer pays its seller: the price midway and its half of the charge, $/MW and hour. */
export const postedSharePrice = (price: number, charge: number): number => price + partOf("buyer") * charge;

export type AncillaryCharge = {
  readonly period: number;
  readonly prosumer: number;
  /** W of responses and var, each counted whole. */
  readonly quantity: number;
  /** Mean charge on one of them for the period, 1e-6 $ per kW or kvar, not rounded. */
  readonly price: number;
};

/** By period, then prosumer, for what a result posts: own shares are what the need leaves. */
export function ancillaryCharges(market: Market, result: ClearingResult, prices: AncillaryPrices): AncillaryCharge[] {
  const { shares } = reservePositions(market, result);
  return market.shares.flatMap((slots, period) => {
    const quantity = new Float64Array(market.prosumers.length);
    const weighed = new Float64Array(market.prosumers.length);
    const add = (prosumer: number, amount: number, charge: number): void => {
      quantity[prosumer] += Math.abs(amount);
      weighed[prosumer] += amount * charge;
    };
    slots.forEach(({ seller }, s) => {
      add(seller, Math.round(shares[period][s]), prices.shareCharge[period][s]);
    });
    result.reactiveVar.forEach((row, i) => add(i, row[period], prices.nodalReactivePrice[period][i]));
    return Array.from(quantity, (amount, prosumer) => ({
      period,
      prosumer,
      quantity: amount,
      price: amount === 0 ? 0 : (PRICE_UNITS * market.dt * weighed[prosumer]) / amount,
    }));
  });
}

/** The lines that are posted: none where the mean charge rounds to nothing. */
export const ancillaryLines = (charges: readonly AncillaryCharge[]): Trade[] =>
  charges.flatMap(({ period, prosumer, quantity, price: exact }): Trade[] => {
    const price = Math.round(exact) + 0;
    return price === 0 ? [] : [{ product: "reserve", period, seller: OPERATOR, buyer: prosumer, quantity, price }];
  });

export const isAncillary = ({ product, seller }: Trade): boolean => product === "reserve" && seller === OPERATOR;

/** Whether posted lines are those that the charges make: of the very W and var, at the mean charge on them. */
export function judgeAncillary(market: Market, trades: readonly Trade[], charges: readonly AncillaryCharge[]): Finding {
  const key = (period: number, prosumer: number): number => period * market.prosumers.length + prosumer;
  const posted = new Map(trades.filter(isAncillary).map((line) => [key(line.period, line.buyer), line]));
  for (const { period, prosumer, quantity, price } of charges) {
    const line = posted.get(key(period, prosumer));
    posted.delete(key(period, prosumer));
    const where = `${periodName(market, period)}, ${nameOf(market, prosumer)}`;
    if (line !== undefined && line.quantity !== quantity)
      return invalid("ancillaryNotCharged", `${where}: charged for ${line.quantity} W and var of ${quantity}`);
    if (!(Math.abs((line?.price ?? 0) - price) <= PRICE_TOLERANCE))
      return invalid(
        "ancillaryNotCharged",
        `${where}: ${line?.price ?? "nothing"} posted, multipliers say ${price.toFixed(1)}, 1e-6 $/kW`,
      );
  }
  const [stray] = posted.values();
  return stray === undefined ? VALID : invalid("ancillaryNotCharged", JSON.stringify(stray));
}
