import { expect } from "chai";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { takeHours } from "../scenarios/periods.ts";
import { ALLOWANCES, COMMODITIES } from "../market/result/commodities.ts";
import { SUMS } from "./layout.ts";
import { DEFAULT_SETTINGS, forTradeGraph, residualRatios } from "./settings.ts";

/** Residual sums with one commodity filled in: n, |y|^2, |z|^2, |y-z|^2, |dual residual|^2, |rho u|^2. */
const sumsOf = (commodity: number, sums: readonly number[]): Float64Array => {
  const out = new Float64Array(SUMS * COMMODITIES.length);
  out.set(sums, SUMS * commodity);
  return out;
};

describe("residual rule", () => {
  it("compares norm(y - z) with sqrt(n) 1e-6 + 1e-5 of the larger norm", () => {
    const { primal, dual } = residualRatios(sumsOf(2, [4, 9, 16, 1e-6, 0, 0]), DEFAULT_SETTINGS);
    expect(primal).to.be.closeTo(1e-3 / (2e-6 + 4e-5), 1e-9);
    expect(dual).to.equal(0);
  });

  it("compares norm(rho (y - z)) with sqrt(n) 1e-4 + 1e-5 of the prices", () => {
    const { primal, dual } = residualRatios(sumsOf(0, [9, 0, 0, 0, 0.04, 2500]), DEFAULT_SETTINGS);
    expect(primal).to.equal(0);
    expect(dual).to.be.closeTo(0.2 / (3e-4 + 5e-4), 1e-9);
  });

  it("takes the worst commodity, and none where there is nothing", () => {
    const sums = sumsOf(1, [1, 0, 0, 1e-8, 0, 0]);
    sums.set(sumsOf(4, [1, 0, 0, 1e-12, 1e-6, 0]).subarray(SUMS * 4), SUMS * 4);
    const { primal, dual } = residualRatios(sums, DEFAULT_SETTINGS);
    expect(primal).to.be.closeTo(1e-4 / 1e-6, 1e-6);
    expect(dual).to.be.closeTo(1e-3 / 1e-4, 1e-6);
    expect(residualRatios(new Float64Array(SUMS * COMMODITIES.length), DEFAULT_SETTINGS)).to.deep.equal({
      primal: 0,
      dual: 0,
    });
  });
});

describe("settings on a trade graph", () => {
  const { scenario } = createMarket(loadScenario("ieee15"), defaultSettings(loadScenario("ieee15")));
  const graph = (prosumers: number, pairs: number, given: Scenario = scenario) =>
    ({ prosumers: Array(prosumers), pairs: Array(pairs), scenario: given }) as never;

  it("pull a nearby warm start towards half of what was traded, where few may trade towards nearly all of it", () => {
    const centre = (market: never) => forTradeGraph(DEFAULT_SETTINGS, market).acceleration.vanishing.centre;
    expect(centre(graph(4, 6))).to.equal(0.5);
    expect(centre(graph(9, 4))).to.be.closeTo(1 - 1 / 18, 1e-12);
  });

  it("take rho as given where everybody may trade with everybody, less where few may, least for allowances", () => {
    expect(forTradeGraph(DEFAULT_SETTINGS, graph(4, 6)).rho).to.deep.equal(DEFAULT_SETTINGS.rho);
    // 4 of 36 pairs: a third of the way by the root.
    const sparse = forTradeGraph(DEFAULT_SETTINGS, graph(9, 4)).rho;
    expect(sparse[0]).to.be.closeTo((DEFAULT_SETTINGS.rho[0] * 2) / 3, 1e-12);
    expect(sparse[1]).to.be.closeTo((DEFAULT_SETTINGS.rho[1] * 2) / 9, 1e-12);
    expect(forTradeGraph(DEFAULT_SETTINGS, graph(4, 0)).rho).to.deep.equal(DEFAULT_SETTINGS.rho);
  });

  it("hold an allowance to its own price and horizon, and nothing else", () => {
    const { tariff, carbon } = scenario;
    const times = (values: readonly number[], by: number) => values.map((value) => value * by);
    const priced = (energy: number, desk: number): Scenario => ({
      ...scenario,
      tariff: { ...tariff, buyPerMwh: times(tariff.buyPerMwh, energy), sellPerMwh: times(tariff.sellPerMwh, energy) },
      carbon: { ...carbon, deskBuyPerT: desk * carbon.deskBuyPerT, deskSellPerT: desk * carbon.deskSellPerT },
    });
    const rho = (given: Scenario): Float64Array => forTradeGraph(DEFAULT_SETTINGS, graph(4, 6, given)).rho;
    const cases: [Scenario, number][] = [
      [priced(150, 150), 1],
      [priced(1, 0.02), 0.02],
      [priced(0.1, 2), 20],
      // A quarter of the horizon, and 35 $/MWh in the middle where the day has 50.
      [takeHours(scenario, 6), 4 / 0.7],
      [priced(1, 0), 1e-3],
      [priced(1e-9, 1), 1e3],
    ];
    for (const [given, factor] of cases) {
      const scaled = DEFAULT_SETTINGS.rho.map((value, c) => (c === ALLOWANCES ? value * factor : value));
      rho(given).forEach((value, c) => expect(value / scaled[c], COMMODITIES[c]).to.be.closeTo(1, 1e-9));
    }
  });
});
