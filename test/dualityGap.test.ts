import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { regretsOf } from "../offchain-solver/clearing/regret.ts";
import { createMarket, defaultSettings, type Market } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";

/**
 * Without limits, errors and allowances a price an hour is all that couples homes; and the more so, the less trade
 * itself costs: its regularisation, which one home alone does not have, is 1e-4 $/MWh per MW.
 */
function coupledByEnergy(scenario: Scenario, trade: number): Scenario {
  const { uncertainty } = scenario;
  return {
    ...scenario,
    regularisation: { trade, reactive: 1e-9 },
    uncertainty: { ...uncertainty, factor: uncertainty.factor.map((rows) => rows.map((row) => row.map(() => 0))) },
  };
}

/** One home alone with a utility that buys and sells at these prices: what it costs at least, $. */
function costAlone(scenario: Scenario, index: number, price: readonly number[]): number {
  const { tariff, prosumers, uncertainty } = scenario;
  const own = prosumers[index];
  const at = uncertainty.uncertain.indexOf(own.id);
  const alone: Scenario = {
    ...scenario,
    prosumers: [own],
    pairs: [],
    tariff: { ...tariff, buyPerMwh: [...price], sellPerMwh: [...price] },
    uncertainty: {
      ...uncertainty,
      uncertain: at < 0 ? [] : [own.id],
      factor: uncertainty.factor.map((rows) => rows.map((row) => (at < 0 ? [] : [row[at]]))),
    },
  };
  const found = solveCentral(createMarket(alone, settingsOf(alone)), undefined, clarabelSolver);
  if (found.status !== "solved") throw new Error(`prosumer ${own.id}: ${found.status}`);
  return found.objective;
}

const settingsOf = (scenario: Scenario) => ({ ...defaultSettings(scenario), network: false, carbon: false });

describe("all regrets together", function () {
  this.timeout(300_000);
  const scenario = coupledByEnergy(takeHours(loadScenario("ieee15"), 3), 1e-4);
  const { buyPerMwh, sellPerMwh } = scenario.tariff;
  const market: Market = createMarket(scenario, settingsOf(scenario));
  const central = solveCentral(market, undefined, clarabelSolver);

  /** Prices, inside what the utility leaves; the gap by the central twin alone, and the sum of regrets, $. */
  function compared(prices: readonly number[]): { readonly gap: number; readonly regrets: number } {
    if (central.status !== "solved") throw new Error(central.status);
    const price = prices.map((one, t) => Math.min(buyPerMwh[t], Math.max(sellPerMwh[t], one)));
    const least = scenario.prosumers.reduce((sum, _, i) => sum + costAlone(scenario, i, price), 0);
    const energyPrice = central.solution.energyPrice.map(() => Float64Array.from(price));
    const regrets = regretsOf(market, { ...central.solution, energyPrice }, clarabelSolver);
    return { gap: central.objective - least, regrets: regrets.reduce((sum, one) => sum + one, 0) };
  }

  for (const method of ["admm", "gsa", "anderson"] as const)
    it(`are the central twin's duality gap at the prices of ${method}, which close it`, () => {
      const options = { method, market: settingsOf(scenario), trade: true, rhoScale: 1, maxIterations: 4000 } as const;
      const { outcome, status } = clear(coupledByEnergy(scenario, 1e-2), options);
      if (outcome === undefined || central.status !== "solved") throw new Error(status);
      const { energyPrice } = outcome.solution;
      const prices = buyPerMwh.map((_, t) => energyPrice.reduce((sum, one) => sum + one[t], 0) / energyPrice.length);
      const { gap, regrets } = compared(prices);
      expect(regrets).to.be.closeTo(gap, 1e-6 * Math.abs(central.objective));
      expect(gap).to.be.within(-1e-6 * Math.abs(central.objective), 1e-3 * Math.abs(central.objective));
    });

  it("are its duality gap at prices that are none", () => {
    if (central.status !== "solved") throw new Error(central.status);
    const { gap, regrets } = compared(buyPerMwh.map((buy, t) => (t % 2 === 0 ? buy : sellPerMwh[t])));
    expect(gap).to.be.above(1e-3 * Math.abs(central.objective));
    expect(regrets).to.be.closeTo(gap, 1e-6 * Math.abs(central.objective));
  });
});
