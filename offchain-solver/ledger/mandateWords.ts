/** A mandate as people set it: prices in $ per kWh, kW and kg, power in kW, allowances in kg, money in $. */
import type { FrozenLimits, Mandate } from "../codec/typedData.ts";

type Field = Exclude<keyof FrozenLimits, "validUntil">;
/** `factor`: whole units of the signed field in one of the shown unit. */
type Shown = {
  readonly field: Field;
  readonly unit: string;
  readonly factor: number;
  readonly low: number;
  readonly high: number;
  readonly says: string;
};

/** The largest magnitude of a signed price: 24 bits of 1e-6 $. */
const PRICE = 0x7fffff / 1e6;
const U32 = 0xffffffff;
/** 48 bits of micro-dollars. */
const SPEND = (2 ** 48 - 1) / 1e6;

const row = (field: Field, unit: string, factor: number, [low, high]: [number, number], says: string): Shown => ({
  field,
  unit,
  factor,
  low,
  high,
  says,
});

/** What each field of a mandate says, in the order in which it is signed. */
export const MANDATE_FIELDS: readonly Shown[] = [
  row("maxBuy", "$/kWh", 1e6, [-PRICE, PRICE], "highest price for energy that you buy, network charge included"),
  row(
    "minSell",
    "$/kWh",
    1e6,
    [-PRICE, PRICE],
    "lowest price for energy that you sell; below zero you would pay for it",
  ),
  row("maxBuyW", "kW", 1e3, [0, U32 / 1e3], "most power that you buy, net, in a period"),
  row("maxSellW", "kW", 1e3, [0, U32 / 1e3], "most power that you sell, net, in a period"),
  row("minReservePrice", "$/kW", 1e6, [-PRICE, PRICE], "lowest price an hour for reserve that you sell"),
  row("maxReservePrice", "$/kW", 1e6, [-PRICE, PRICE], "highest price an hour for reserve that you buy"),
  row("maxReserveW", "kW", 1e3, [0, U32 / 1e3], "most reserve that you sell, and that you buy, in a period"),
  row("maxCarbonPrice", "$/kg", 1e6, [-PRICE, PRICE], "highest price for allowances that you buy"),
  row("minCarbonPrice", "$/kg", 1e6, [-PRICE, PRICE], "lowest price for allowances that you sell"),
  row("maxCarbonG", "kg", 1e3, [0, U32 / 1e3], "most allowances that you buy or sell, net, in a session"),
  row("maxSpendPerDay", "$", 1e6, [0, SPEND], "most that all sessions starting on one UTC day can cost you"),
];

/** A field's value in the unit that people read. */
export const shownValue = ({ factor }: Pick<Shown, "factor">, signed: bigint): number => Number(signed) / factor;
/** A value in the unit that people read as the whole number that is signed, the nearest. */
export const signedValue = ({ factor }: Pick<Shown, "factor">, shown: number): bigint =>
  BigInt(Math.round(shown * factor));

const DAY_S = 86_400n;

/**
 * The most that a mandate can cost until it ends, should everybody conspire, nano-dollars: a day's spend on every UTC
 * day that a session can still start on, and never more than what is deposited.
 */
export function mostUntilEnd(
  { maxSpendPerDay, validUntil }: Pick<Mandate, "maxSpendPerDay" | "validUntil">,
  now: bigint,
  depositNano: bigint,
): bigint {
  const days = validUntil > now ? validUntil / DAY_S - now / DAY_S + 1n : 0n;
  const most = days * maxSpendPerDay * 1_000n;
  return most < depositNano ? most : depositNano;
}
