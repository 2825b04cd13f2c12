/** A session of the shipped 15-bus case that settles on the embedded devnet, written down for whoever corrupts it. */
import type { Wallet } from "ethers";
import { endpointOf } from "../../offchain-solver/chain/endpoint.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { devnetKey } from "../../offchain-solver/devnet/devnetKeys.ts";
import { embeddedDevnet } from "../../offchain-solver/devnet/embedded.ts";
import type { SessionOutcome } from "../../offchain-solver/devnet/outcome.ts";
import { runSession } from "../../offchain-solver/devnet/session.ts";
import { committeeOf } from "../../offchain-solver/chain/onboarding.ts";
import { defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import type { ClearMethod } from "../../offchain-solver/simulation/clear.ts";
import type { TrueSession } from "./forge.ts";
import { recorded } from "./recordedChain.ts";

export async function trueSession(
  scenario: Scenario,
  method: Exclude<ClearMethod, "central"> = "anderson",
): Promise<TrueSession & { readonly outcome: SessionOutcome }> {
  const devnet = await embeddedDevnet(scenario.startUtc);
  try {
    // Nobody sets the clock: what is written down ends with the settlement.
    const { passTime: _, ...chain } = devnet;
    const market = defaultSettings(scenario);
    const options = { method, market, trade: true, rhoScale: 1, maxIterations: 4000 };
    const outcome = await runSession(scenario, options, chain, () => undefined);
    const { deployment, batch, audited } = outcome;
    const record = await recorded(endpointOf(devnet.provider), deployment.market, deployment.block);
    const ids = scenario.prosumers.map(({ id }) => id);
    const { terms } = audited[0];
    if (terms === undefined) throw new Error("no terms");
    return {
      outcome,
      record,
      witness: outcome.witness,
      payload: Payload.fromResult(batch.result),
      terms,
      committee: committeeOf(ids).map((id): Wallet => devnetKey("node", id)),
      owners: new Map(ids.map((id) => [id, devnetKey("node", id)])),
    };
  } finally {
    await devnet.close();
  }
}
