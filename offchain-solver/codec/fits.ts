/** A session is one transaction: what does not fit must be refused before anybody signs. */
import type { ClearingResult } from "../market/clearingResult.ts";
import * as Payload from "./payload.ts";
import { quorumOf } from "./typedData.ts";

/** EIP-7825. */
export const MAX_TRANSACTION_GAS = 16_777_216;
/** What transaction pools take. */
export const MAX_TRANSACTION_BYTES = 131_072;

/** Signature, nonce, fees, chain and address of the transaction, with the heads of its lists: at most this many bytes. */
const ENVELOPE_BYTES = 160;
/** Selector, two offsets, signer mask, two lengths, and the padding of two byte strings. */
const CALL_BYTES = 4 + 5 * 32 + 31;

export type Fit = {
  readonly fits: boolean;
  /** Exact for the call data; the envelope is counted at its largest. */
  readonly bytes: number;
  /** Upper bound, see `gasBound`. */
  readonly gas: number;
};

/** `buses` of the grid model, `members` of the committee. */
export function fitsOneTransaction(result: ClearingResult, members: number, buses: number): Fit {
  const { participants, periods, trades } = result;
  const bytes =
    ENVELOPE_BYTES +
    CALL_BYTES +
    Payload.byteLength(participants.length, periods, trades.length) +
    64 * quorumOf(members);
  const gas = gasBound({ participants: participants.length, periods, trades: trades.length, members, buses });
  return {
    fits: bytes <= MAX_TRANSACTION_BYTES && gas <= MAX_TRANSACTION_GAS && trades.length <= Payload.MAX_TRADES,
    bytes,
    gas,
  };
}

export type Size = {
  readonly participants: number;
  readonly periods: number;
  readonly trades: number;
  readonly members: number;
  readonly buses: number;
};

/**
 * An upper bound of `settle`'s gas, linear in everything that is looped over; bench/gas.json shows how far below it real batches stay.
 * Call data at its floor price of 40 a byte (EIP-7623), 12,000 an account (two cold reads and a write), 1,000 a trade,
 * 6,000 a signature, 900 a bus and period of the grid check.
 */
export function gasBound({ participants, periods, trades, members, buses }: Size): number {
  const quorum = quorumOf(members);
  const bytes = CALL_BYTES + Payload.byteLength(participants, periods, trades) + 64 * quorum;
  return 80_000 + 40 * bytes + 12_000 * (participants + 3) + 1_000 * trades + 6_000 * quorum + 900 * buses * periods;
}
