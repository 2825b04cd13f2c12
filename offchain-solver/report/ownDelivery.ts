/** What became of one account's promises: promised against metered, and its bill by part. */
import type { Connection, Kind } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import type { SessionReadings } from "../codec/readings.ts";
import { bill, closedBy, energyCells } from "../ledger/delivery.ts";

/** One entry of a session, whoever read it. */
export type Entry = {
  readonly kind: Exclude<Kind, "none">;
  readonly read:
    { readonly readings: SessionReadings; readonly periodSeconds: number; readonly imbalancePrice: number } | undefined;
  readonly connections: ReadonlyMap<number, Omit<Connection, "prosumer" | "nonce">>;
  readonly multiple: number;
  readonly moved: ReadonlyMap<number, { readonly nano: bigint; readonly grams: bigint; readonly released: bigint }>;
};

export type DeliveredPeriod = {
  readonly period: number;
  /** Sold less bought, and what it was called to give for others' errors less what others gave for its own. */
  readonly promisedWh: number;
  readonly calledWh: number;
  /** Fed in less drawn; undefined: missing. */
  readonly meteredWh: number | undefined;
  readonly quality: (typeof QUALITIES)[number];
  readonly renewableWh: number;
  readonly undeliveredW: number;
  /** Received, nano-dollars, before any bound: deviation and called energy. */
  readonly nano: bigint;
};

/** Nano-dollars received. */
export type DeliveryParts = {
  /** Less delivered, or more drawn, than was due; the other way; energy of reserve that was called. */
  readonly shortNano: bigint;
  readonly longNano: bigint;
  readonly responsesNano: bigint;
  /** Of reserve that was called and not delivered. */
  readonly penaltyNano: bigint;
  /** Allowances that the desk sold it. */
  readonly allowancesNano: bigint;
  /** What the bound of the connection took off, what it could not pay, what was cut from what it was to receive. */
  readonly boundNano: bigint;
};

export type OwnDelivery = {
  readonly kind: Entry["kind"];
  readonly entries: number;
  readonly periods: readonly DeliveredPeriod[];
  readonly parts: DeliveryParts;
  /** By all entries together; the parts add up to it. */
  readonly movedNano: bigint;
  readonly emissionsG: number;
  readonly surrenderedG: number;
  readonly boughtG: number;
  /** Held since settlement and free now. */
  readonly releasedMilli: bigint;
};

/** By the last of a session's entries, ascending; undefined where that cannot be read or has no row of the account. */
export function ownDelivery(entries: readonly Entry[], id: number): OwnDelivery | undefined {
  const last = entries.at(-1);
  const row = last?.read?.readings.rows.findIndex((one) => one.id === id) ?? -1;
  if (last?.read === undefined || row < 0) return undefined;
  const { readings, periodSeconds, imbalancePrice } = last.read;
  const closed = closedBy(last.kind);
  const { multiple, connections } = last;
  const basis = { periods: readings.prices.length, periodSeconds, closed, multiple, imbalancePrice, connections };
  const { lines, allowancePrice } = bill(readings, basis);
  const cells = energyCells(readings, row, closed);
  const sum = (of: (one: (typeof cells)[number]) => bigint): bigint => cells.reduce((all, one) => all + of(one), 0n);
  const moved = (of: "nano" | "grams" | "released"): bigint =>
    entries.reduce((all, one) => all + (one.moved.get(id)?.[of] ?? 0n), 0n);
  const { emissionsG, values } = readings.rows[row];
  const surrenderedG = Number(-moved("grams"));
  const boughtG = emissionsG - surrenderedG;
  const parts = {
    shortNano: sum(({ short }) => short),
    longNano: sum(({ long }) => long),
    responsesNano: sum(({ called }) => called),
    penaltyNano: -lines[row].penalty,
    allowancesNano: -BigInt(boughtG) * allowancePrice,
  };
  const movedNano = moved("nano");
  return {
    kind: last.kind,
    entries: entries.length,
    periods: cells.map(({ promisedWh, calledWh, undeliveredW, short, long, called }, period): DeliveredPeriod => {
      const quality = QUALITIES[values[period].quality];
      const { meteredWh, renewableWh } = values[period];
      const about = { period, promisedWh, calledWh, quality, renewableWh, undeliveredW, nano: short + long + called };
      return { ...about, meteredWh: quality === "missing" ? undefined : meteredWh };
    }),
    parts: { ...parts, boundNano: movedNano - Object.values(parts).reduce((all, one) => all + one, 0n) },
    movedNano,
    emissionsG,
    surrenderedG,
    boughtG,
    releasedMilli: moved("released"),
  };
}
