import { expect } from "chai";
import { solveCentral } from "../clearing/central.ts";
import { createNetwork } from "../market/formulation/network.ts";
import type { Solution } from "../market/result/solution.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { withHeatPumps, withVehicles } from "../../test/support/homeDevices.ts";
import { loadScenario, takeHours } from "./loadScenario.ts";
import { stretchOf, withStretch, type Plans } from "./stretch.ts";

const HOURS = 9;
const CUTS = [
  { from: 0, to: 4 },
  { from: 4, to: 7 },
  { from: 7, to: HOURS },
];

/** Without generators, whose ramps would tie stretches by where each ends. */
const day: Scenario = (() => {
  const whole = withHeatPumps(withVehicles(takeHours(loadScenario("ieee15"), HOURS)));
  const plain = ({ generator: _, ...prosumer }: Prosumer): Prosumer => ({
    ...prosumer,
    load: { ...prosumer.load, flexibleShare: 0.1 },
  });
  return { ...whole, prosumers: whole.prosumers.map(plain) };
})();

/** Allowances are balanced over a session, so that the day's optimum is the stretches' only without them. */
function optimum(scenario: Scenario): { readonly objective: number; readonly solution: Solution } {
  const market = createMarket(scenario, { ...defaultSettings(scenario), carbon: false });
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result;
}

describe("stretches of a day", function () {
  this.timeout(300_000);
  const whole = optimum(day);
  let plans: Plans = whole.solution.schedules;
  const parts = CUTS.map((cut) => {
    const scenario = stretchOf(day, plans, cut);
    const { objective, solution } = optimum(scenario);
    plans = withStretch(plans, solution.schedules, cut.from);
    return { scenario, objective, solution };
  });

  it("come to the day's optimum, one after another", () => {
    const sum = parts.reduce((all, { objective }) => all + objective, 0);
    expect(Math.abs(sum / whole.objective - 1)).to.be.below(2e-6);
  });

  it("cost more where each has to end as it began: it is the plan that joins them", () => {
    const alone = CUTS.map((cut) => {
      const { prosumers, ...rest } = stretchOf(day, whole.solution.schedules, cut);
      const closed = prosumers.map(({ battery: _, ...one }, k): Prosumer => {
        const { battery } = day.prosumers[k];
        return battery === undefined ? one : { ...one, battery };
      });
      return optimum({ ...rest, prosumers: closed }).objective;
    });
    expect(alone.reduce((a, b) => a + b, 0)).to.be.above(whole.objective * (1 + 1e-5));
  });

  it("are sound scenarios that begin where the one before has ended", () => {
    let startMs = Date.parse(day.startUtc);
    for (const { scenario } of parts) {
      expect(scenarioFaults(scenario)).to.deep.equal([]);
      expect(Date.parse(scenario.startUtc)).to.equal(startMs);
      startMs += scenario.hours * 3_600_000;
    }
    for (const k of [1, 2])
      parts[k].scenario.prosumers.forEach(({ battery, heatPump }, i) => {
        const { storedMwh, heatMwh } = parts[k - 1].solution.schedules[i];
        if (battery) expect(Math.abs(battery.initialMwh - storedMwh.at(-1)!)).to.be.below(1e-9);
        if (heatPump) {
          const { lowC, storeMwhPerC, initialC } = heatPump;
          expect(Math.abs(initialC - lowC - heatMwh.at(-1)! / storeMwhPerC)).to.be.below(1e-6);
        }
      });
  });

  it("charge every car with what the day asks for, and move as much load in as out", () => {
    day.prosumers.forEach(({ vehicle }, i) => {
      const moved = Array.from(plans[i].flexibleMw).reduce((a, b) => a + b, 0);
      expect(Math.abs(moved)).to.be.below(1e-6);
      if (vehicle)
        Array.from(plans[i].chargedMwh).forEach((mwh, t) => {
          if (vehicle.powerMw[t] > 0) expect(mwh).to.be.within(vehicle.leastMwh[t] - 1e-7, vehicle.mostMwh[t] + 1e-7);
        });
    });
  });

  it("declare what the day declares: the feeder's connections are registered once", () => {
    const declared = (scenario: Scenario) =>
      publicScenario(scenario).prosumers.map(({ id, absorbVar, feedVar, sizeMw }) => [id, absorbVar, feedVar, sizeMw]);
    for (const { scenario } of parts) expect(declared(scenario)).to.deep.equal(declared(day));
  });
});

describe("a generator in stretches of a day", function () {
  this.timeout(60_000);
  /** With generators that take so many hours from nothing to full power. */
  const withRamps = (hours: number): Scenario => {
    const whole = takeHours(loadScenario("ieee15"), HOURS);
    const prosumers = whole.prosumers.map(({ generator, ...rest }): Prosumer => {
      return generator ? { ...rest, generator: { ...generator, rampMwPerHour: generator.maxMw / hours } } : rest;
    });
    return { ...whole, prosumers };
  };
  const free = (scenario: Scenario): Scenario => ({
    ...scenario,
    prosumers: scenario.prosumers.map(({ generator, ...rest }): Prosumer => {
      const { initialMw: _, ...other } = generator ?? {};
      return generator ? { ...rest, generator: other as typeof generator } : rest;
    }),
  });
  /** What each has by period, over all stretches, and what they cost. */
  function inStretches(slow: Scenario, change = (scenario: Scenario): Scenario => scenario) {
    const { objective: whole, solution } = optimum(slow);
    let plans: Plans = solution.schedules;
    let cost = 0;
    for (const cut of CUTS) {
      const { objective, solution: done } = optimum(change(stretchOf(slow, plans, cut)));
      plans = withStretch(plans, done.schedules, cut.from);
      cost += objective;
    }
    const beyond = slow.prosumers.flatMap(({ generator }, i) =>
      CUTS.slice(1).map(({ from }) => {
        const { generatorMw } = plans[i];
        return generator ? Math.abs(generatorMw[from] - generatorMw[from - 1]) - generator.rampMwPerHour : 0;
      }),
    );
    return { beyond: Math.max(...beyond), cost: cost / whole };
  }

  it("changes its power from one to the next no faster than within one; where no ramp binds that costs nothing", () => {
    for (const [hours, most] of [
      [16, 1.1],
      [1, 1 + 2e-6],
    ]) {
      const { beyond, cost } = inStretches(withRamps(hours));
      expect(beyond).to.be.below(1e-7);
      expect(cost).to.be.within(1 - 2e-6, most);
    }
  });

  it("would be asked for more than it can do if nobody told it where it stands", () => {
    expect(inStretches(withRamps(16), free).beyond).to.be.above(1e-3);
  });
});
