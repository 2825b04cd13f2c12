/**
 * What everybody's objective adds up to, without anybody's part: each pair of parties knows a number that nobody else
 * does (Diffie and Hellman on their node keys), which one adds and the other takes away. Sums run modulo 2^128.
 */
import { keccak256, SigningKey, toUtf8Bytes, concat } from "ethers";

const MODULUS = 1n << 128n;
const wrapped = (value: bigint): bigint => ((value % MODULUS) + MODULUS) % MODULUS;

export type MaskKeys = {
  readonly party: number;
  readonly privateKey: string;
  /** Of everybody else who takes part, by party. */
  readonly others: readonly (readonly [number, string])[];
  /** What the numbers are for: used once. */
  readonly about: string;
};

/** The own part with every mask that it shares on top; a number of 128 bits that says nothing by itself. */
export function masked(partNano: bigint, { party, privateKey, others, about }: MaskKeys): bigint {
  const own = new SigningKey(privateKey);
  let sum = partNano;
  for (const [other, publicKey] of others) {
    const shared = keccak256(concat([own.computeSharedSecret(publicKey), toUtf8Bytes(`objective ${about}`)]));
    const mask = BigInt(shared) % MODULUS;
    sum += party < other ? mask : -mask;
  }
  return wrapped(sum);
}

/** What the parts add up to, once everybody's have come. */
export function unmaskedSum(parts: readonly bigint[]): bigint {
  const sum = wrapped(parts.reduce((total, part) => total + part, 0n));
  return sum >= MODULUS / 2n ? sum - MODULUS : sum;
}
