/**
 * The bytes of a batch, big-endian, no padding:
 *
 *   participants u16 | systems u8 | ids u32[P] | reactive i24[P][H] | trades 12 bytes each
 *   trade = product-and-period u8 (product in the upper two bits) | seller u16 | buyer u16 | quantity u32 | price i24
 *
 * Bits of `systems`: 0 desk, 1 operator, 2 utility take part. Start, length and number of periods are the session's, on chain.
 */
import {
  type ClearingResult,
  DESK,
  OPERATOR,
  PRODUCTS,
  type Product,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../market/result/clearingResult.ts";
import { refuse } from "./refusal.ts";

/** What the bytes hold; the session's own fields are not in them. */
export type Payload = {
  readonly participants: readonly number[];
  /** Bit 0 desk, 1 operator, 2 utility. */
  readonly systems: number;
  readonly reactiveVar: readonly (readonly number[])[];
  readonly trades: readonly Trade[];
};

export const HEAD_BYTES = 3;
export const TRADE_BYTES = 12;
export const MAX_TRADES = 32_767;
export const SYSTEMS = [DESK, OPERATOR, UTILITY] as const;

const NAMES: readonly string[] = PRODUCTS;

export function fromResult(result: ClearingResult): Payload {
  const { participants, reactiveVar, trades } = result;
  let systems = 0;
  for (const trade of trades) {
    for (const party of [trade.seller, trade.buyer]) {
      if (party >= DESK) systems |= 1 << (party - DESK);
    }
  }
  return { participants, systems, reactiveVar, trades };
}

/** Bytes of `payload` over `periods` periods. A field that does not fit its bytes is refused by name. */
export function encode(payload: Payload, periods: number): Uint8Array {
  const { participants, systems, reactiveVar, trades } = payload;
  inRange("payloadPeriods", periods, 1, SESSION_PERIOD);
  inRange("tooManyTrades", trades.length, 0, MAX_TRADES);
  inRange("tooManyTrades", participants.length, 0, MAX_TRADES);
  inRange("payloadSystems", systems, 0, 7);
  inRange("payloadReactiveRows", reactiveVar.length, participants.length, participants.length);
  const bytes = new Uint8Array(byteLength(participants.length, periods, trades.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, participants.length);
  view.setUint8(2, systems);
  let at = HEAD_BYTES;
  for (const id of participants) {
    view.setUint32(at, inRange("payloadId", id, 1, 0xffffffff));
    at += 4;
  }
  for (const row of reactiveVar) {
    inRange("payloadReactiveColumns", row.length, periods, periods);
    for (const value of row) at = putI24(view, at, "payloadReactive", value);
  }
  for (const trade of trades) at = putTrade(view, at, trade);
  return bytes;
}

/** The inverse of `encode`: refuses a length that is not exact, and unknown systems. */
export function decode(bytes: Uint8Array, periods: number): Payload {
  if (bytes.length < HEAD_BYTES) refuse("payloadLength", bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(0);
  const systems = view.getUint8(2);
  const rest = bytes.length - byteLength(count, periods, 0);
  if (rest < 0 || rest % TRADE_BYTES !== 0 || systems > 7) refuse("payloadLength", bytes.length);
  const trades = rest / TRADE_BYTES;
  if (trades > MAX_TRADES || count > MAX_TRADES) refuse("tooManyTrades", trades);
  const reactiveAt = HEAD_BYTES + 4 * count;
  const tradesAt = byteLength(count, periods, 0);
  return {
    participants: Array.from({ length: count }, (_, k) => view.getUint32(HEAD_BYTES + 4 * k)),
    systems,
    reactiveVar: Array.from({ length: count }, (_, k) =>
      Array.from({ length: periods }, (_, t) => getI24(view, reactiveAt + 3 * (k * periods + t))),
    ),
    trades: Array.from({ length: trades }, (_, i) => getTrade(view, tradesAt + TRADE_BYTES * i)),
  };
}

export function byteLength(participants: number, periods: number, trades: number): number {
  return HEAD_BYTES + participants * (4 + 3 * periods) + trades * TRADE_BYTES;
}

/** The 40-bit order of trades: product, period, seller, buyer. */
export function tradeKey(trade: Trade): number {
  const productAndPeriod = (NAMES.indexOf(trade.product) << 6) | trade.period;
  return (productAndPeriod * 0x10000 + trade.seller) * 0x10000 + trade.buyer;
}

function putTrade(view: DataView, at: number, trade: Trade): number {
  const product = inRange("payloadProduct", NAMES.indexOf(trade.product), 0, 3);
  view.setUint8(at, (product << 6) | inRange("payloadPeriod", trade.period, 0, SESSION_PERIOD));
  view.setUint16(at + 1, inRange("payloadParty", trade.seller, 0, UTILITY));
  view.setUint16(at + 3, inRange("payloadParty", trade.buyer, 0, UTILITY));
  view.setUint32(at + 5, inRange("payloadQuantity", trade.quantity, 0, 0xffffffff));
  return putI24(view, at + 9, "payloadPrice", trade.price);
}

function getTrade(view: DataView, at: number): Trade {
  const productAndPeriod = view.getUint8(at);
  return {
    product: PRODUCTS[productAndPeriod >> 6] as Product,
    period: productAndPeriod & 63,
    seller: view.getUint16(at + 1),
    buyer: view.getUint16(at + 3),
    quantity: view.getUint32(at + 5),
    price: getI24(view, at + 9),
  };
}

function putI24(view: DataView, at: number, what: string, value: number): number {
  inRange(what, value, -0x800000, 0x7fffff);
  view.setInt16(at, value >> 8);
  view.setUint8(at + 2, value & 0xff);
  return at + 3;
}

function getI24(view: DataView, at: number): number {
  return view.getInt16(at) * 256 + view.getUint8(at + 2);
}

function inRange(what: string, value: number, low: number, high: number): number {
  if (!Number.isInteger(value)) throw new RangeError(`${what}: ${value} is not an integer`);
  if (value < low || value > high) refuse(what, value);
  return value;
}
