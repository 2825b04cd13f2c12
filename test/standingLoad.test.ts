import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { deviceCost } from "../offchain-solver/market/result/cost.ts";
import { leaveOut } from "../offchain-solver/market/scenario/leaveOut.ts";
import { createMarket, defaultSettings, marketOf } from "../offchain-solver/market/scenario/market.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { scenarioFaults } from "../offchain-solver/market/scenario/scenarioFaults.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";

const solved = (market: ReturnType<typeof createMarket>) => {
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result;
};

describe("members that are left out", function () {
  this.timeout(300_000);

  it("load the feeder as a home would that has nothing but that load and the utility", () => {
    const day = takeHours(loadScenario("ieee15"), 14);
    // The sizes of all, so that taking one away leaves the market's size as it is.
    const even: Scenario = { ...day, prosumers: day.prosumers.map((one) => ({ ...one, sizeMw: 0.15 })) };
    const out = even.prosumers[10];
    const settings = defaultSettings(even);
    const open = publicScenario(even);
    const { fallback } = open.prosumers[10];
    expect(Math.max(...fallback.mw)).to.be.below(0);
    const taking = even.prosumers.filter(({ id }) => id !== out.id);
    const reduced = leaveOut(open, [out.id]);
    const market = marketOf(reduced, settings, taking);
    const alone: Scenario = {
      ...even,
      pairs: even.pairs.filter(([a, b]) => a !== out.id && b !== out.id),
      uncertainty: { ...even.uncertainty, ...reduced.uncertainty },
      prosumers: even.prosumers.map((one) =>
        one.id === out.id
          ? {
              id: one.id,
              bus: one.bus,
              sizeMw: 0.15,
              load: {
                fixedMw: fallback.mw.map((mw) => -mw),
                mvarPerMw: fallback.mvar[0] / fallback.mw[0],
                flexibleShare: 0,
                discomfort: 0,
              },
              reserveUpPerMw: 0,
              reserveDownPerMw: 0,
            }
          : one,
      ),
    };
    const whole = createMarket(alone, settings);
    const [a, b] = [solved(market), solved(whole)];
    const s = b.solution.schedules[10];
    const { tariff, carbon } = even;
    let bill =
      deviceCost(whole, 10, s) + carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
    s.importMw.forEach((mw, t) => (bill += mw * tariff.buyPerMwh[t] - s.exportMw[t] * tariff.sellPerMwh[t]));
    expect(a.objective).to.be.closeTo(b.objective - bill, 1e-4);
    // Its load counts: behind a line that exports it relieves, and the others pay less for it.
    const without = solved(marketOf({ ...reduced, standing: [] }, settings, taking));
    expect(Math.abs(a.objective - without.objective)).to.be.above(0.05);
    a.solution.injectionMw.forEach((row, t) =>
      taking.forEach((_, i) => expect(row[i]).to.be.closeTo(b.solution.injectionMw[t][i < 10 ? i : i + 1], 2e-4)),
    );
  });

  it("show nothing of when they load: the mean that the rebate tells, in whole W, unless the terms state another", () => {
    const day = takeHours(loadScenario("ieee15"), 4);
    const [first] = publicScenario(day).prosumers;
    expect(new Set(first.fallback.mw).size).to.equal(1);
    expect(-4e6 * first.fallback.mw[0]).to.be.closeTo(first.rebateWh, 4);
    const stated = { mw: [-0.1, -0.2, -0.3, 0.1], mvar: [0, 0, 0, -0.05] };
    const own: Scenario = { ...day, prosumers: day.prosumers.map((p, i) => (i ? p : { ...p, fallback: stated })) };
    expect(publicScenario(own).prosumers[0].fallback).to.deep.equal(stated);
    expect(leaveOut(publicScenario(own), [first.id]).standing).to.deep.equal([
      { id: first.id, bus: first.bus, ...stated },
    ]);
    expect(takeHours(own, 2).prosumers[0].fallback).to.deep.equal({ mw: [-0.1, -0.2], mvar: [0, 0] });
    const short = {
      ...own,
      prosumers: own.prosumers.map((p, i) => (i ? p : { ...p, fallback: { mw: [0], mvar: [0] } })),
    };
    expect(scenarioFaults(short).map(({ field }) => field)).to.include("prosumers[0].fallback.mw.length");
    expect(() =>
      leaveOut(
        publicScenario(day),
        day.prosumers.map(({ id }) => id),
      ),
    ).to.throw(/nobody is left/);
  });
});
