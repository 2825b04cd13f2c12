/** A session is one transaction: what does not fit must be refused before anybody signs. */
import type { ClearingResult } from "../market/result/clearingResult.ts";
import * as Payload from "./payload.ts";
import { quorumOf } from "./typedData.ts";

/** EIP-7825. */
export const MAX_TRANSACTION_GAS = 16_777_216;
/** What transaction pools take. */
export const MAX_TRANSACTION_BYTES = 131_072;

/**
 * Signature, nonce, fees, chain and address of the transaction, with the heads of its lists: at most this many bytes.
 */
const ENVELOPE_BYTES = 160;
/** Selector, two offsets, hash of the witness, signer mask, two lengths, and the padding of two byte strings. */
const CALL_BYTES = 4 + 6 * 32 + 31;

export type Fit = {
  readonly fits: boolean;
  /** Exact for the call data; the envelope is counted at its largest. */
  readonly bytes: number;
  /** Upper bound, see `gasBound`. */
  readonly gas: number;
};

/** What a session is besides its result. */
export type Setting = {
  /** Of the committee. */
  readonly members: number;
  /** Buses and prosumers of the grid model. */
  readonly buses: number;
  readonly homes: number;
  /** What a transaction may take, where that is less than the chain's own limits. */
  readonly most?: TransactionLimits;
};

export type TransactionLimits = { readonly bytes: number; readonly gas: number };
export const CHAIN_LIMITS: TransactionLimits = { bytes: MAX_TRANSACTION_BYTES, gas: MAX_TRANSACTION_GAS };

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
  return {
    fits: bytes <= most.bytes && gas <= most.gas && trades.length <= Payload.MAX_TRADES,
    bytes,
    gas,
  };
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
