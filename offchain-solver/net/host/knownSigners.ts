import { signerOfText } from "../../codec/recover.ts";

/** So many signatures are remembered: of several processes of every party of a large host. */
const MOST = 8192;

/**
 * `signerOfText` that works a signature out once: a host with hundreds of parties comes back after each break of its
 * connection, and must not cost a second of work each time. Whoever makes signatures up can only make it forget.
 */
export function knownSigners(): (digest: string, signature: string) => string | undefined {
  const known = new Map<string, string>();
  return (digest, signature) => {
    const name = `${digest} ${signature}`;
    const before = known.get(name);
    if (before !== undefined) return before;
    const signer = signerOfText(digest, signature);
    if (signer === undefined) return undefined;
    if (known.size >= MOST) known.clear();
    known.set(name, signer);
    return signer;
  };
}
