/** A session that has settled on a chain in this process, and what its devnet's meters and nodes sign of it. */
import { devnetKey } from "../../offchain-solver/devnet/devnetKeys.ts";
import type { OwnChain } from "../../offchain-solver/devnet/embedded.ts";
import type { DoneSession } from "../../offchain-solver/devnet/outcome.ts";
import { settleLoaded } from "../../offchain-solver/devnet/session.ts";
import { load } from "../../offchain-solver/devnet/steps/load.ts";
import { metersOf } from "../../offchain-solver/devnet/steps/meters.ts";
import { defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import type { Signed } from "../../offchain-solver/node/delivery/reckoning.ts";

export async function settledAndMetered(
  scenario: Scenario,
  chain: OwnChain,
): Promise<{ readonly done: DoneSession; readonly signed: Signed }> {
  const market = defaultSettings(scenario);
  const options = { method: "anderson", market, trade: true, rhoScale: 1, maxIterations: 4_000 } as const;
  const done = await settleLoaded(await load(scenario, options, chain), options, () => undefined);
  const about = { result: done.batch.result, batch: done.settled.batch, committed: done.witness };
  return { done, signed: await metersOf(done.frozen.deployment, scenario, done.clearing, about, devnetKey) };
}
