/** Verdicts on what an auditor is shown, by the very functions that are published for auditors. */
import {
  audit,
  bundlesOf,
  look,
  verdictText,
  type Audited,
  type Release,
  type Verdict,
} from "../../offchain-solver/auditor/index.ts";
import type { Endpoint } from "../../offchain-solver/chain/endpoint.ts";
import type { Shown } from "./forge.ts";
import { replayed } from "./recordedChain.ts";

/** The one word of a verdict that a corruption is held against, and all of it. */
export type Said = { readonly kind: Verdict["kind"]; readonly predicate: string; readonly verdict: string };

export function saidOf({ sessions, standing }: Pick<Audited, "sessions" | "standing">): Said {
  const verdict = sessions.at(-1)?.verdict ?? standing;
  const predicate =
    verdict.kind === "invalid"
      ? verdict.predicate
      : verdict.kind === "valid" && verdict.uncertifiedBy !== undefined
        ? "uncertified"
        : verdict.kind;
  return { kind: verdict.kind, predicate, verdict: verdictText(verdict) };
}

export async function auditShown({ record, files }: Shown, release: Release, endpoint?: Endpoint): Promise<Audited> {
  const encoder = new TextEncoder();
  const bundles = bundlesOf(new Map(Object.entries(files).map(([name, text]) => [name, encoder.encode(text)])));
  const eyes = look(endpoint ?? replayed(record));
  return audit({ look: eyes, market: record.market, fromBlock: 0, release, bundles });
}
