/**
 * The most that a mandate can cost in a session, and what its delivery can take besides: the readable twin of the
 * contracts' own figures (contracts/types/Mandate.sol).
 */
import type { Mandate } from "../codec/typedData.ts";
import { OPERATOR_ID } from "./mandatePreset.ts";

export type SessionLength = { readonly periodSeconds: number; readonly periods: number };

const above = (price: bigint): bigint => (price > 0n ? price : 0n);
const larger = (one: bigint, other: bigint): bigint => (one > other ? one : other);
/** W x 1e-6 $ per kWh over a session, nano-dollars, rounded up. */
const overHours = (nano: bigint, { periodSeconds, periods }: SessionLength): bigint =>
  (nano * BigInt(periodSeconds) * BigInt(periods) + 3_599n) / 3_600n;

/**
 * Nano-dollars, whoever signed the session: in every period the dearer of buying and of selling all it may, with
 * reserve in both directions, and allowances; never more than a day's spend, which is all that bounds the operator.
 */
export function lossOf(mandate: Mandate, length: SessionLength): bigint {
  const bought = mandate.maxBuyW * above(mandate.maxBuy);
  const sold = mandate.maxSellW * above(-mandate.minSell);
  const reserve = mandate.maxReserveW * (above(mandate.maxReservePrice) + above(-mandate.minReservePrice));
  const carbon = mandate.maxCarbonG * larger(above(mandate.maxCarbonPrice), above(-mandate.minCarbonPrice));
  const nano = overHours(larger(bought, sold) + reserve, length) + carbon;
  const day = mandate.maxSpendPerDay * 1_000n;
  return nano < day && mandate.prosumer !== OPERATOR_ID ? nano : day;
}

/** Nano-dollars: all that it may sell, undelivered, at the imbalance price, and one day's spend. */
export const takenOf = (
  { maxSellW, maxSpendPerDay }: Pick<Mandate, "maxSellW" | "maxSpendPerDay">,
  length: SessionLength,
  imbalancePrice: bigint,
): bigint => overHours(maxSellW * imbalancePrice, length) + maxSpendPerDay * 1_000n;
