/** Prices and releases of an entry, held against the terms that were frozen and the batch: docs/delivery.md. */
import * as Payload from "../codec/payload.ts";
import type { SessionReadings } from "../codec/readings.ts";
import type { Terms } from "../codec/terms.ts";
import type { SessionTerms } from "../codec/typedData.ts";
import { UTILITY, type Trade } from "../market/result/clearingResult.ts";
import type { Fault } from "./charges.ts";

/** What the frozen terms ask for deviations, by period, and for allowances; 1e-6 $ per kWh, per kg. */
export type EntryPrices = {
  readonly allowancePrice: number;
  readonly shortPrice: readonly number[];
  readonly longPrice: readonly number[];
};

export function entryPricesOf({ scenario: { tariff, carbon } }: Pick<Terms, "scenario">): EntryPrices {
  const units = (price: number): number => Math.round(1000 * price);
  return {
    allowancePrice: units(carbon.deskBuyPerT),
    shortPrice: tariff.buyPerMwh.map(units),
    longPrice: tariff.sellPerMwh.map(units),
  };
}

type Priced = { readonly payload: Uint8Array; readonly terms: SessionTerms; readonly prices: EntryPrices };

/** The first price that is not the terms', or release that is not what the batch kept back. */
export function termsFault(readings: SessionReadings, { payload, terms, prices }: Priced): Fault | undefined {
  const { participants, trades } = Payload.decode(payload, terms.periods);
  const asked: [name: string, is: number, said: number][] = [
    ["the allowances' price", prices.allowancePrice, readings.allowancePrice],
  ];
  for (const [t, said] of readings.prices.entries()) {
    const is = askedIn(trades, t, [prices.shortPrice[t], prices.longPrice[t]], Number(terms.imbalancePrice));
    for (const name of ["shortPrice", "longPrice", "responsePrice"] as const)
      asked.push([`${name} of period ${t}`, is[name], said[name]]);
  }
  const wrong = asked.find(([, is, said]) => is !== said);
  if (wrong !== undefined)
    return { predicate: "entryPriceNotTheTerms", detail: `${wrong[0]} is ${wrong[1]}, not ${wrong[2]}` };
  for (const { id, released } of readings.rows) {
    const i = participants.indexOf(id);
    const held = i < 0 ? 0 : heldOf(trades, i, terms.imbalancePrice);
    if (released !== held)
      return { predicate: "releaseNotTheHold", detail: `${held} were held of account ${id}, not ${released}` };
  }
  return undefined;
}

const floor = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((b - 1n - a) / b));

/**
 * Short: the tariff, or the dearest that a prosumer sold for where that is more, up to the frozen price. A response:
 * the mean of what prosumers traded, no less than long and no more than short; where they did not, midway between.
 */
function askedIn(trades: readonly Trade[], t: number, [tariff, longPrice]: readonly [number, number], most: number) {
  const among = trades.filter(
    ({ product, period, seller, buyer }) =>
      product === "energy" && period === t && seller !== UTILITY && buyer !== UTILITY,
  );
  const shortPrice = Math.min(most, Math.max(tariff, ...among.map(({ price }) => price)));
  const wh = among.reduce((sum, { quantity }) => sum + BigInt(quantity), 0n);
  const paid = among.reduce((sum, { quantity, price }) => sum + BigInt(quantity) * BigInt(price), 0n);
  const mean = wh === 0n ? Math.floor((shortPrice + longPrice) / 2) : Number(floor(paid, wh));
  return { shortPrice, longPrice, responsePrice: Math.max(longPrice, Math.min(shortPrice, mean)) };
}

/** What it received, or what all that it sold costs undelivered: milli-dollars, rounded up, of 32 bits. */
function heldOf(trades: readonly Trade[], i: number, imbalancePrice: bigint): number {
  let money = 0n;
  const soldWh = new Map<number, number>();
  for (const { product, period, seller, buyer, quantity, price } of trades) {
    const sign = seller === i ? 1 : buyer === i ? -1 : 0;
    money += BigInt(sign * quantity) * BigInt(price);
    if (product === "energy") soldWh.set(period, (soldWh.get(period) ?? 0) + sign * quantity);
  }
  const sold = [...soldWh.values()].reduce((sum, wh) => sum + Math.max(0, wh), 0);
  const owed = BigInt(sold) * imbalancePrice;
  const due = money > owed ? money : owed;
  return Math.min(0xffffffff, Number(-floor(-due, 1_000_000n)));
}
