/** A session cleared as if fuel cost more than it does, and signed with the regrets that its owners truly have. */
import { regretsOf } from "../../offchain-solver/clearing/regret.ts";
import { createMarket, defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";
import { forged, type Shown } from "./forge.ts";
import { trueSession } from "./trueSession.ts";

export type Misled = {
  readonly shown: Shown;
  /** $: what all could still gain, and what the day costs in truth. */
  readonly regret: number;
  readonly cost: number;
};

export async function misled(scenario: Scenario, factor: number): Promise<Misled> {
  const told: Scenario = {
    ...scenario,
    prosumers: scenario.prosumers.map((p) =>
      p.generator ? { ...p, generator: { ...p.generator, costB: factor * p.generator.costB } } : p,
    ),
  };
  const session = await trueSession(told);
  const { outcome } = session.outcome.cleared;
  if (outcome === undefined) throw new Error("not cleared");
  const regrets = regretsOf(createMarket(scenario, defaultSettings(scenario)), outcome.solution, clarabelSolver);
  const signed = scenario.prosumers.map(({ id }, i) => ({
    id,
    regretNano: `${BigInt(Math.round(1e9 * Math.max(0, regrets[i])))}`,
    openNano: "0",
    signature: session.witness.regrets.find((regret) => regret.id === id)?.signature as string,
  }));
  const shown = await forged(session, { witness: (w) => ({ ...w, regrets: signed }) });
  const regret = regrets.reduce((sum, one) => sum + Math.max(0, one), 0);
  return { shown, regret, cost: Math.abs(outcome.objective) };
}
