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
import { SessionRefused } from "./refused.ts";
import { beyond, clear, propose, quantise, type Cleared, type Proposed, type SessionOptions } from "./steps/clear.ts";
import { freeze, without, type Frozen } from "./steps/freeze.ts";
import { load, type Loaded } from "./steps/load.ts";
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

type Quantised = { session: Frozen; clearing: Cleared; proposed: Proposed; batch: Batch };

/**
 * To the integers that every mandate allows. Whoever is beyond its mandate is left out and the session cleared again,
 * once: somebody who then is beyond it voids the session.
 */
function cleared(session: Frozen, options: SessionOptions, progress: Progress, again = true): Quantised {
  progress(
    `clear ${session.terms.scenario.hours} periods with ${session.taking.length} prosumers by ${options.method}`,
  );
  const clearing = clear(session, options);

  progress("propose");
  const proposed = propose(clearing);

  progress("quantise");
  const batch = quantise(session, proposed);
  const found = beyond(session, batch);
  if (found.length === 0) return { session, clearing, proposed, batch };
  const out = [...new Set(found.map(({ party }) => session.taking[party]))];
  const [{ predicate, needed, allowed }] = found;
  const said = `${out.join(", ")} beyond the mandate (${predicate}: ${needed} needed, ${allowed} allowed)`;
  if (!again || out.length === session.taking.length) throw new SessionRefused("void", said);
  progress(`leave out ${said}`);
  return cleared(without(session, out), options, progress, false);
}

/** Throws SessionRefused where a party or the clearing ends it before money moves. */
export async function runSession(
  scenario: Scenario,
  options: SessionOptions,
  chain: Chain,
  progress: Progress,
): Promise<SessionOutcome> {
  progress("load: public terms, private parts, a market with its members");
  return runLoaded(await load(scenario, options, chain), scenario, options, progress);
}

/** The same from a market that has its members. */
export async function runLoaded(
  loaded: Loaded,
  scenario: Scenario,
  options: SessionOptions,
  progress: Progress,
): Promise<SessionOutcome> {
  progress("freeze the terms");
  const { session: frozen, clearing, proposed, batch } = cleared(await freeze(loaded), options, progress);

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
