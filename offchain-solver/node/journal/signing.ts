/** The rule that a journal is for: of one session a node signs one result, whatever happens to it in between. */
import { keccak256 } from "ethers";
import { signerOfText } from "../../codec/recover.ts";
import type { Journal } from "./journal.ts";

export type MaySign = { readonly kind: "yes" } | { readonly kind: "no"; readonly reason: string };

/**
 * Asked before a signature is made; with a yes the result is on the disk. A journal that began while the session was
 * open cannot know what was signed before: the node sits that session out.
 */
export function maySign(journal: Journal, session: string, digest: string, payload: Uint8Array): MaySign {
  if (journal.last("joined", session) !== undefined)
    return { kind: "no", reason: "this journal began after the freeze: what was signed before it is not known" };
  if (journal.last("frozen", session) === undefined) return { kind: "no", reason: "its freeze is not in the journal" };
  const signed = journal.last("signed", session);
  if (signed === undefined) {
    journal.commit({ kind: "signed", session, digest, payload: keccak256(payload) });
    return { kind: "yes" };
  }
  if (signed.digest === digest) return { kind: "yes" };
  return { kind: "no", reason: `another result was signed already (${signed.digest})` };
}

/** Of a payload that is known by its digest alone. */
const UNKNOWN = `0x${"0".repeat(64)}`;

type OwnSignature = {
  readonly digest: string;
  readonly signature: string;
  /** Address of the own node key. */
  readonly key: string;
};

/**
 * An own signature that somebody else has kept. A journal that does not have it is older than what its node has done,
 * restored perhaps: what was signed stands, and no other result of the session is signed from now on.
 */
export function remember(
  journal: Journal,
  session: string,
  { digest, signature, key }: OwnSignature,
): "known" | "forgotten" | "nobody's" {
  if (journal.last("signed", session) !== undefined) return "known";
  if (signerOfText(digest, signature) !== key) return "nobody's";
  journal.commit({ kind: "signed", session, digest, payload: UNKNOWN });
  return "forgotten";
}
