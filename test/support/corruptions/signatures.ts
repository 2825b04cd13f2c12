/** Quorums that are none. */
import { concat, getBytes, hexlify, Signature } from "ethers";
import { packSignatures } from "../../../offchain-solver/codec/typedData.ts";
import type { Forgery } from "../forge.ts";
import { type Corruption, forging } from "./corruption.ts";

const signing = (name: string, predicate: string, signatures: NonNullable<Forgery["signatures"]>): Corruption => ({
  name,
  predicate,
  shown: forging({ signatures }),
});
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const word = (value: bigint): string => `0x${value.toString(16).padStart(64, "0")}`;

export const SIGNATURES: readonly Corruption[] = [
  signing("one signature less than a quorum", "quorumNotReached", (all) =>
    packSignatures(new Map([...all].slice(0, Math.floor((all.size + Math.floor((all.size - 1) / 3)) / 2)))),
  ),
  signing("nobody's signature", "quorumNotReached", () => ({ signers: 0, signatures: "0x" })),
  signing("two signatures exchanged", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    const raw = getBytes(signatures);
    return { signers, signatures: concat([raw.subarray(64, 128), raw.subarray(0, 64), raw.subarray(128)]) };
  }),
  signing("the malleable twin of a signature", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    const raw = getBytes(signatures);
    const one = Signature.from(hexlify(raw.subarray(0, 64)));
    const twin = (ORDER - BigInt(one.s)) | (one.yParity === 0 ? 1n << 255n : 0n);
    return { signers, signatures: concat([one.r, word(twin & ((1n << 256n) - 1n)), raw.subarray(64)]) };
  }),
  signing("zeros for a signature", "badSignature", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers, signatures: concat([new Uint8Array(64), getBytes(signatures).subarray(64)]) };
  }),
  signing("a signer beyond the committee", "unknownMember", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers: signers + 2 ** 31, signatures: concat([signatures, new Uint8Array(64)]) };
  }),
  signing("a signature too many", "signaturesLength", (all) => {
    const { signers, signatures } = packSignatures(all);
    return { signers, signatures: concat([signatures, new Uint8Array(64)]) };
  }),
];
