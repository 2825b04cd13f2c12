import { keccak256 } from "ethers";
import { mayBeSigned, type ToSign } from "../../auditor/beforeSigning.ts";
import * as Onboarding from "../../chain/onboarding.ts";
import * as Session from "../../chain/session.ts";
import { marketDomain, quorumOf, sessionHash } from "../../codec/typedData.ts";
import { canonicalBytes, type Json } from "../../codec/canonicalJson.ts";
import { planHash, planSalt, signPlan } from "../../codec/plans.ts";
import { bundleHash, signRegret, WitnessSchema, type Witness } from "../../codec/witness.ts";
import type { Batch, Verification, Verified } from "../../ledger/verified.ts";
import type { OwnView } from "../../market/result/acceptance.ts";
import { marketOf } from "../../market/scenario/market.ts";
import { plannedBy } from "../../metering/devices.ts";
import { gridOf } from "../../simulation/clear.ts";
import { devnetKey } from "../devnetKeys.ts";
import { refusedBy } from "../refused.ts";
import { agree, sessionScenario, type Frozen } from "./freeze.ts";
import type { Proposed } from "./clear.ts";

const SYSTEM_NAMES = new Map<number, string>([
  [Onboarding.OPERATOR_ID, "the operator"],
  [Onboarding.UTILITY_ID, "the utility"],
  [Onboarding.DESK_ID, "the desk"],
]);
const NANO = 1e9;
const nano = (dollars: number): bigint => BigInt(Math.round(dollars * NANO));

/**
 * What the parties publish with a batch: the frozen terms, what the limits cost, and every regret and the hash of every
 * plan, signed by its owner.
 */
export async function witnessOf(session: Frozen, proposed: Proposed, { payload }: Batch): Promise<Witness> {
  const { deployment, frozen, terms } = session;
  const { proposals, tightening } = proposed;
  const domain = marketDomain(deployment.chainId, deployment.market);
  const about = { session: sessionHash(frozen.terms), payload: keccak256(payload) };
  const claims = session.taking.map(async (id, i) => {
    const { regret, open } = proposals.prosumers[i];
    if (regret === undefined || open === undefined) return [];
    const claim = { ...about, prosumer: id, regretNano: nano(regret), openNano: nano(open) };
    const signature = await signRegret(domain, devnetKey("node", id), claim);
    return [{ id, regretNano: `${claim.regretNano}`, openNano: `${claim.openNano}`, signature }];
  });
  const plans = session.taking.map(async (id, i) => {
    const key = devnetKey("node", id);
    const proposal = keccak256(canonicalBytes(JSON.parse(JSON.stringify(proposals.prosumers[i])) as Json));
    const beside = { session: about.session, proposal };
    const plan = planHash(planSalt(key, beside), plannedBy(proposed.plans[i], terms.scenario.periodHours));
    return { id, proposal, plan, signature: await signPlan(domain, key, { ...beside, prosumer: id, plan }) };
  });
  return WitnessSchema.parse({
    ...about,
    terms,
    ...(tightening && { tightening }),
    plans: await Promise.all(plans),
    regrets: (await Promise.all(claims)).flat(),
    limits: proposals.operator.limits,
  });
}

/** What everybody looks at before signing; `context` is what the chain says of the session. */
export function toSign(
  { parts, frozen, deployment }: Frozen,
  proposed: Proposed,
  batch: Batch,
  witness: Witness,
): ToSign {
  const nodeKeys = new Map(parts.map(({ id }) => [id, devnetKey("node", id).address]));
  const domain = marketDomain(deployment.chainId, deployment.market);
  const context = { domain, session: sessionHash(frozen.terms), payload: keccak256(batch.payload), nodeKeys };
  return { proposals: proposed.proposals, batch, witness, context };
}

/** One member's test, on its own copy of the terms and its own part alone. */
export function verifyAs(id: number, session: Frozen, { views, proposals }: Proposed, given: ToSign): Verification {
  const { parts, termsBytes, frozen, ledger, taking } = session;
  // Utility and desk have no view of their own: they verify what the operator does.
  const part = taking.includes(id) ? parts.find((p) => p.id === id) : undefined;
  // So does a member of the committee that takes no part in the session.
  const own: OwnView =
    part === undefined ? { kind: "operator", proposal: proposals.operator } : views[taking.indexOf(id)];
  const terms = agree(nameOf(id), termsBytes, frozen);
  const market = marketOf(sessionScenario(terms, session), terms.settings, part === undefined ? [] : [part]);
  return mayBeSigned({ market, ...gridOf(market), ledger }, own, given);
}

const nameOf = (id: number): string => SYSTEM_NAMES.get(id) ?? `prosumer ${id}`;

/** Every member's test: [bit of the committee] what it may sign. */
export function verify(session: Frozen, proposed: Proposed, batch: Batch, witness: Witness): Verified<Batch>[] {
  const given = toSign(session, proposed, batch, witness);
  return session.committee.map((id) => {
    const verified = verifyAs(id, session, proposed, given);
    if (verified.kind === "refused") throw refusedBy(nameOf(id), verified);
    return verified.batch;
  });
}

/** [bit] a quorum's signatures: every one beyond it only costs gas. */
export async function sign(
  { committee, deployment, frozen }: Frozen,
  verified: readonly Verified<Batch>[],
  witness: Witness,
): Promise<Map<number, string>> {
  const signing = committee.slice(0, quorumOf(committee.length)).map(async (id, bit) => {
    const key = devnetKey("node", id);
    return [bit, await Session.attest(deployment, key, frozen.terms, verified[bit], bundleHash(witness))] as const;
  });
  return new Map(await Promise.all(signing));
}
