/** One session as a reader walks it. Each step is handed what the steps before it left, and calls none of them. */
import type { Audited, AuditedSession } from "../auditor/audit.ts";
import { bundleFiles } from "../auditor/bundles.ts";
import type { Deployment } from "../chain/deployment.ts";
import type { Settled } from "../chain/session.ts";
import { packSignatures } from "../codec/typedData.ts";
import type { Witness } from "../codec/witness.ts";
import type { Batch } from "../ledger/verified.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Tightened } from "../simulation/acMargin.ts";
import type { ClearedSession } from "../simulation/clear.ts";
import type { Chain } from "./embedded.ts";
import { clear, propose, quantise, type SessionOptions } from "./steps/clear.ts";
import { freeze } from "./steps/freeze.ts";
import { load } from "./steps/load.ts";
import { audit, settle } from "./steps/settle.ts";
import { sign, verify, witnessOf } from "./steps/sign.ts";

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
  /** Of the market as a whole. */
  readonly standing: Audited["standing"];
};

/** Throws SessionRefused where a party or the clearing ends it before money moves. */
export async function runSession(
  scenario: Scenario,
  options: SessionOptions,
  chain: Chain,
  progress: Progress,
): Promise<SessionOutcome> {
  progress("load: public terms, private parts, a market with its members");
  const loaded = await load(scenario, options, chain);

  progress("freeze the terms");
  const frozen = await freeze(loaded);

  progress(`clear ${scenario.hours} periods with ${scenario.prosumers.length} prosumers by ${options.method}`);
  const clearing = clear(frozen, options);

  progress("propose");
  const proposed = propose(clearing);

  progress("quantise");
  const batch = quantise(frozen, proposed);

  progress("verify on every node, its own view in hand");
  const witness = await witnessOf(frozen, proposed, batch);
  const verified = verify(frozen, proposed, batch, witness);

  progress("sign");
  const attestations = await sign(frozen, verified, witness);

  progress("settle");
  const settled = await settle(frozen, batch, witness, attestations);

  const bundle = bundleFiles(witness, settled.batch, { payload: batch.payload, ...packSignatures(attestations) });

  progress("audit from chain data and the published witness");
  const { sessions, standing } = await audit(frozen, witness);
  // A market that stood before may have settled others: their parties published elsewhere.
  const audited = sessions.filter((session) => session.batch === settled.batch);

  const { deployment } = frozen;
  return {
    scenario,
    ...clearing,
    deployment,
    batch,
    verified: verified.length,
    witness,
    settled,
    bundle,
    audited,
    standing,
  };
}
