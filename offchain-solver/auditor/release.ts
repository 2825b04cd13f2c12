/** Runtime code against the released build: what a deployment filled in for its immutables does not count. */
import { getBytes, keccak256 } from "ethers";

/** Where a compiler leaves room for an immutable. */
export type Gap = { readonly start: number; readonly length: number };

/** One contract's runtime code: keccak256 with every gap zero, its length, and the gaps. */
export type ReleasedCode = { readonly hash: string; readonly bytes: number; readonly gaps: readonly Gap[] };

/** What a market that an auditor knows runs on. */
export type Release = {
  readonly market: ReleasedCode;
  readonly registry: ReleasedCode;
  /** Writes the market's tables of mandates. */
  readonly tableWriter: ReleasedCode;
  /** Changes accounts and mandates outside a settlement, on the market's storage; a market may do that itself. */
  readonly extension?: ReleasedCode;
  /** Enters readings, what it asks whether they are of their batch, and issues credits for them. */
  readonly delivery?: ReleasedCode;
  readonly dueChecker?: ReleasedCode;
  readonly carbonCredit?: ReleasedCode;
};

/** `code`: runtime code in hexadecimal text, of a compiler or of a chain. */
export function masked(code: string, gaps: readonly Gap[]): string {
  const bytes = getBytes(code).slice();
  for (const { start, length } of gaps) bytes.fill(0, start, start + length);
  return keccak256(bytes);
}

export function releasedCode(code: string, gaps: readonly Gap[]): ReleasedCode {
  return { hash: masked(code, gaps), bytes: getBytes(code).length, gaps };
}

export const isReleased = (code: string, { hash, bytes, gaps }: ReleasedCode): boolean =>
  code.length === 2 + 2 * bytes && masked(code, gaps) === hash;
