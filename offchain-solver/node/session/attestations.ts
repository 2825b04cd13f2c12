/**
 * Signatures of a session's results, by digest and bit. Those of results that this node has made itself are recovered,
 * whoever brings them; of others nobody needs to know anything, so of each party only what it said last is kept until
 * the own result shows what it is about. So nobody fills the room of others, nor makes this node recover what is
 * nobody's: whoever is honest hands on no signature that it has not recovered.
 */
import { quorumOf } from "../../codec/typedData.ts";
import { signerOfText } from "../../codec/recover.ts";

export type Signatures = readonly (readonly [bit: number, signature: string])[];

/** `liars`: parties that brought a signature of the own result that is not its bit's. */
export type Counted = { readonly enough: boolean; readonly liars: readonly number[] };

const NOTHING: Counted = { enough: false, liars: [] };

export class Attestations {
  readonly #committee: readonly string[];
  /** By digest of an own result. */
  readonly #known = new Map<string, Map<number, string>>();
  /** By party: what it said last of a result that is not known here. */
  readonly #heard = new Map<number, { readonly digest: string; readonly signatures: Signatures }>();

  /** Node keys in the order of the bits. */
  constructor(committee: readonly string[]) {
    this.#committee = committee;
  }

  /** Digests of own results, oldest first. */
  get digests(): string[] {
    return [...this.#known.keys()];
  }

  /** Of an own result, by bit. */
  of(digest: string): ReadonlyMap<number, string> {
    return this.#known.get(digest) ?? new Map();
  }

  /** A result that this node has made: what was said of it before counts from now on. */
  begin(digest: string): Counted {
    if (!this.#known.has(digest)) this.#known.set(digest, new Map());
    let enough = false;
    const liars: number[] = [];
    for (const [from, said] of [...this.#heard]) {
      if (said.digest !== digest) continue;
      this.#heard.delete(from);
      const counted = this.hear(from, digest, said.signatures);
      enough ||= counted.enough;
      liars.push(...counted.liars);
    }
    return { enough, liars };
  }

  /** A signature that is known to be one. */
  keep(digest: string, bit: number, signature: string): void {
    this.#known.get(digest)?.set(bit, signature);
  }

  /** From a party that may be any; `enough`: with these they are a quorum, and were none before. */
  hear(from: number, digest: string, signatures: Signatures): Counted {
    const known = this.#known.get(digest);
    if (known === undefined) {
      this.#heard.set(from, { digest, signatures });
      return NOTHING;
    }
    const quorum = quorumOf(this.#committee.length);
    const before = known.size;
    for (const [bit, signature] of signatures) {
      if (known.has(bit)) continue;
      // A seat that there is none of has no signer either.
      const right = bit < this.#committee.length && signerOfText(digest, signature) === this.#committee[bit];
      if (!right) return { enough: false, liars: [from] };
      known.set(bit, signature);
    }
    return { enough: before < quorum && known.size >= quorum, liars: [] };
  }

  /** By bit, no more than a quorum, since every further one only costs gas; undefined: there is none yet. */
  quorum(digest: string): ReadonlyMap<number, string> | undefined {
    const quorum = quorumOf(this.#committee.length);
    const known = [...this.of(digest)].sort(([a], [b]) => a - b);
    return known.length < quorum ? undefined : new Map(known.slice(0, quorum));
  }
}
