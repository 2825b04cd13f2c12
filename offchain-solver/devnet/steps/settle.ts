import { keccak256 } from "ethers";
import { audit as auditChain, type Audited, type Standing } from "../../auditor/audit.ts";
import { bundlesOf } from "../../auditor/bundles.ts";
import { endpointOf } from "../../chain/endpoint.ts";
import { look } from "../../chain/look.ts";
import * as Onboarding from "../../chain/onboarding.ts";
import * as Session from "../../chain/session.ts";
import { canonicalBytes } from "../../codec/canonicalJson.ts";
import { toldTerms } from "../../codec/terms.ts";
import { bundleHash, type Witness } from "../../codec/witness.ts";
import type { Batch } from "../../ledger/verified.ts";
import { DESK, type ClearingResult } from "../../market/result/clearingResult.ts";
import { paymentNano } from "../../market/result/verify.ts";
import { releasedBuild } from "../release.ts";
import type { Frozen } from "./freeze.ts";

/** Posts the batch with the signatures of its quorum, and first what those load who take no part. Anybody could. */
export async function settle(
  { deployment, chain, frozen, terms }: Frozen,
  { payload, result }: Batch,
  witness: Witness,
  attestations: ReadonlyMap<number, string>,
): Promise<Session.Settled> {
  if (result.participants.length < terms.scenario.prosumers.length)
    await Session.postStandingLoads(deployment, chain.admin, frozen.terms, toldTerms(terms));
  return Session.postAndSettle(deployment, chain.admin, payload, bundleHash(witness), attestations);
}

/**
 * Every settled session from chain data and the published witnesses alone. `resume`: where an audit of this market has
 * stopped; `keep` is told where this one does.
 */
export async function audit(
  { deployment, chain }: Pick<Frozen, "deployment" | "chain">,
  witnesses: readonly Witness[],
  { resume, keep }: { readonly resume?: Standing | undefined; readonly keep?: (standing: Standing) => void } = {},
): Promise<Audited> {
  const published = witnesses.map((witness) => {
    const bytes = canonicalBytes(witness);
    return [keccak256(bytes), bytes] as const;
  });
  return auditChain({
    look: look(endpointOf(chain.provider)),
    market: deployment.market,
    fromBlock: deployment.block,
    release: releasedBuild(),
    bundles: bundlesOf(new Map(published)),
    ...(resume && { resume }),
    ...(keep && { progress: keep }),
  });
}

/** Ledger changes of the chain beside what the integers say; empty when they agree to the last nano-dollar and gram. */
export function disagreements(result: ClearingResult, settled: Session.Settled): string[] {
  const party = (id: number): number =>
    id >= Onboarding.DESK_ID ? DESK + (id - Onboarding.DESK_ID) : result.participants.indexOf(id);
  return settled.deltas.flatMap(({ id, money }) => {
    const expected = paymentNano(result, party(id));
    return expected === money ? [] : [`account ${id}: chain ${money}, result ${expected}`];
  });
}
