import { keccak256 } from "ethers";
import type { Audited } from "../../auditor/audit.ts";
import { checkAllTold, checkDelivery } from "../../auditor/deliveries.ts";
import { undecided, type Verdict } from "../../auditor/verdict.ts";
import * as ChainDelivery from "../../chain/delivery.ts";
import { deliveryContracts } from "../../chain/deployment.ts";
import type { Settled } from "../../chain/session.ts";
import { bundleHash, type Witness } from "../../codec/witness.ts";
import type { Batch } from "../../ledger/verified.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { generating } from "../connections.ts";
import { devnetKey } from "../devnetKeys.ts";
import type { Documents, Promised } from "../../node/delivery/reckoning.ts";
import { enterMeters, type Entered, type EntryPlace } from "../entry.ts";
import type { Frozen } from "./freeze.ts";
import type { Cleared } from "./clear.ts";
import { hasCome, metersOf } from "./meters.ts";

/** What became of a session, and what its meters and nodes signed of it. */
export type Delivery = Documents;

const placeOf = ({ deployment, chain }: Frozen): EntryPlace => ({
  deployment,
  provider: chain.provider,
  submitter: chain.admin,
  ...(chain.passTime && { passTime: chain.passTime }),
  nodeKey: (id) => devnetKey("node", id),
});

/** A session that settled, as whoever enters its readings has to name it. */
export const promisedBy = (
  { frozen, terms }: Frozen,
  { payload }: Batch,
  witness: Witness,
  { batch, sequence }: Pick<Settled, "batch" | "sequence">,
): Promised => ({
  settled: {
    terms: frozen.terms,
    batch,
    sequence: Number(sequence),
    payload: keccak256(payload),
    bundle: bundleHash(witness),
  },
  payload,
  terms,
  plans: witness.plans,
});

export type Done = { readonly batch: Batch; readonly witness: Witness; readonly settled: Settled };

/**
 * Meters read what the devices did, meters and nodes sign, and a quorum enters it: imbalance, reserve and allowances
 * are charged, what was held is released. On a chain whose clock nobody sets it is only reckoned; undefined where it is
 * not known yet what the day brought.
 */
export async function deliver(
  frozen: Frozen,
  scenario: Scenario,
  cleared: Cleared,
  { batch, witness, settled }: Done,
): Promise<Entered | undefined> {
  if (!hasCome(scenario)) return undefined;
  const promised = promisedBy(frozen, batch, witness, settled);
  const about = { result: batch.result, batch: settled.batch, committed: witness };
  const signed = await metersOf(frozen.deployment, scenario, cleared, about, devnetKey);
  return enterMeters(placeOf(frozen), promised, signed, { kind: "final" });
}

/** Once nobody can contest the entry any more: credits for what was measured renewable. */
export async function credit(
  { deployment, chain }: Frozen,
  scenario: Scenario,
  entered: Entered | undefined,
): Promise<Delivery | undefined> {
  if (entered?.entry === undefined || chain.passTime === undefined) return entered;
  const { entry, settled, delivery } = entered;
  const { dispute } = await deliveryContracts(deployment, chain.provider).delivery.getFunction("windows").staticCall();
  const at = (await chain.provider.getBlock(entry.block))!.timestamp;
  await chain.passTime(at + Number(dispute));
  const issued = await ChainDelivery.issueCredits(deployment, chain.admin, settled, entry, generating(scenario));
  return { ...entered, delivery: { ...delivery, credits: creditsJson(issued) } };
}

/** As delivery.json lists them. */
export const creditsJson = (
  issued: readonly ChainDelivery.IssuedCredits[],
): NonNullable<Delivery["delivery"]["credits"]> =>
  issued.map(({ prosumer, asset, wh, transaction, gasUsed }) => ({
    ...{ prosumer, asset: `${asset}`, wh: Number(wh), txHash: transaction, gasUsed: Number(gasUsed) },
  }));

/** The same made again by an auditor, from the chain and what was signed. */
export function auditDelivery(witness: Witness, { delivery, meters }: Delivery, found: Audited): Verdict {
  const session = found.sessions.find(({ batch }) => batch === delivery.batch);
  if (session === undefined) return undecided(`batch ${delivery.batch}`);
  const verdict = checkDelivery(delivery, meters, { session, witness, found });
  return verdict.kind === "valid" ? checkAllTold([delivery], session, found) : verdict;
}
