/** A whole session of the embedded market for benchmarks: cleared, signed by a quorum and settled. */
import type { BaseWallet } from "ethers";
import { postAndSettle } from "../../offchain-solver/chain/session.ts";
import type { Terms } from "../../offchain-solver/codec/terms.ts";
import { attestation, ATTESTATION_TYPES, marketDomain, quorumOf } from "../../offchain-solver/codec/typedData.ts";
import { bundleHash, type Witness } from "../../offchain-solver/codec/witness.ts";
import { devnetKey } from "../../offchain-solver/devnet/devnetKeys.ts";
import type { Chain } from "../../offchain-solver/devnet/embedded.ts";
import { clear, propose, quantise } from "../../offchain-solver/devnet/steps/clear.ts";
import { freeze } from "../../offchain-solver/devnet/steps/freeze.ts";
import { load } from "../../offchain-solver/devnet/steps/load.ts";
import { witnessOf } from "../../offchain-solver/devnet/steps/sign.ts";
import { defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";

export type SettledSession = { readonly terms: Terms; readonly witness: Witness };

/** Clears and settles one session, signed by a quorum without each node's own checks: those are the sessions' tests. */
export async function settleOne(scenario: Scenario, chain: Chain): Promise<SettledSession> {
  const market = defaultSettings(scenario);
  const options = { method: "anderson", market, trade: true, rhoScale: 1, maxIterations: 4000 } as const;
  const frozen = await freeze(await load(scenario, options, chain));
  const proposed = propose(clear(frozen, options));
  const batch = quantise(frozen, proposed);
  const witness = await witnessOf(frozen, proposed, batch);
  const { deployment, committee } = frozen;
  const said = attestation(frozen.frozen.terms, batch.payload, bundleHash(witness));
  const domain = marketDomain(deployment.chainId, deployment.market);
  const signed = new Map<number, string>();
  for (const [bit, id] of committee.slice(0, quorumOf(committee.length)).entries())
    signed.set(bit, await (devnetKey("node", id) as BaseWallet).signTypedData(domain, ATTESTATION_TYPES, said));
  await postAndSettle(deployment, chain.admin, batch.payload, bundleHash(witness), signed);
  return { terms: frozen.terms, witness };
}
