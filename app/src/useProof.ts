/** The audit of this browser, begun when a view needs it and again when another session has settled. */
import { useEffect, useState } from "react";
import type { MarketView } from "./market.ts";
import type * as ProofModule from "./proof.ts";
import type { Audited } from "./proof.ts";

export type Proof = typeof ProofModule;

/** `audited` undefined and no fault: it is under way; with a fault it is what was judged before. */
export type Proven = {
  readonly proof: Proof | undefined;
  readonly audited: Audited | undefined;
  readonly fault: string | undefined;
};

/**
 * `entries`: how many were entered after sessions; another one is judged as well. `waits`: something is drawn first,
 * for which this browser's one thread is needed.
 */
export function useProof({ config, seen, tick }: MarketView, entries = 0, waits = false): Proven {
  const [proof, setProof] = useState<Proof>();
  const [audited, setAudited] = useState<Audited>();
  const [fault, setFault] = useState<string>();
  const outcome = seen?.session?.outcome;
  const settled = outcome?.kind === "settled" ? outcome.batch : `${seen?.session?.terms.ordinal}`;
  useEffect(() => {
    let ended = false;
    void (async () => {
      try {
        const loaded = await import("./proof.ts");
        if (ended) return;
        setProof(loaded);
        if (waits) return;
        const found = await loaded.prove(config);
        if (ended) return;
        setAudited(found);
        setFault(undefined);
      } catch (error) {
        if (!ended) setFault(`The sessions cannot be judged now: ${(error as Error).message.slice(0, 200)}`);
      }
    })();
    return () => void (ended = true);
    // What could not be judged is tried again as the chain moves.
  }, [config, settled, entries, waits, fault !== undefined && tick]);
  return { proof, audited, fault };
}
