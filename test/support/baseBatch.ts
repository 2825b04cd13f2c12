/* eslint max-params: ["error", 6] -- `trade` takes the columns of a table */
/**
 * A batch with every product and every system account, and the ways to change it: what the suites of a market's limits
 * share.
 */
import * as Payload from "../../offchain-solver/codec/payload.ts";
import {
  DESK,
  OPERATOR,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../../offchain-solver/market/result/clearingResult.ts";
import { positionsOf } from "./batches.ts";
import { idsOf } from "./world.ts";

export const PERIODS = 2;
export const CAP = 3_000_000n;
export const IDS = idsOf(5);
/** A row of a table: its columns in order. */
export const trade = (
  product: Trade["product"],
  period: number,
  seller: number,
  buyer: number,
  quantity: number,
  price: number,
): Trade => ({
  product,
  period,
  seller,
  buyer,
  quantity,
  price,
});
const sorted = (trades: readonly Trade[]): Trade[] =>
  [...trades].sort((a, b) => Payload.tradeKey(a) - Payload.tradeKey(b));

/** Net sellers 0 and 1, net buyers 2, 3 and 4; every product, every system account. */
const CORE: readonly Trade[] = [
  trade("energy", 0, 0, 2, 4_000, 80_000),
  trade("energy", 0, 0, 3, 2_000, 90_000),
  trade("energy", 0, 1, UTILITY, 1_000, 20_000),
  trade("energy", 0, UTILITY, 4, 3_000, 81_000),
  trade("energy", 1, 0, 4, 5_000, 70_000),
  trade("energy", 1, 1, 2, 500, 60_000),
  trade("reserve", 0, 0, 1, 300, 12_000),
  trade("reserve", 1, UTILITY, 3, 200, 24_000),
  trade("carbon", SESSION_PERIOD, 3, 0, 700, 27_000),
  trade("carbon", SESSION_PERIOD, DESK, 2, 100, 30_000),
];
export const CHARGE = 500;
const charges = (trades: readonly Trade[]): Trade[] =>
  positionsOf(trades, IDS.length, PERIODS).flatMap((row, buyer) =>
    row.flatMap((wh, period) =>
      wh === 0 ? [] : [trade("network", period, OPERATOR, buyer, Math.abs(wh), Math.sign(wh) * CHARGE)],
    ),
  );
const REBATE = trade("network", SESSION_PERIOD, OPERATOR, 2, 6_000, -400);
export const BASE: Payload.Payload = {
  participants: IDS,
  systems: 7,
  reactiveVar: IDS.map((_, k) => [100 * k, -200]),
  trades: sorted([...CORE, ...charges(CORE), REBATE]),
};
export const MANDATE = {
  maxBuy: 150_000n,
  minSell: 10_000n,
  maxBuyW: 20_000n,
  maxSellW: 20_000n,
  minReservePrice: 4_000n,
  maxReservePrice: 30_000n,
  maxReserveW: 1_000n,
  maxCarbonPrice: 40_000n,
  minCarbonPrice: 20_000n,
  maxCarbonG: 1_500_000n,
  maxSpendPerDay: 39_000_000n,
};

/** Every price of a system account, at the cap or at minus the cap. */
export const ANY_PRICE = {
  maxBuy: CAP,
  minSell: -CAP,
  minReservePrice: -CAP,
  maxReservePrice: CAP,
  maxCarbonPrice: CAP,
  minCarbonPrice: -CAP,
};

export type Change = () => Payload.Payload;

/** The core trades changed, charges recomputed: only what is meant to be wrong is wrong. */
export const core = (change: (trades: Trade[]) => readonly Trade[]): Payload.Payload => {
  const trades = change(CORE.map((one) => ({ ...one })));
  return { ...BASE, trades: sorted([...trades, ...charges(trades), REBATE]) };
};
export const replace = (index: number, fields: Partial<Trade>) => () =>
  core((trades) => trades.map((one, k) => (k === index ? { ...one, ...fields } : one)));
export const add =
  (...more: Trade[]) =>
  () =>
    core((trades) => [...trades, ...more]);
/** Trades as they are, changed after the charges. */
export const raw =
  (change: (trades: Trade[]) => readonly Trade[], sorting = true) =>
  () => {
    const trades = change(BASE.trades.map((one) => ({ ...one })));
    return { ...BASE, trades: sorting ? sorted(trades) : trades };
  };
export const rawAt = (product: Trade["product"], period: number, fields: Partial<Trade>) =>
  raw((trades) => {
    const at = trades.findIndex((one) => one.product === product && one.period === period);
    return trades.map((one, k) => (k === at ? { ...one, ...fields } : one));
  });
