/** The table of mandates of a session, as code holds it; layout in contracts/libraries/FrozenTable.sol. */
import { getAddress, hexlify } from "ethers";
import { type FrozenLimits, unpackLimits } from "./typedData.ts";

export type FrozenEntry = FrozenLimits & { readonly id: number; readonly absorbVar: number; readonly feedVar: number };

const ENTRY_BYTES = 64;
const BASE_BYTES = 20;

/** Address of the whole table of which these bytes replace entries; undefined where they are one. */
export function baseOf(bytes: Uint8Array): string | undefined {
  return bytes.length % ENTRY_BYTES === 0 ? undefined : getAddress(hexlify(bytes.subarray(0, BASE_BYTES)));
}

/** Entries by id: those of the whole table, and in place of some of them those that were written later. */
export function decodeTable(
  whole: Uint8Array,
  later: Uint8Array = new Uint8Array(BASE_BYTES),
): Map<number, FrozenEntry> {
  const entries = new Map<number, FrozenEntry>();
  for (const bytes of [whole, later.subarray(BASE_BYTES)])
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const head = BigInt(hexlify(bytes.subarray(at, at + 32)));
      const limits = unpackLimits(BigInt(hexlify(bytes.subarray(at + 32, at + ENTRY_BYTES))), head);
      const vars = (shift: bigint) => Number(BigInt.asUintN(24, head >> shift));
      const id = Number(head >> 224n);
      entries.set(id, { id, ...limits, absorbVar: vars(120n), feedVar: vars(144n) });
    }
  return entries;
}
