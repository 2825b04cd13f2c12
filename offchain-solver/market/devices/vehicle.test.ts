import { expect } from "chai";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { solveCentral } from "../../clearing/central.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { splitHours, takePeriods } from "../../scenarios/periods.ts";
import { createMarket, defaultSettings } from "../scenario/market.ts";
import type { Prosumer, Scenario } from "../scenario/scenario.ts";
import { vehicle } from "./vehicle.ts";
import { scenarioFaults } from "../scenario/scenarioFaults.ts";

type Vehicle = NonNullable<Prosumer["vehicle"]>;

const day = takeHours(loadScenario("ieee15"), 24);
/** One home alone with its load: what it pays for a car is the tariff's. */
const homeWith = (car: Vehicle | undefined): Scenario => ({
  ...day,
  pairs: [],
  prosumers: [
    { ...day.prosumers[0], generator: undefined, renewable: undefined, battery: undefined, vehicle: car } as Prosumer,
  ],
  uncertainty: { ...day.uncertainty, uncertain: [], factor: day.uncertainty.factor.map(() => []) },
});

function solved(car: Vehicle | undefined) {
  const scenario = homeWith(car);
  const market = createMarket(scenario, { ...defaultSettings(scenario), carbon: false, risk: "deterministic" });
  const result = solveCentral(market, undefined, clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result;
}

/** Two stays: until 7, 20 kWh; from 18, of 30 kWh until the next morning what cannot wait. */
const CAR: Vehicle = {
  powerMw: Array.from({ length: 24 }, (_, t) => (t < 7 || t >= 18 ? 0.011 : 0)),
  efficiency: 0.9,
  leastMwh: Array.from({ length: 24 }, (_, t) => (t < 6 ? 0 : t < 23 ? 0.02 : 0.025)),
  mostMwh: Array.from({ length: 24 }, (_, t) => (t < 18 ? 0.02 : 0.05)),
};

describe("an electric car", () => {
  it("is charged in the cheapest periods that it stands there, and by the time it leaves", () => {
    const { buyPerMwh } = day.tariff;
    /** The cheapest periods of a stay first: another way to the optimum of one home by itself. */
    const cheapest = (from: number, until: number, mwh: number): number => {
      let [left, cost] = [mwh / CAR.efficiency, 0];
      for (const price of buyPerMwh.slice(from, until).sort((a, b) => a - b)) {
        const taken = Math.min(left, 0.011);
        [left, cost] = [left - taken, cost + taken * price];
      }
      return cost;
    };
    const { objective, solution } = solved(CAR);
    const expected = cheapest(0, 7, 0.02) + cheapest(18, 24, 0.005);
    expect(objective - solved(undefined).objective).to.be.closeTo(expected, 1e-6);
    const { vehicleMw, chargedMwh } = solution.schedules[0];
    let charged = 0;
    vehicleMw.forEach((mw, t) => {
      charged += CAR.efficiency * mw;
      expect(mw).to.be.at.most(CAR.powerMw[t] + 1e-9);
      expect(charged).to.be.within(CAR.leastMwh[t] - 1e-8, CAR.mostMwh[t] + 1e-8);
      expect(chargedMwh[t]).to.be.closeTo(charged, 1e-8);
    });
  });

  it("that nobody plans draws as much in each stay, at full power from when it comes", () => {
    const { vehicleMw, chargedMwh } = solved(CAR).solution.schedules[0];
    const unplanned = vehicle.unplannedMw!(CAR, { hours: 24, dt: 1 }, { vehicleMw, chargedMwh });
    const sum = (values: ArrayLike<number>, from: number, until: number): number =>
      Array.from(values)
        .slice(from, until)
        .reduce((a, b) => a + b, 0);
    for (const [from, until] of [
      [0, 7],
      [7, 18],
      [18, 24],
    ])
      expect(sum(unplanned, from, until)).to.be.closeTo(-sum(vehicleMw, from, until), 1e-12);
    expect(unplanned.slice(0, 2)).to.deep.equal([-0.011, -0.011]);
    expect(unplanned.slice(19, 24).every((mw) => mw === 0)).to.equal(true);
  });

  it("of which nobody has a plan draws what it has room for, at full power from when it comes", () => {
    const dt = 0.5;
    const powerMw = [0, 0.01, 0.01, 0.01, 0, 0.01, 0.01];
    const mostMwh = [0, 0.006, 0.006, 0.006, 0.006, 0.014, 0.014];
    const car = { powerMw, efficiency: 0.8, leastMwh: mostMwh.map(() => 0), mostMwh };
    const drawn = vehicle.unplannedMw!(car, { hours: 7, dt });
    // 6 kWh at .8 are 7.5 of the charger's: 5 in half an hour, then 2.5; 8 kWh are 10.
    [0, -0.01, -0.005, 0, 0, -0.01, -0.01].forEach((mw, t) => expect(drawn[t]).to.be.closeTo(mw, 1e-15));
  });

  const wrong: readonly (readonly [name: string, change: Partial<Vehicle>, says: RegExp])[] = [
    ["more than its charger can give", { powerMw: CAR.powerMw.map((mw) => mw / 5) }, /leastMwh\[6\] = 0.02: cannot be/],
    [
      "a need that falls",
      { leastMwh: CAR.leastMwh.with(20, 0.001) },
      /leastMwh\[20\] = 0.001: is below the one before/,
    ],
    ["a need above what it can take", { mostMwh: CAR.mostMwh.with(6, 0.01) }, /leastMwh\[6\] = 0.02: is above most/],
    ["a need while it is away", { leastMwh: CAR.leastMwh.with(6, 0) }, /leastMwh\[7\] = 0.02: rises while there/],
    ["a series too short", { powerMw: [0.1] }, /vehicle.powerMw.length = 1: must be hours = 24/],
  ];
  for (const [name, change, says] of wrong)
    it(`is refused with ${name}`, () => {
      const faults = scenarioFaults(homeWith({ ...CAR, ...change }));
      expect(faults.map(({ field, value, reason }) => `${field} = ${String(value)}: ${reason}`).join("\n")).to.match(
        says,
      );
    });

  it("can be charged in a day cut short and in quarter-hours: its needs are by the hour's end", () => {
    expect(scenarioFaults(takePeriods(homeWith(CAR), 7))).to.deep.equal([]);
    const quarters = splitHours(homeWith(CAR), 15);
    expect(scenarioFaults(quarters)).to.deep.equal([]);
    const { leastMwh } = quarters.prosumers[0].vehicle!;
    expect(leastMwh.slice(24, 28)).to.deep.equal([0, 0, 0, 0.02]);
  });
});
