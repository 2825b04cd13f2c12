/**
 * The bytes of a batch, big-endian, no padding:
 *
 *   participants u16 | systems u8 | ids u32[P] | reactive i24[P][H] | groups
 *   group = product u8 | period u8 (255: the whole session) | count u16 | trades
 *   trade = seller u16 | buyer u16 | quantity u32 | price i24
 *
 * Bits of `systems`: 0 desk, 1 operator, 2 utility take part. Start, length and number of periods are the session's, on
 * chain.
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
export const GROUP_BYTES = 4;
export const TRADE_BYTES = 11;
export const MAX_PERIODS = 100;
export const MAX_TRADES = 32_767;
export const SYSTEMS = [DESK, OPERATOR, UTILITY] as const;

const NAMES: readonly string[] = PRODUCTS;

/** Where the operator charges for responses, the utility takes part too: so the rules of reserve have it. */
export function fromResult(result: ClearingResult): Payload {
  const { participants, reactiveVar, trades } = result;
  let systems = 0;
  for (const trade of trades) {
    for (const party of [trade.seller, trade.buyer]) {
      if (party >= DESK) systems |= 1 << (party - DESK);
    }
    if (trade.product === "reserve" && trade.seller === OPERATOR) systems |= 1 << (UTILITY - DESK);
  }
  return { participants, systems, reactiveVar, trades };
}

/** Bytes of `payload` over `periods` periods. A field that does not fit its bytes is refused by name. */
export function encode(payload: Payload, periods: number): Uint8Array {
  const { participants, systems, reactiveVar, trades } = payload;
  inRange("payloadPeriods", periods, 1, MAX_PERIODS);
  inRange("tooManyTrades", trades.length, 0, MAX_TRADES);
  inRange("tooManyTrades", participants.length, 0, MAX_TRADES);
  inRange("payloadSystems", systems, 0, 7);
  inRange("payloadReactiveRows", reactiveVar.length, participants.length, participants.length);
  const bytes = new Uint8Array(byteLength(participants.length, periods, trades));
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
  for (let i = 0; i < trades.length;) {
    const end = groupEnd(trades, i);
    at = putGroup(view, at, trades[i], end - i);
    for (; i < end; i++) at = putTrade(view, at, trades[i]);
  }
  return bytes;
}

/**
 * The inverse of `encode`: refuses a length that is not exact, unknown systems, and groups that `encode` would not
 * make.
 */
export function decode(bytes: Uint8Array, periods: number): Payload {
  if (bytes.length < HEAD_BYTES) refuse("payloadLength", bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint16(0);
  const systems = view.getUint8(2);
  const groupsAt = HEAD_BYTES + count * (4 + 3 * periods);
  if (groupsAt > bytes.length || systems > 7) refuse("payloadLength", bytes.length);
  const groups = decodeGroups(view, groupsAt);
  const total = groups.reduce((sum, { trades }) => sum + trades, 0);
  if (total > MAX_TRADES || count > MAX_TRADES) refuse("tooManyTrades", total);
  const reactiveAt = HEAD_BYTES + 4 * count;
  return {
    participants: Array.from({ length: count }, (_, k) => view.getUint32(HEAD_BYTES + 4 * k)),
    systems,
    reactiveVar: Array.from({ length: count }, (_, k) =>
      Array.from({ length: periods }, (_, t) => getI24(view, reactiveAt + 3 * (k * periods + t))),
    ),
    trades: groups.flatMap(({ product, period, trades, at }) =>
      Array.from({ length: trades }, (_, k) => ({ product, period, ...getTrade(view, at + TRADE_BYTES * k) })),
    ),
  };
}

type Group = { readonly product: Product; readonly period: number; readonly trades: number; readonly at: number };

/** A batch has one form: no group is empty, of no product, or could have been one with the group before it. */
function decodeGroups(view: DataView, from: number): Group[] {
  const groups: Group[] = [];
  let last = -1;
  let at = from;
  while (at < view.byteLength) {
    if (view.byteLength - at < GROUP_BYTES) refuse("payloadLength", view.byteLength);
    const group = view.getUint16(at);
    const trades = view.getUint16(at + 2);
    const product = PRODUCTS[group >> 8];
    if (trades === 0 || product === undefined || group === last) refuse("payloadLength", view.byteLength);
    groups.push({ product, period: group & 0xff, trades, at: at + GROUP_BYTES });
    at += GROUP_BYTES + TRADE_BYTES * trades;
    last = group;
  }
  if (at !== view.byteLength) refuse("payloadLength", view.byteLength);
  return groups;
}

/**
 * Index after the last trade of the group that starts at `start`: one product and period, as they follow each other.
 */
function groupEnd(trades: readonly Trade[], start: number): number {
  const { product, period } = trades[start];
  let end = start + 1;
  while (end < trades.length && trades[end].product === product && trades[end].period === period) end++;
  return end;
}

/** Exact length of the payload. */
export function byteLength(participants: number, periods: number, trades: readonly Trade[]): number {
  let groups = 0;
  for (let i = 0; i < trades.length; i = groupEnd(trades, i)) groups++;
  return HEAD_BYTES + participants * (4 + 3 * periods) + GROUP_BYTES * groups + TRADE_BYTES * trades.length;
}

/** The 48-bit order of trades: product, period, seller, buyer. */
export function tradeKey(trade: Trade): number {
  const group = NAMES.indexOf(trade.product) * 0x100 + trade.period;
  return (group * 0x10000 + trade.seller) * 0x10000 + trade.buyer;
}

function putGroup(view: DataView, at: number, { product, period }: Trade, trades: number): number {
  view.setUint8(at, inRange("payloadProduct", NAMES.indexOf(product), 0, 3));
  view.setUint8(at + 1, inRange("payloadPeriod", period, 0, SESSION_PERIOD));
  view.setUint16(at + 2, trades);
  return at + GROUP_BYTES;
}

function putTrade(view: DataView, at: number, trade: Trade): number {
  view.setUint16(at, inRange("payloadParty", trade.seller, 0, UTILITY));
  view.setUint16(at + 2, inRange("payloadParty", trade.buyer, 0, UTILITY));
  view.setUint32(at + 4, inRange("payloadQuantity", trade.quantity, 0, 0xffffffff));
  return putI24(view, at + 8, "payloadPrice", trade.price);
}

function getTrade(view: DataView, at: number): Pick<Trade, "seller" | "buyer" | "quantity" | "price"> {
  return {
    seller: view.getUint16(at),
    buyer: view.getUint16(at + 2),
    quantity: view.getUint32(at + 4),
    price: getI24(view, at + 8),
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
