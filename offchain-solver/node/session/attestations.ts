/** Signatures of a session's results, by digest and bit: whoever brings them, they are recovered. */
import { quorumOf } from "../../codec/typedData.ts";
import { signerOfText } from "../../codec/recover.ts";

/** One per committee member at most: nobody fills the memory with digests. */
const MOST_DIGESTS = 32;

export class Attestations {
  readonly #known = new Map<string, Map<number, string>>();

  /** Of a digest, by bit. */
  of(digest: string): ReadonlyMap<number, string> {
    return this.#known.get(digest) ?? new Map();
  }

  /** A signature that is known to be one. */
  keep(digest: string, bit: number, signature: string): void {
    const known = this.#known.get(digest) ?? new Map<number, string>();
    known.set(bit, signature);
    if (this.#known.size < MOST_DIGESTS || this.#known.has(digest)) this.#known.set(digest, known);
  }

  /** From somebody who may be anybody; true: with these they are a quorum, and were none before. */
  hear(digest: string, signatures: readonly (readonly [number, string])[], committee: readonly string[]): boolean {
    const before = this.of(digest).size;
    for (const [bit, signature] of signatures)
      if (!this.of(digest).has(bit) && signerOfText(digest, signature) === committee[bit])
        this.keep(digest, bit, signature);
    const quorum = quorumOf(committee.length);
    return before < quorum && this.of(digest).size >= quorum;
  }

  /** By bit, no more than a quorum, since every further one only costs gas; undefined: there is none yet. */
  quorum(digest: string, committee: readonly string[]): ReadonlyMap<number, string> | undefined {
    const quorum = quorumOf(committee.length);
    const known = [...this.of(digest)].sort(([a], [b]) => a - b);
    return known.length < quorum ? undefined : new Map(known.slice(0, quorum));
  }
}
