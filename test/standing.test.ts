import { expect } from "chai";
import { runConsensus } from "../offchain-solver/clearing/consensus.ts";
import type { Message } from "../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS } from "../offchain-solver/clearing/settings.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket } from "../offchain-solver/market/scenario/market.ts";
import { memoryTransport } from "../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { readSeries } from "../offchain-solver/scenarios/series.ts";
import { clear, type ClearMethod } from "../offchain-solver/simulation/clear.ts";
import { runAgents } from "../offchain-solver/simulation/workers/runAgents.ts";
import { zooMarket } from "../offchain-solver/study/bench/zooMarket.ts";
import { measureOf } from "../offchain-solver/study/bench/zooRow.ts";

const market = (seed: number) => zooMarket(seed, readSeries());

describe("iterates that stand still", function () {
  this.timeout(300_000);

  for (const { seed, most, what } of [
    { seed: 50156, most: 300, what: "allowances whose price is worth nothing to anybody" },
    { seed: 50086, most: 1500, what: "a reactive price that is far off" },
  ])
    it(`end certified at central's optimum: ${what}, market ${seed} of the zoo`, () => {
      const { scenario, settings } = market(seed);
      const by = (method: ClearMethod) =>
        clear(scenario, { method, market: settings, trade: true, rhoScale: 1, maxIterations: most });
      const [cleared, central] = [by("anderson"), by("central")];
      expect(cleared.status, cleared.reason).to.equal("solved");
      const turnover = measureOf(central.market, central.outcome!.solution);
      const gap = (cleared.outcome!.objective - central.outcome!.objective) / turnover;
      expect(Math.abs(gap)).to.be.below(1e-5);
    });

  it("change penalties at the same iteration to the same bits over threads and orders of delivery", () => {
    const { scenario, settings: given } = market(50003);
    const cleared = createMarket(scenario, given);
    const network = createNetwork(cleared);
    const settings = { ...DEFAULT_SETTINGS, maxIterations: 220 };
    const [serial, threads] = [1, 3].map((workers) => runAgents(cleared, network, settings, { workers }));
    expect(serial.operator.rhoScale.changes, "penalties changed").to.be.above(0);
    expect(serial.prosumers[0].rho).to.deep.equal(serial.operator.rho);
    const shuffled = [1, 2].map((seed) =>
      runConsensus(cleared, network, settings, { solver: clarabelSolver, carrier: memoryTransport<Message>(seed) }),
    );
    for (const other of [threads, ...shuffled]) {
      expect(other.operator.rhoScale).to.deep.equal(serial.operator.rhoScale);
      expect(other.residuals).to.deep.equal(serial.residuals);
      other.prosumers.forEach(({ images, u, rho }, i) => {
        const own = serial.prosumers[i];
        expect([images[0], u, rho], `prosumer ${i}`).to.deep.equal([own.images[0], own.u, own.rho]);
      });
    }
  });
});
