import { expect } from "chai";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import type { Schedule } from "../market/result/solution.ts";
import { answeredBy, standingDay } from "./devices.ts";

const day: Scenario = takeHours(loadScenario("ieee15"), 3);
/** A home whose load and sun are told, with neither battery nor generator. */
const home = (also: Partial<Prosumer>): Prosumer => {
  const { generator: _, battery: __, ...one } = day.prosumers[0];
  return { ...one, load: { ...one.load, fixedMw: [0.003, 0.001, 0.002] }, renewable: undefined, ...also } as Prosumer;
};

describe("a home that took no part", () => {
  it("draws its load and feeds in what its sun gave, whatever was forecast", () => {
    const sun = { ...day.prosumers[0].renewable!, forecastMw: [0, 0.001, 0.005], actualMw: [0, 0.0025, 0.001] };
    const { meteredWh, renewableWh } = standingDay(home({ renewable: sun }), day);
    expect(meteredWh).to.deep.equal([[-3000, 1500, -1000]]);
    expect(renewableWh).to.deep.equal([[0, 2500, 1000]]);
  });

  it("draws what its load was where that is known", () => {
    const { load } = home({});
    const { meteredWh } = standingDay(home({ load: { ...load, actualMw: [0.004, 0, 0.002] } }), day);
    expect(meteredWh).to.deep.equal([[-4000, 0, -2000]]);
  });

  it("charges its car and heats: a meter counts them, market or none", () => {
    const car = {
      ...{ powerMw: [0.011, 0.011, 0.011], efficiency: 1 },
      ...{ leastMwh: [0, 0, 0.015], mostMwh: [0.015, 0.015, 0.015] },
    };
    // What is lost, .5 kW of heat, at 2.5 of heat a unit.
    const pump = {
      ...{ powerMw: 0.002, cop: [2.5, 2.5, 2.5], storeMwhPerC: 1, lossMwPerC: 0.000025, aroundC: [20, 20, 20] },
      ...{ drawnMw: [0, 0, 0], lowC: 35, highC: 45, initialC: 40 },
    };
    expect(standingDay(home({ vehicle: car }), day).meteredWh).to.deep.equal([[-14_000, -5000, -2000]]);
    expect(standingDay(home({ heatPump: pump }), day).meteredWh).to.deep.equal([[-3200, -1200, -2200]]);
    expect(standingDay(home({ vehicle: car, heatPump: pump }), day).meteredWh).to.deep.equal([[-14_200, -5200, -2200]]);
  });
});

describe("a home that took part", () => {
  const nothing = { plannedWh: [0, 0, 0], renewableWh: [0, 0, 0] };
  const metered = (actualMw: number[] | undefined, flexibleMw: number[]): readonly number[] => {
    const one = home({});
    const pMw = one.load.fixedMw.map((mw, t) => -mw - flexibleMw[t]);
    const idle = { generatorMw: [0, 0, 0], chargeMw: [0, 0, 0], dischargeMw: [0, 0, 0] };
    const own = { ...one, load: { ...one.load, ...(actualMw && { actualMw }) } };
    return answeredBy(own, { ...idle, pMw, flexibleMw } as unknown as Schedule, nothing, [0, 0, 0], 1).meteredWh;
  };

  it("draws what its load was beside the forecast, and what it moved", () => {
    expect(metered(undefined, [0, 0, 0])).to.deep.equal([-3000, -1000, -2000]);
    expect(metered([0.004, 0, 0.002], [0, 0, 0])).to.deep.equal([-4000, 0, -2000]);
    expect(metered([0.004, 0.001, 0.002], [0.0005, 0, -0.0005])).to.deep.equal([-4500, -1000, -1500]);
  });

  it("feeds no load in where less was drawn than was to be moved away", () => {
    expect(metered([0.0001, 0.001, 0.002], [-0.0005, 0, 0.0005])).to.deep.equal([0, -1000, -2500]);
  });
});
