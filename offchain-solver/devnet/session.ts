/** One session as a reader walks it. Each step is handed what the steps before it left, and calls none of them. */
import { bundleFiles } from "../auditor/bundles.ts";
import { packSignatures } from "../codec/typedData.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Chain } from "./embedded.ts";
import { outcomeOf, type DoneSession, type Progress, type SessionOutcome } from "./outcome.ts";
import { clear, propose, quantise, type SessionOptions } from "./steps/clear.ts";
import { credit, deliver } from "./steps/deliver.ts";
import { freeze, type Frozen } from "./steps/freeze.ts";
import { leavingOut } from "./steps/leavingOut.ts";
import { hasCome } from "./steps/meters.ts";
import { load, type Loaded } from "./steps/load.ts";
import { audit, settle } from "./steps/settle.ts";
import { sign, verify, witnessOf } from "./steps/sign.ts";

/** Throws SessionRefused where a party or the clearing ends it before money moves. */
export async function runSession(scenario: Scenario, options: SessionOptions, chain: Chain, progress: Progress) {
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
  const done = await settleLoaded(loaded, options, progress);
  const { frozen, clearing, witness } = done;
  if (hasCome(scenario)) progress("deliver what the day brought: meters, imbalance, reserve, allowances, credits");
  const entered = await deliver(frozen, scenario, clearing, done);
  const delivered = await credit(frozen, scenario, entered);

  progress("audit from chain data and the published witness");
  return outcomeOf(scenario, done, delivered, await audit(frozen, [witness]));
}

/** From the freeze to a settled batch. */
export async function settleLoaded(loaded: Loaded, options: SessionOptions, progress: Progress): Promise<DoneSession> {
  progress("freeze the terms");
  const all = await freeze(loaded);
  const first = toIntegers(all, options, progress);

  // Whoever is beyond its mandate is left out, once: somebody who then is beyond it voids the session.
  const smaller = leavingOut(all, first.batch, true);
  if (smaller) progress(`leave out ${smaller.why}`);
  const frozen = smaller?.session ?? all;
  const { clearing, proposed, batch } = smaller ? toIntegers(frozen, options, progress) : first;
  if (smaller) leavingOut(frozen, batch, false);

  progress("verify on every node, its own view in hand");
  const witness = await witnessOf(frozen, proposed, batch);
  const verified = verify(frozen, proposed, batch, witness);

  progress("sign");
  const attestations = await sign(frozen, verified, witness);

  progress("settle");
  const settled = await settle(frozen, batch, witness, attestations);
  const bundle = bundleFiles(witness, settled.batch, { payload: batch.payload, ...packSignatures(attestations) });
  return { frozen, clearing, batch, witness, verified: verified.length, settled, bundle };
}

/** From the frozen terms to integers. */
function toIntegers(session: Frozen, options: SessionOptions, progress: Progress) {
  const { terms, taking } = session;
  progress(`clear ${terms.scenario.hours} periods with ${taking.length} prosumers by ${options.method}`);
  const clearing = clear(session, options);

  progress("propose");
  const proposed = propose(clearing);

  progress("quantise");
  return { clearing, proposed, batch: quantise(session, proposed, options.most) };
}
