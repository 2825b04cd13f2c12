import { keccak256 } from "ethers";
import { judgeWitness } from "../../auditor/witness.ts";
import * as Onboarding from "../../chain/onboarding.ts";
import * as Session from "../../chain/session.ts";
import { marketDomain, quorumOf, sessionHash } from "../../codec/typedData.ts";
import { bundleHash, signRegret, WitnessSchema, type Witness } from "../../codec/witness.ts";
import { verify as verifyBatch, type Batch, type Verified } from "../../ledger/verified.ts";
import type { OwnView } from "../../market/result/acceptance.ts";
import { marketOf } from "../../market/scenario/market.ts";
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
 * What the parties publish with a batch: the frozen terms, what the limits cost, and every regret, signed by its owner.
 */
export async function witnessOf(session: Frozen, proposed: Proposed, { payload }: Batch): Promise<Witness> {
  const { deployment, frozen, terms } = session;
  const { proposals, tightening } = proposed;
  const domain = marketDomain(deployment.chainId, deployment.market);
  const about = { session: sessionHash(frozen.terms), payload: keccak256(payload) };
  const claims = session.taking.map(async (id, i) => {
    const { regret } = proposals.prosumers[i];
    if (regret === undefined) return [];
    const claim = { ...about, prosumer: id, regretNano: nano(regret) };
    const signature = await signRegret(domain, devnetKey("node", id), claim);
    return [{ id, regretNano: claim.regretNano.toString(), signature }];
  });
  return WitnessSchema.parse({
    ...about,
    terms,
    ...(tightening && { tightening }),
    regrets: (await Promise.all(claims)).flat(),
    limits: proposals.operator.limits,
  });
}

/** One member's test, on its own copy of the terms and its own part alone: [bit of the committee] what it may sign. */
export function verify(session: Frozen, proposed: Proposed, batch: Batch, witness: Witness): Verified<Batch>[] {
  const { committee, parts, termsBytes, frozen, ledger, deployment } = session;
  const nodeKeys = new Map(parts.map(({ id }) => [id, devnetKey("node", id).address]));
  return committee.map((id) => {
    // Utility and desk have no view of their own: they verify what the operator does.
    const part = session.taking.includes(id) ? parts.find((p) => p.id === id) : undefined;
    // So does a member of the committee that takes no part in the session.
    const own: OwnView =
      part === undefined
        ? { kind: "operator", proposal: proposed.proposals.operator }
        : proposed.views[session.taking.indexOf(id)];
    const name = SYSTEM_NAMES.get(id) ?? `prosumer ${id}`;
    const terms = agree(name, termsBytes, frozen);
    const scenario = sessionScenario(terms, session);
    const market = marketOf(scenario, terms.settings, part === undefined ? [] : [part]);
    const verified = verifyBatch({ market, ...gridOf(market), ledger }, own, proposed.proposals, batch);
    if (verified.kind === "refused") throw refusedBy(name, verified);
    // The auditor's own test, so that what settles is not refused afterwards.
    const domain = marketDomain(deployment.chainId, deployment.market);
    const context = { domain, session: sessionHash(frozen.terms), payload: keccak256(batch.payload), nodeKeys };
    const verdict = judgeWitness(context, batch.result, witness);
    if (verdict.kind === "invalid") throw refusedBy(name, verdict);
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
