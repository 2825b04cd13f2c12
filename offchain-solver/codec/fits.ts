/**
 * A session is one transaction, and each entry of its readings another: what does not fit must be refused before
 * anybody signs.
 */
import { OPERATOR, UTILITY, type ClearingResult } from "../market/result/clearingResult.ts";
import * as Payload from "./payload.ts";
import { biasOf, byteLength, NARROW, WIDE } from "./readings.ts";
import { quorumOf } from "./typedData.ts";

/** EIP-7825. */
export const MAX_TRANSACTION_GAS = 16_777_216;
/** What transaction pools take. */
export const MAX_TRANSACTION_BYTES = 131_072;

/**
 * Signature, nonce, fees, chain and address of the transaction, with the heads of its lists: at most this many bytes.
 */
const ENVELOPE_BYTES = 160;
/** Selector, 17 words of posting, three offsets, signer mask, three lengths, and the padding of three byte strings. */
const ENTRY_BYTES = 4 + 24 * 32 + 3 * 31;
/** Selector, two offsets, hash of the witness, signer mask, two lengths, and the padding of two byte strings. */
const CALL_BYTES = 4 + 6 * 32 + 31;

export type Fit = {
  readonly fits: boolean;
  /** Exact for the call data; the envelope is counted at its largest. */
  readonly bytes: number;
  /** Upper bound, see `gasBound`. */
  readonly gas: number;
  /** Of a later entry of its readings, which has those of the entry before beside its own. */
  readonly entry: EntryFit;
};

/** Of the longest entry for a session, bytes as in `entryBytes`; `gas`: upper bound, see `entryGasBound`. */
export type EntryFit = { readonly bytes: number; readonly gas: number };

/** What a session is besides its result. */
export type Setting = {
  /** Of the committee. */
  readonly members: number;
  /** Buses and prosumers of the grid model. */
  readonly buses: number;
  readonly homes: number;
  /** What transactions may take, where that is less than the chain's own limits. */
  readonly most?: TransactionLimits;
};

/** Of a settlement, and of an entry of readings. */
export type TransactionLimits = Omit<Fit, "fits">;
const MOST: EntryFit = { bytes: MAX_TRANSACTION_BYTES, gas: MAX_TRANSACTION_GAS };
export const CHAIN_LIMITS: TransactionLimits = { ...MOST, entry: MOST };

export function fitsOneTransaction(
  result: ClearingResult,
  { members, buses, homes, most = CHAIN_LIMITS }: Setting,
): Fit {
  const { participants, periods, trades } = result;
  const standing = homes - participants.length;
  const payload = Payload.byteLength(participants.length, periods, trades);
  const bytes = ENVELOPE_BYTES + CALL_BYTES + payload + 64 * quorumOf(members);
  const sizes = { participants: participants.length, standing, periods, trades: trades.length, payload };
  const gas = gasBound({ ...sizes, members, buses });
  const entry = { bytes: entryBytes(result, { members, homes }), gas: entryGasBound({ homes, periods }) };
  const within = (fit: EntryFit, limit: EntryFit): boolean => fit.bytes <= limit.bytes && fit.gas <= limit.gas;
  const fits = within({ bytes, gas }, most) && within(entry, most.entry) && trades.length <= Payload.MAX_TRADES;
  return { fits, bytes, gas, entry };
}

/**
 * Bytes of the longest entry for a session: a correction that has everybody's readings twice, the old and the new, each
 * with a call of all reserve that was traded. Values are taken to be wide where somebody's position is half of what a
 * narrow one holds.
 */
export function entryBytes(result: ClearingResult, { members, homes }: Pick<Setting, "members" | "homes">): number {
  const width = largestPositionWh(result) < biasOf(NARROW) / 2 ? NARROW : WIDE;
  const responses = answering(result);
  const readings = byteLength({ rows: homes, periods: result.periods, width, responses });
  return ENVELOPE_BYTES + ENTRY_BYTES + 2 * readings + 64 * quorumOf(members);
}

/**
 * More gas than a later entry takes in which everybody's values are estimated, before and now, and one home in five
 * cannot pay: a value takes its longest path twice, and who cannot pay 40,000 more.
 */
export const entryGasBound = ({ homes, periods }: { readonly homes: number; readonly periods: number }): number =>
  300_000 + homes * (8_000 + 1_720 * periods);

/** Accounts times periods in which they have sold reserve to somebody, or bought it. */
function answering({ trades, periods }: ClearingResult): number {
  const places = new Set<number>();
  for (const { product, seller, buyer, period } of trades) {
    if (product !== "reserve" || seller === OPERATOR) continue;
    if (seller !== UTILITY) places.add(seller * periods + period);
    places.add(buyer * periods + period);
  }
  return places.size;
}

/** Of anybody in any period, to either side. */
function largestPositionWh({ participants, periods, trades }: ClearingResult): number {
  const position = participants.map(() => new Float64Array(periods));
  for (const { product, seller, buyer, period, quantity } of trades) {
    if (product !== "energy") continue;
    if (seller in position) position[seller][period] += quantity;
    if (buyer in position) position[buyer][period] -= quantity;
  }
  return position.reduce((most, row) => row.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
}

export type Size = {
  readonly participants: number;
  /** Homes that take no part. */
  readonly standing: number;
  readonly periods: number;
  readonly trades: number;
  /** Bytes. */
  readonly payload: number;
  readonly members: number;
  readonly buses: number;
};

/** Code that holds as many default profiles as one contract's can. */
const LOAD_BYTES = 24_576;
/** The largest table of mandates, and a quarter of it that was replaced (contracts/libraries/FrozenTable.sol). */
const TABLE_BYTES = 1.25 * 24_576;

/**
 * More gas than `settle` of the optimised market uses for this size: every byte as dear as a byte can be, every storage
 * word cold, every trade, period and branch at its longest path, memory at its quadratic price.
 */
export function gasBound({ participants, standing, periods, trades, payload, members, buses }: Size): number {
  const accounts = participants + 3;
  const quorum = quorumOf(members);
  const callBytes = CALL_BYTES + payload + 64 * quorum;
  const words =
    accounts * (5 + periods) +
    buses * (periods + 2) +
    (callBytes + TABLE_BYTES + 16 * accounts + 8_192) / 32 +
    // The extension's memory, and what comes back from it.
    (standing > 0 ? 3 * buses * periods + (2 * payload + LOAD_BYTES + 8_192) / 32 : 0);
  const execution =
    78_000 +
    16 * callBytes +
    4_000 * quorum +
    7_000 * accounts +
    395 * accounts * periods +
    1_050 * trades +
    420 * buses * periods +
    (standing > 0 ? 40_000 + 100 * participants + 6_000 * standing + 400 * standing * periods : 0) +
    Math.ceil(12 * words + words ** 2 / 512);
  // EIP-7623: call data has a floor price.
  return Math.max(execution, 21_000 + 40 * callBytes);
}
