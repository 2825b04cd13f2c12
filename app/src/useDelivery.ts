/** Entries of the market's delivery, read once and then only what is new. */
import { useEffect, useRef, useState } from "react";
import type { Deployment, DeliveryEntry } from "../../offchain-solver/browser.ts";
import type * as DeliveryModule from "./delivery.ts";
import type { MarketView } from "./market.ts";

export type DeliveryCode = typeof DeliveryModule;

export type Delivered = {
  readonly code: DeliveryCode;
  /** With the addresses of delivery and carbon contract. */
  readonly deployment: Deployment;
  /** Oldest first. */
  readonly entries: readonly DeliveryEntry[];
};

/** `none`: nothing that meters is connected to this market. */
export type DeliveryView =
  | { readonly kind: "busy" | "none" }
  | { readonly kind: "fault"; readonly says: string }
  | { readonly kind: "found"; readonly delivered: Delivered };

type Kept = { readonly deployment: Deployment; readonly block: number; readonly entries: readonly DeliveryEntry[] };

const keyOf = ({ sequence, entry }: DeliveryEntry): string => `${sequence} ${entry}`;

export function useDelivery({ deployment, provider, seen, tick }: MarketView): DeliveryView {
  const [view, setView] = useState<DeliveryView>({ kind: "busy" });
  const kept = useRef<Kept>(undefined);
  const reorg = seen?.reorg ?? false;
  const head = seen?.head.number;
  useEffect(() => {
    let ended = false;
    if (reorg) kept.current = undefined;
    void (async () => {
      try {
        const code = await import("./delivery.ts");
        const before = kept.current;
        const whole = before?.deployment ?? (await code.connectedAt(deployment, provider));
        if (whole.delivery === undefined) return void (ended || setView({ kind: "none" }));
        const more = await code.readEntries(before ? { ...whole, block: before.block + 1 } : whole, provider);
        if (ended) return;
        // Blocks may have come since the head was looked at: what they hold is met again.
        const entries = [...new Map([...(before?.entries ?? []), ...more].map((one) => [keyOf(one), one])).values()];
        kept.current = { deployment: whole, block: head ?? deployment.block, entries };
        if (before === undefined || more.length > 0)
          setView({ kind: "found", delivered: { code, deployment: whole, entries } });
      } catch (error) {
        if (!ended && kept.current === undefined)
          setView({
            kind: "fault",
            says: `What was metered cannot be read now: ${(error as Error).message.slice(0, 200)}`,
          });
      }
    })();
    return () => void (ended = true);
    // The chain has moved, or went back.
  }, [deployment, provider, tick, reorg, head]);
  return view;
}
