/** Markets in which something is far from anything else: cleared all the same. */
import { expect } from "chai";
import { defaultSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { readSeries } from "../../scenarios/series.ts";
import { clear, type ClearMethod } from "../../simulation/clear.ts";
import { zooMarket } from "./zooMarket.ts";
import { zooRow } from "./zooRow.ts";

describe("odd markets", function () {
  this.timeout(120_000);

  it("end where claims first come at prices that are far off, and have nothing left to respond with later", () => {
    const row = zooRow(zooMarket(57697836, readSeries()), {
      ...{ method: "anderson" as const, maxIterations: 5000, show: () => undefined },
    });
    expect(row.failures).to.deep.equal([]);
    expect(row.evaluations).to.be.at.most(30);
  });

  it("end no farther from the optimum where iterates stand near it and plans and trades are still apart", () => {
    const row = zooRow(zooMarket(982409761, readSeries()), {
      ...{ method: "anderson" as const, maxIterations: 5000, show: () => undefined },
    });
    expect(row.failures).to.deep.equal([]);
  });

  it("end where the tariff is next to nothing beside what generators cost", () => {
    const hour = takeHours(loadScenario("ieee15"), 1);
    const by = (scenario: Scenario, method: ClearMethod) =>
      clear(scenario, { method, market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 5000 });
    for (const part of [1e-6, 1e-7]) {
      const cheap = (prices: readonly number[]): number[] => prices.map((price) => price * part);
      const { buyPerMwh, sellPerMwh } = hour.tariff;
      const tariff = { ...hour.tariff, buyPerMwh: cheap(buyPerMwh), sellPerMwh: cheap(sellPerMwh) };
      const [central, cleared] = [by({ ...hour, tariff }, "central"), by({ ...hour, tariff }, "anderson")];
      expect([central.status, cleared.status], `x ${part}`).to.deep.equal(["solved", "solved"]);
      const gap = cleared.outcome!.objective / central.outcome!.objective - 1;
      expect(Math.abs(gap), `x ${part}`).to.be.below(1e-5);
    }
  });
});
