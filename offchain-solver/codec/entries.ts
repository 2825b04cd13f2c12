/**
 * What is entered outside a settlement, as calls and events carry it: a word an account, id u32 | released u32 |
 * grams i64 | nano i128 (contracts/types/Account.sol).
 */
import { concat, dataSlice, getBigInt, toBeHex } from "ethers";

/** One account's line: nano-dollars and grams received, and thousandths of a dollar that are held no more. */
export type PostingEntry = {
  readonly id: number;
  readonly nano: bigint;
  readonly grams: bigint;
  readonly released: bigint;
};

const WORD = 32;

/** A field that does not fit its bits is our own fault: a RangeError that names it. */
export function encodeEntries(entries: readonly PostingEntry[]): string {
  const field = (what: string, value: bigint, bits: number, signed: boolean): bigint => {
    const wrapped = BigInt.asUintN(bits, value);
    if ((signed ? BigInt.asIntN(bits, wrapped) : wrapped) !== value) throw new RangeError(`${what}: ${value}`);
    return wrapped;
  };
  return concat(
    entries.map(({ id, released, grams, nano }) => {
      const upper = (field("id", BigInt(id), 32, false) << 32n) | field("released", released, 32, false);
      const word = (((upper << 64n) | field("grams", grams, 64, true)) << 128n) | field("nano", nano, 128, true);
      return toBeHex(word, WORD);
    }),
  );
}

export const decodeEntries = (words: string): PostingEntry[] =>
  Array.from({ length: (words.length - 2) / (2 * WORD) }, (_, k) => {
    const word = getBigInt(dataSlice(words, WORD * k, WORD * (k + 1)));
    return {
      id: Number(word >> 224n),
      nano: BigInt.asIntN(128, word),
      grams: BigInt.asIntN(64, word >> 128n),
      released: BigInt.asUintN(32, word >> 192n),
    };
  });
