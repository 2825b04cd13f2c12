import { expect } from "chai";
import { defaultSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { resized } from "../../scenarios/resized.ts";
import { measureOf } from "./zooRow.ts";
import { clear, type ClearedSession, type ClearMethod } from "../../simulation/clear.ts";

/** An hour of thirteen homes of 1.5 kW and a plant of 20 MW that cannot stand still, on lines without ratings. */
function plantAmongHomes(): Scenario {
  const homes = resized(takeHours(loadScenario("ieee15"), 1), 0.01);
  const { feeder, prosumers } = homes;
  const plant = {
    ...prosumers[0].generator!,
    minMw: 1,
    maxMw: 20,
    costA: 0.1,
    costB: 30,
    rampMwPerHour: 20,
    reactiveMvar: 10,
    emissionTPerMwh: 0.4,
  };
  const { sizeMw: _, ...first } = prosumers[0];
  return {
    ...homes,
    feeder: {
      ...feeder,
      buses: feeder.buses.map((bus) => ({ ...bus, vMinPu: 0.8, vMaxPu: 1.2 })),
      branches: feeder.branches.map((branch) => ({ ...branch, ratingMva: null })),
    },
    prosumers: [{ ...first, generator: plant }, ...prosumers.slice(1)],
  };
}

describe("a plant among homes", () => {
  it("is cleared as near to the optimum as homes are alone: what they leave open counts by what they trade", function () {
    this.timeout(120_000);
    const scenario = plantAmongHomes();
    const by = (method: ClearMethod): ClearedSession =>
      clear(scenario, { method, market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 5000 });
    const [central, cleared] = [by("central"), by("anderson")];
    expect([central.status, cleared.status]).to.deep.equal(["solved", "solved"]);
    const gap = cleared.outcome!.objective - central.outcome!.objective;
    expect(Math.abs(gap) / measureOf(central.market, central.outcome!.solution)).to.be.below(5e-7);
  });
});
