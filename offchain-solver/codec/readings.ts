/**
 * The bytes of a session's readings, big-endian, no padding (docs/delivery.md says what each field means). A value has
 * `width` bytes, 2 if all of the session's fit or else 4:
 *
 *   rows u16 | allowancePrice u24 | width u8 | H x (shortPrice i24 | longPrice i24 | responsePrice i24)
 *   rows x (id u32 | released u32 | emissionsG u32 | H x (dueWh | dueWh - meteredWh), zeros to a multiple of
 *           32 bytes | H x renewableWh | H x quality u2, zeros to a whole byte)
 *   responses, to the end: row u16 | period u8 | calledWh i32 | undeliveredW u32 | price u24
 *
 * dueWh and what is short of it are stored more by half of what a value holds, so that both are positive.
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

const HEAD = 6;
/** Where the width is. */
const WIDTH = 5;
const PRICES = 9;
const ROW_HEAD = 12;
const RESPONSE = 14;
const WORD = 32;
export const NARROW = 2;
export const WIDE = 4;

/** A field that does not fit its bytes is our own fault: a RangeError that names it. */
export function encodeReadings({ allowancePrice, prices, rows, responses }: SessionReadings): Uint8Array {
  const periods = prices.length;
  const width = narrowestOf(rows);
  const writer = new Writer(byteLength({ rows: rows.length, periods, width, responses: responses.length }));
  writer.put("rows", rows.length, 2).put("allowancePrice", allowancePrice, 3).put("width", width, 1);
  for (const { shortPrice, longPrice, responsePrice } of prices)
    writer.put("shortPrice", shortPrice, -3).put("longPrice", longPrice, -3).put("responsePrice", responsePrice, -3);
  for (const row of rows) {
    if (row.values.length !== periods) throw new RangeError(`row ${row.id}: ${row.values.length} values`);
    putRow(writer, row, width);
  }
  for (const { row, period, calledWh, undeliveredW, price } of responses) {
    writer.put("row", row, 2).put("period", period, 1).put("calledWh", calledWh, -4);
    writer.put("undeliveredW", undeliveredW, 4).put("price", price, 3);
  }
  return writer.bytes;
}

/** `width`: bytes of a value. */
export type ReadingsSize = {
  readonly rows: number;
  readonly periods: number;
  readonly width: number;
  readonly responses: number;
};

export const byteLength = ({ rows, periods, width, responses }: ReadingsSize): number =>
  HEAD + PRICES * periods + strideOf(periods, width) * rows + RESPONSE * responses;

const strideOf = (periods: number, width: number): number =>
  ROW_HEAD + 2 * width * periods + paddingOf(periods, width) + width * periods + Math.ceil(periods / 4);

/** Zeros after the pairs of a row: a contract reads them by the word. */
const paddingOf = (periods: number, width: number): number => (WORD - ((2 * width * periods) % WORD)) % WORD;

/** What a value of `width` bytes is below. */
export const biasOf = (width: number): number => 2 ** (8 * width - 1);

function narrowestOf(rows: readonly Row[]): number {
  const bias = biasOf(NARROW);
  const fits = (value: number): boolean => value >= -bias && value < bias;
  const narrow = rows.every(({ values }) =>
    values.every(({ dueWh, meteredWh, renewableWh }) => fits(dueWh) && fits(dueWh - meteredWh) && renewableWh < bias),
  );
  return narrow ? NARROW : WIDE;
}

function putRow(writer: Writer, { id, released, emissionsG, values }: Row, width: number): void {
  const bias = biasOf(width);
  writer.put("id", id, 4).put("released", released, 4).put("emissionsG", emissionsG, 4);
  for (const { dueWh, meteredWh } of values)
    writer.put("dueWh", dueWh + bias, width).put("dueWh less meteredWh", dueWh - meteredWh + bias, width);
  writer.pad(paddingOf(values.length, width));
  for (const { renewableWh } of values) writer.put("renewableWh", renewableWh, width);
  for (let t = 0; t < values.length; t += 4) {
    const four = values.slice(t, t + 4).map(({ quality }) => {
      if (!Number.isInteger(quality) || quality < 0 || quality > 3) throw new RangeError(`quality: ${quality}`);
      return quality;
    });
    writer.put(
      "qualities",
      four.reduce((byte, quality, k) => byte + quality * 4 ** (3 - k), 0),
      1,
    );
  }
}

/** Refuses `readingsLength`; what the values may be is the ledger's affair. */
export function decodeReadings(bytes: Uint8Array, periods: number): SessionReadings {
  const reader = new Reader(bytes);
  const width = bytes[WIDTH];
  if (bytes.length < HEAD || (width !== NARROW && width !== WIDE)) refuse("readingsLength", bytes.length);
  const count = reader.take(2);
  const tail = bytes.length - HEAD - PRICES * periods - count * strideOf(periods, width);
  if (tail < 0 || tail % RESPONSE !== 0) refuse("readingsLength", bytes.length);
  const allowancePrice = reader.take(3);
  reader.take(1);
  const prices = times(periods, () => ({
    shortPrice: reader.take(-3),
    longPrice: reader.take(-3),
    responsePrice: reader.take(-3),
  }));
  const rows = times(count, () => takeRow(reader, periods, width));
  const responses = times(tail / RESPONSE, () => ({
    row: reader.take(2),
    period: reader.take(1),
    calledWh: reader.take(-4),
    undeliveredW: reader.take(4),
    price: reader.take(3),
  }));
  return { allowancePrice, prices, rows, responses };
}

const times = <T>(length: number, read: () => T): T[] => Array.from({ length }, read);

function takeRow(reader: Reader, periods: number, width: number): Row {
  const bias = biasOf(width);
  const [id, released, emissionsG] = [reader.take(4), reader.take(4), reader.take(4)];
  const pairs = times(periods, () => {
    const dueWh = reader.take(width) - bias;
    return { dueWh, meteredWh: dueWh - (reader.take(width) - bias) };
  });
  reader.pass(paddingOf(periods, width));
  const renewables = times(periods, () => reader.take(width));
  const four = times(Math.ceil(periods / 4), () => reader.take(1));
  const values = pairs.map((pair, t) => ({
    ...pair,
    quality: Math.floor(four[Math.floor(t / 4)] / 4 ** (3 - (t % 4))) % 4,
    renewableWh: renewables[t],
  }));
  return { id, released, emissionsG, values };
}

/** The bytes of each row, of which the tree is made. */
export function rowBytes(bytes: Uint8Array, periods: number): Uint8Array[] {
  const stride = strideOf(periods, bytes[WIDTH]);
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
  /** So many zeros. */
  pad(size: number): void {
    this.#at += size;
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  pass(size: number): void {
    this.#at += size;
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
