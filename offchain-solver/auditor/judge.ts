/** One batch against everything that was known when it was settled. Pure: no chain, no clock. */
import { getBytes, type TypedDataDomain } from "ethers";
import type { Delta, Ledger, Settlement } from "../ledger/settlementModel.ts";
import { settle } from "../ledger/settlementModel.ts";
import { signerOf } from "../codec/recover.ts";
import { attestationDigest, quorumOf, type SessionTerms } from "../codec/typedData.ts";
import { invalid, VALID, type Verdict } from "./verdict.ts";

/** What the chain knew: rebuilt from events, or read by a node before it signs. */
export type Context = {
  readonly domain: TypedDataDomain;
  readonly terms: SessionTerms;
  /** Node keys of the session's committee, by bit. */
  readonly committee: readonly string[];
  readonly ledger: Ledger;
  readonly state: "open" | "cancelled" | "settled";
};

export type Candidate = {
  readonly payload: Uint8Array;
  /** Of the witness that was signed with the batch. */
  readonly bundleHash: string;
  readonly signers: number;
  readonly signatures: string;
  /** Unix seconds of the block. */
  readonly settledAt: bigint;
  /** What the chain reported, when it did. */
  readonly batch?: string;
  readonly deltas?: readonly Delta[];
};

/** `settlement` is what the payload does to the ledger, also where the chain reported something else. */
export type Judgement = { readonly verdict: Verdict; readonly settlement?: Settlement };

/** The predicates of `settle`, in its order, then what the chain reported. */
export function judge(context: Context, candidate: Candidate): Judgement {
  const { domain, terms, ledger } = context;
  if (context.state !== "open")
    return { verdict: invalid("noOpenSession", `session ${terms.ordinal} is ${context.state}`) };
  if (candidate.settledAt > terms.deadline) return { verdict: invalid("deadlinePassed", `${terms.deadline}`) };
  const digest = attestationDigest(domain, terms, candidate.payload, candidate.bundleHash);
  const settlement = settle(ledger, candidate.payload);
  // Lengths come before the quorum, the meaning of the payload after it.
  const malformed = settlement.kind === "refused" && ["payloadLength", "tooManyTrades"].includes(settlement.predicate);
  if (!malformed) {
    const quorum = checkQuorum(context.committee, digest, candidate);
    if (quorum !== undefined) return { verdict: quorum };
  }
  if (settlement.kind === "refused") return { verdict: invalid(settlement.predicate, settlement.detail.join(", ")) };
  if (candidate.batch !== undefined && candidate.batch !== digest) {
    return {
      verdict: invalid("batchHash", `the chain reports ${candidate.batch}, the payload hashes to ${digest}`),
      settlement,
    };
  }
  const differing = candidate.deltas === undefined ? undefined : firstDifference(settlement.deltas, candidate.deltas);
  if (differing !== undefined) return { verdict: invalid("ledgerChange", differing), settlement };
  return { verdict: VALID, settlement };
}

/** Refusals of what comes with a batch and is not in its digest: whoever handed it on may have changed it. */
const OF_SIGNATURES: readonly string[] = ["signaturesLength", "quorumNotReached", "unknownMember", "badSignature"];

export const isOfSignatures = (verdict: Verdict): boolean =>
  verdict.kind === "invalid" && OF_SIGNATURES.includes(verdict.predicate);

function checkQuorum(committee: readonly string[], digest: string, candidate: Candidate): Verdict | undefined {
  const { signers } = candidate;
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => Math.floor(signers / 2 ** bit) % 2 === 1);
  const signatures = getBytes(candidate.signatures);
  if (signatures.length !== 64 * bits.length) return invalid("signaturesLength", `${signatures.length}`);
  const quorum = quorumOf(committee.length);
  if (bits.length < quorum) return invalid("quorumNotReached", `${bits.length} of ${quorum}`);
  for (const [k, bit] of bits.entries()) {
    if (bit >= committee.length) return invalid("unknownMember", `${bit}`);
    if (signerOf(digest, signatures.subarray(64 * k, 64 * (k + 1))) !== committee[bit])
      return invalid("badSignature", `${bit}`);
  }
  return undefined;
}

function firstDifference(expected: readonly Delta[], reported: readonly Delta[]): string | undefined {
  if (expected.length !== reported.length) return `${reported.length} accounts reported, ${expected.length} expected`;
  for (const [k, { id, money, carbon }] of expected.entries()) {
    const other = reported[k];
    if (other.id !== id || other.money !== money || other.carbon !== carbon) {
      return `account ${id}: expected ${money} nano-dollars and ${carbon} g, reported ${other.money} and ${other.carbon}`;
    }
  }
  return undefined;
}
