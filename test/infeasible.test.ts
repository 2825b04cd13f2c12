import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { provesInfeasible, reachOf, REACH } from "../offchain-solver/clearing/claim.ts";
import { runConsensus } from "../offchain-solver/clearing/consensus.ts";
import type { Message } from "../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS, type Settings } from "../offchain-solver/clearing/settings.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket, defaultSettings, type MarketSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { memoryTransport } from "../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { readSeries } from "../offchain-solver/scenarios/series.ts";
import { zooMarket } from "../offchain-solver/study/bench/zooMarket.ts";

function run(scenario: Scenario, marketSettings: MarketSettings, more: Partial<Settings> = {}) {
  const market = createMarket(scenario, marketSettings);
  const network = createNetwork(market);
  const result = runConsensus(
    market,
    network,
    { ...DEFAULT_SETTINGS, ...more },
    {
      solver: clarabelSolver,
      carrier: memoryTransport<Message>(),
    },
  );
  return { result, central: solveCentral(market, network, clarabelSolver).status };
}

describe("a market without a solution", function () {
  this.timeout(300_000);
  const series = readSeries();

  for (const [seed, why] of [
    [105, "limits that devices cannot keep"],
    [1045, "twelve places behind tight limits"],
    [3032, "where the whole problem with wider limits ends unsolved"],
  ] as const)
    it(`is proven to have none by its agents: ${why}`, () => {
      const { scenario, settings } = zooMarket(seed, series);
      const { result, central } = run(scenario, settings);
      expect(central).to.equal("infeasible");
      expect(result.status).to.equal("infeasible");
      expect(result.reason).to.match(/devices/);
      expect(result.evaluations).to.be.below(200);
    });

  it("is proven by plain iterations too", () => {
    const { scenario, settings } = zooMarket(105, series);
    const acceleration = { ...DEFAULT_SETTINGS.acceleration, method: "admm", memory: 0 } as const;
    expect(run(scenario, settings, { acceleration }).result.status).to.equal("infeasible");
  });

  it("is never proven of one that has a solution, wherever its agents stand", () => {
    const ieee15 = takeHours(loadScenario("ieee15"), 3);
    const tight = zooMarket(1008, series);
    for (const [scenario, settings] of [
      [ieee15, defaultSettings(ieee15)],
      [tight.scenario, tight.settings],
    ] as const)
      for (const maxIterations of [2, 9, 33, 70]) {
        const { result, central } = run(scenario, settings, { maxIterations });
        expect(central).to.equal("solved");
        const claims = result.prosumers.map((state) => reachOf(state)?.claim);
        expect(provesInfeasible(claims, 0), `${maxIterations} iterations`).to.equal(false);
        // Whatever is feasible lies between: the sum is below nothing by what prices still have to move.
        expect(claims.reduce((sum, claim) => sum + claim![REACH], 0)).to.be.below(0);
      }
  });

  it("is not proven where somebody claims nothing", () => {
    const claim = new Float64Array(4).fill(1);
    expect(provesInfeasible([claim, claim], 1)).to.equal(true);
    expect(provesInfeasible([claim, undefined], 1)).to.equal(false);
  });
});
