import { getBytes, hexlify, isError, isHexString, recoverAddress } from "ethers";

/** Order of secp256k1's group; a signature's s is at most half of it (EIP-2), so that none has a second form. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/**
 * Address whose key made a signature under a digest: 64 bytes (EIP-2098) or 65. undefined: no key can have made it.
 * Whatever the bytes are, nothing is thrown; a digest that is none is the caller's fault, and a TypeError.
 */
export function signerOf(digest: string, signature: Uint8Array): string | undefined {
  if (!isHexString(digest, 32)) throw new TypeError(`${digest} is no digest`);
  if (signature.length !== 64 && signature.length !== 65) return undefined;
  const r = hexlify(signature.subarray(0, 32));
  const parity = signature.length === 64 ? signature[32] >> 7 : signature[64] - 27;
  if (parity !== 0 && parity !== 1) return undefined;
  const last = signature.slice(32, 64);
  if (signature.length === 64) last[0] &= 0x7f;
  const s = hexlify(last);
  if (BigInt(r) === 0n || BigInt(r) >= ORDER || BigInt(s) === 0n || BigInt(s) > ORDER / 2n) return undefined;
  const given = { r, s, v: parity === 0 ? 27 : 28 } as const;
  try {
    return recoverAddress(digest, given);
  } catch (error) {
    // All that can still be wrong: r is the abscissa of no point, or the recovered one is the point at infinity. What
    // does not exist here, or is called as what it is not, is our own fault and no signature's.
    if (error instanceof ReferenceError || (error instanceof TypeError && !isError(error, "INVALID_ARGUMENT")))
      throw error;
    return undefined;
  }
}

/** The same for a signature in hexadecimal text from anybody. */
export const signerOfText = (digest: string, signature: string): string | undefined =>
  isHexString(signature) && signature.length % 2 === 0 ? signerOf(digest, getBytes(signature)) : undefined;
