/**
 * The bytes of a session's readings, big-endian, no padding (docs/delivery.md says what each field means):
 *
 *   rows u16 | allowancePrice u24 | H x (shortPrice i24 | longPrice i24 | responsePrice i24)
 *   rows x (id u32 | released u32 | emissionsG u32 | offset u40
 *           | H x (dueWh + offset u32 | meteredWh + offset u32) | H x (quality u2 renewableWh u30))
 *   responses, to the end: row u16 | period u8 | calledWh i32 | undeliveredW u32 | price u24
 *
 * A row's offset is the magnitude of its most negative value: a byte of zeros costs a quarter of another on chain.
 */
import { refuse } from "./refusal.ts";

/** 1e-6 $ per kWh: of what was not delivered, of what was fed in too much, of energy that called reserve moves. */
export type PeriodPrices = { readonly shortPrice: number; readonly longPrice: number; readonly responsePrice: number };

export type RowValue = {
  /** Energy sold less bought in the batch, plus `calledWh` of the row's responses. */
  readonly dueWh: number;
  /** Fed in, net. */
  readonly meteredWh: number;
  /** Index into QUALITIES; bytes can hold 3, which is none. */
  readonly quality: number;
  readonly renewableWh: number;
};

export type Row = {
  readonly id: number;
  /** What was held for the session and is free now, thousandths of a dollar. */
  readonly released: number;
  readonly emissionsG: number;
  readonly values: readonly RowValue[];
};

export type Response = {
  /** Index of the row. */
  readonly row: number;
  readonly period: number;
  readonly calledWh: number;
  readonly undeliveredW: number;
  /** 1e-6 $ per kW. */
  readonly price: number;
};

export type SessionReadings = {
  /** 1e-6 $ per kg. */
  readonly allowancePrice: number;
  readonly prices: readonly PeriodPrices[];
  readonly rows: readonly Row[];
  readonly responses: readonly Response[];
};

const HEAD = 5;
const PRICES = 9;
const ROW_HEAD = 17;
const VALUE = 12;
const RESPONSE = 14;
const QUALITY = 2 ** 30;

/** A field that does not fit its bytes is our own fault: a RangeError that names it. */
export function encodeReadings({ allowancePrice, prices, rows, responses }: SessionReadings): Uint8Array {
  const stride = ROW_HEAD + VALUE * prices.length;
  const length = HEAD + PRICES * prices.length + stride * rows.length + RESPONSE * responses.length;
  const writer = new Writer(length);
  writer.put("rows", rows.length, 2).put("allowancePrice", allowancePrice, 3);
  for (const { shortPrice, longPrice, responsePrice } of prices)
    writer.put("shortPrice", shortPrice, -3).put("longPrice", longPrice, -3).put("responsePrice", responsePrice, -3);
  for (const { id, released, emissionsG, values } of rows) {
    if (values.length !== prices.length) throw new RangeError(`row ${id}: ${values.length} values`);
    const offset = -Math.min(0, ...values.flatMap(({ dueWh, meteredWh }) => [dueWh, meteredWh]));
    writer.put("id", id, 4).put("released", released, 4).put("emissionsG", emissionsG, 4).put("offset", offset, 5);
    for (const { dueWh, meteredWh } of values)
      writer.put("dueWh", dueWh + offset, 4).put("meteredWh", meteredWh + offset, 4);
    for (const { quality, renewableWh } of values) {
      if (renewableWh >= QUALITY) throw new RangeError(`renewableWh: ${renewableWh}`);
      writer.put("value", quality * QUALITY + renewableWh, 4);
    }
  }
  for (const { row, period, calledWh, undeliveredW, price } of responses) {
    writer.put("row", row, 2).put("period", period, 1).put("calledWh", calledWh, -4);
    writer.put("undeliveredW", undeliveredW, 4).put("price", price, 3);
  }
  return writer.bytes;
}

/** Refuses `readingsLength`; what the values may be is the ledger's affair. */
export function decodeReadings(bytes: Uint8Array, periods: number): SessionReadings {
  const reader = new Reader(bytes);
  if (bytes.length < HEAD) refuse("readingsLength", bytes.length);
  const count = reader.take(2);
  const tail = bytes.length - HEAD - PRICES * periods - count * (ROW_HEAD + VALUE * periods);
  if (tail < 0 || tail % RESPONSE !== 0) refuse("readingsLength", bytes.length);
  const allowancePrice = reader.take(3);
  const list = <T>(length: number, read: () => T): T[] => Array.from({ length }, read);
  const prices = list(periods, () => ({
    shortPrice: reader.take(-3),
    longPrice: reader.take(-3),
    responsePrice: reader.take(-3),
  }));
  const rows = list(count, () => {
    const [id, released, emissionsG, offset] = [reader.take(4), reader.take(4), reader.take(4), reader.take(5)];
    const pairs = list(periods, () => ({ dueWh: reader.take(4) - offset, meteredWh: reader.take(4) - offset }));
    const values = pairs.map((pair) => {
      const value = reader.take(4);
      return { ...pair, quality: Math.floor(value / QUALITY), renewableWh: value % QUALITY };
    });
    return { id, released, emissionsG, values };
  });
  const responses = list(tail / RESPONSE, () => ({
    row: reader.take(2),
    period: reader.take(1),
    calledWh: reader.take(-4),
    undeliveredW: reader.take(4),
    price: reader.take(3),
  }));
  return { allowancePrice, prices, rows, responses };
}

/** The bytes of each row, of which the tree is made. */
export function rowBytes(bytes: Uint8Array, periods: number): Uint8Array[] {
  const stride = ROW_HEAD + VALUE * periods;
  const from = HEAD + PRICES * periods;
  const count = (bytes[0] << 8) | bytes[1];
  return Array.from({ length: count }, (_, k) => bytes.subarray(from + k * stride, from + (k + 1) * stride));
}

/** Of so many bytes; a negative number of bytes is a signed field. */
class Writer {
  readonly bytes: Uint8Array;
  #at = 0;
  constructor(length: number) {
    this.bytes = new Uint8Array(length);
  }
  put(what: string, value: number, size: number): this {
    const bytes = Math.abs(size);
    const span = 2 ** (8 * bytes);
    const [low, high] = size < 0 ? [-span / 2, span / 2 - 1] : [0, span - 1];
    if (!Number.isInteger(value) || value < low || value > high) throw new RangeError(`${what}: ${value}`);
    let rest = value < 0 ? value + span : value;
    for (let k = bytes - 1; k >= 0; k--) {
      this.bytes[this.#at + k] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.#at += bytes;
    return this;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  take(size: number): number {
    const bytes = Math.abs(size);
    let value = 0;
    for (let k = 0; k < bytes; k++) value = value * 256 + this.#bytes[this.#at + k];
    this.#at += bytes;
    const span = 2 ** (8 * bytes);
    return size < 0 && value >= span / 2 ? value - span : value;
  }
}
