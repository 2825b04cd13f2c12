import type { Audited, AuditedSession } from "../auditor/audit.ts";
import type { Verdict } from "../auditor/verdict.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Settled } from "../chain/session.ts";
import type { Witness } from "../codec/witness.ts";
import type { Batch } from "../ledger/verified.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Delivery } from "./steps/deliver.ts";
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
  /** Of the market as a whole. */
  readonly standing: Audited["standing"];
};
