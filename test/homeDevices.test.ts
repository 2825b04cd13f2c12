import { expect } from "chai";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Prosumer } from "../offchain-solver/market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";
import { withHeatPumps, withVehicles } from "./support/homeDevices.ts";

type HeatPump = NonNullable<Prosumer["heatPump"]>;

/** Goes through the day with what the pump draws: what was there, less what is drawn and lost. */
function expectWarm(pump: HeatPump, drawsMw: Float64Array, dt: number): void {
  let degrees = pump.initialC;
  drawsMw.forEach((mw, t) => {
    const gained = (pump.cop[t] * mw - pump.drawnMw[t] + pump.lossMwPerC * pump.aroundC[t]) * dt;
    degrees = (pump.storeMwhPerC * degrees + gained) / (pump.storeMwhPerC + pump.lossMwPerC * dt);
    expect(mw).to.be.within(0, pump.powerMw + 1e-7);
    expect(degrees).to.be.within(pump.lowC - 1e-3, pump.highC + 1e-3);
  });
  expect(degrees).to.be.at.least(pump.initialC - 1e-3);
}

describe("a market with the devices of homes", function () {
  this.timeout(300_000);

  it("clears to the central optimum by agents, and its schedules keep to what each device needs", () => {
    const scenario = withHeatPumps(withVehicles(takeHours(loadScenario("ieee15"), 3)));
    const options = { market: defaultSettings(scenario), trade: true, rhoScale: 1, maxIterations: 2000 } as const;
    const central = clear(scenario, { ...options, method: "central" });
    const agents = clear(scenario, { ...options, method: "anderson" });
    expect([central.status, agents.status]).to.deep.equal(["solved", "solved"]);
    expect(agents.outcome!.objective / central.outcome!.objective).to.be.closeTo(1, 1e-4);
    for (const { solution } of [central.outcome!, agents.outcome!])
      scenario.prosumers.forEach(({ vehicle, heatPump }, i) => {
        if (heatPump !== undefined) expectWarm(heatPump, solution.schedules[i].heatPumpMw, scenario.periodHours);
        if (vehicle === undefined) return;
        const { vehicleMw } = solution.schedules[i];
        let charged = 0;
        vehicleMw.forEach((mw, t) => {
          charged += vehicle.efficiency * mw * scenario.periodHours;
          expect(mw).to.be.within(0, vehicle.powerMw[t] + 1e-7);
          expect(charged).to.be.within(vehicle.leastMwh[t] - 1e-7, vehicle.mostMwh[t] + 1e-7);
        });
      });
  });
});
