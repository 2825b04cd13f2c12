import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario } from "../offchain-solver/scenarios/loadScenario.ts";

/** An inverter rated for .3 of reactive power beside its full output: a circle leaves it so much at no output. */
const CIRCLE = Math.hypot(1, 0.3) / 0.3;

function costOf(scenario: Scenario): number {
  const market = createMarket(scenario, defaultSettings(scenario));
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result.objective;
}

const wide = ({ prosumers, ...day }: Scenario, factor: number): Scenario => ({
  ...day,
  prosumers: prosumers.map(({ renewable, ...one }) =>
    renewable === undefined
      ? one
      : { ...one, renewable: { ...renewable, reactiveMvar: factor * renewable.reactiveMvar } },
  ),
});
/** What the widest of the circle saves, as a share of the day's cost. */
const worth = (day: Scenario): number => 1 - costOf(wide(day, CIRCLE)) / costOf(day);

describe("the range of reactive power", () => {
  it("costs nothing by being a box on the 15-bus day: a circle's widest at any output makes it no cheaper", () => {
    expect(Math.abs(worth(loadScenario("ieee15")))).to.be.below(1e-8);
  });

  it("would cost something where voltage is scarce: within 1.5 % of nominal a circle's widest saves .07 %", () => {
    const { feeder, ...day } = loadScenario("ieee15");
    const buses = feeder.buses.map((bus) => ({ ...bus, vMinPu: 0.985, vMaxPu: 1.015 }));
    expect(worth({ ...day, feeder: { ...feeder, buses } })).to.be.within(6e-4, 8e-4);
  });
});
