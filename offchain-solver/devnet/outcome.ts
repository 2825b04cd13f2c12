import type { Audited, AuditedSession } from "../auditor/audit.ts";
import type { Verdict } from "../auditor/verdict.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Settled } from "../chain/session.ts";
import type { Witness } from "../codec/witness.ts";
import type { Batch } from "../ledger/verified.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Cleared } from "./steps/clear.ts";
import { auditDelivery, type Delivery } from "./steps/deliver.ts";
import type { Frozen } from "./steps/freeze.ts";
import type { Tightened } from "../simulation/acMargin.ts";
import type { ClearedSession } from "../simulation/clear.ts";

/** Is told of each step as it begins. */
export type Progress = (step: string) => void;

export type SessionOutcome = {
  readonly scenario: Scenario;
  readonly cleared: ClearedSession;
  readonly tightened: Tightened | undefined;
  readonly deployment: Deployment;
  readonly batch: Batch;
  /** How many of the nodes verified; a quorum of them signed. */
  readonly verified: number;
  readonly witness: Witness;
  readonly settled: Settled;
  /** What is published of it, by name. */
  readonly bundle: ReadonlyMap<string, Uint8Array>;
  readonly audited: readonly AuditedSession[];
  /** What became of it; undefined where nobody knows yet what the day brought. */
  readonly delivery: (Delivery & { readonly verdict: Verdict }) | undefined;
  /** Of the market as a whole, and all that was found in it. */
  readonly standing: Audited["standing"];
  readonly found: Audited;
};

/** A session that has settled, and not yet been delivered. */
export type DoneSession = {
  readonly frozen: Frozen;
  readonly clearing: Cleared;
  readonly batch: Batch;
  readonly witness: Witness;
  readonly verified: number;
  readonly settled: Settled;
  readonly bundle: ReadonlyMap<string, Uint8Array>;
};

/** All that came of it. `found`: by an auditor, from the chain and what was published. */
export function outcomeOf(
  scenario: Scenario,
  { frozen, clearing, batch, witness, verified, settled, bundle }: DoneSession,
  delivered: Delivery | undefined,
  found: Audited,
): SessionOutcome {
  const delivery = delivered && { ...delivered, verdict: auditDelivery(witness, delivered, found) };
  // A market that stood before may have settled others: their parties published elsewhere.
  const audited = found.sessions.filter((session) => session.batch === settled.batch);
  const agreed = { deployment: frozen.deployment, batch, verified, witness };
  const seen = { audited, standing: found.standing, found };
  return { scenario, ...clearing, ...agreed, settled, bundle, delivery, ...seen };
}
