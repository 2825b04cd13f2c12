import { expect } from "chai";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { solveCentral } from "../../clearing/central.ts";
import { loadScenario } from "../../scenarios/loadScenario.ts";
import { takePeriods } from "../../scenarios/periods.ts";
import { createMarket, defaultSettings } from "../scenario/market.ts";
import type { Prosumer, Scenario } from "../scenario/scenario.ts";
import { scenarioFaults } from "../scenario/scenarioFaults.ts";
import { heatPump } from "./heatPump.ts";

type HeatPump = NonNullable<Prosumer["heatPump"]>;

const day = loadScenario("ieee15");
const hourly = (of: (t: number) => number): number[] => Array.from({ length: 24 }, (_, t) => of(t));

/** 300 litres between 45 and 55 degrees, 8 kWh of heat drawn in the morning and in the evening. */
const TANK: HeatPump = {
  powerMw: 0.002,
  cop: hourly(() => 3),
  storeMwhPerC: 0.00035,
  lossMwPerC: 0.000002,
  aroundC: hourly(() => 20),
  drawnMw: hourly((t) => (t === 7 || t === 19 ? 0.002 : t === 8 || t === 20 ? 0.002 : 0)),
  lowC: 45,
  highC: 55,
  initialC: 50,
};

const homeWith = (pump: HeatPump | undefined): Scenario => ({
  ...day,
  pairs: [],
  prosumers: [
    { ...day.prosumers[0], generator: undefined, renewable: undefined, battery: undefined, heatPump: pump } as Prosumer,
  ],
  uncertainty: { ...day.uncertainty, uncertain: [], factor: day.uncertainty.factor.map(() => []) },
});

function solved(pump: HeatPump | undefined) {
  const scenario = homeWith(pump);
  const market = createMarket(scenario, { ...defaultSettings(scenario), carbon: false, risk: "deterministic" });
  const result = solveCentral(market, undefined, clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result;
}

describe("a heat pump", () => {
  it("keeps its store in the band at less than a thermostat costs, and as warm as it found it", () => {
    const { objective, solution } = solved(TANK);
    const { heatPumpMw, heatMwh } = solution.schedules[0];
    const paid = heatPumpMw.reduce((sum, mw, t) => sum + mw * day.tariff.buyPerMwh[t], 0);
    expect(objective - solved(undefined).objective).to.be.closeTo(paid, 1e-6);
    const thermostat = heatPump.unplannedMw!(TANK, { hours: 24, dt: 1 }, { heatPumpMw, heatMwh });
    const unplanned = thermostat.reduce((sum, mw, t) => sum - mw * day.tariff.buyPerMwh[t], 0);
    expect(paid).to.be.below(0.97 * unplanned);
    // Heat that came in is in the store, drawn or lost.
    let degrees = TANK.initialC;
    let lost = 0;
    heatPumpMw.forEach((_, t) => {
      degrees = TANK.lowC + heatMwh[t] / TANK.storeMwhPerC;
      expect(degrees).to.be.within(45 - 1e-4, 55 + 1e-4);
      lost += TANK.lossMwPerC * (degrees - 20);
    });
    expect(degrees).to.be.closeTo(50, 1e-3);
    const heat = 3 * heatPumpMw.reduce((a, b) => a + b);
    expect(heat).to.be.closeTo(0.008 + lost, 1e-7);
  });

  it("cut short of the time to get warm again keeps to its band, and no more is asked of it", () => {
    const weak = { ...TANK, powerMw: 0.0005 };
    expect(scenarioFaults(takePeriods(homeWith(weak), 9))).to.deep.equal([]);
    const scenario = takePeriods(homeWith(weak), 9);
    const market = createMarket(scenario, { ...defaultSettings(scenario), carbon: false, risk: "deterministic" });
    expect(solveCentral(market, undefined, clarabelSolver).status).to.equal("solved");
  });

  const wrong: readonly (readonly [name: string, change: Partial<HeatPump>, says: RegExp])[] = [
    ["too little power", { powerMw: 0.00001 }, /powerMw = 0.00001: cannot keep lowC = 45: .* °C in period \d/],
    ["a band upside down", { lowC: 60 }, /lowC = 60: must be below highC = 55/],
    ["a start outside the band", { initialC: 20 }, /initialC = 20: is outside \[45, 55\]/],
    ["a summer that is too warm", { aroundC: hourly(() => 900) }, /aroundC\[\d+\] = 900: warms it to .* above highC/],
    ["a series too short", { cop: [3] }, /heatPump.cop.length = 1: must be hours = 24/],
  ];
  for (const [name, change, says] of wrong)
    it(`is refused with ${name}`, () => {
      const faults = scenarioFaults(homeWith({ ...TANK, ...change }));
      expect(faults.map(({ field, value, reason }) => `${field} = ${String(value)}: ${reason}`).join("\n")).to.match(
        says,
      );
    });
});
