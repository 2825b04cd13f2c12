import { expect } from "chai";
import { defaultSettings } from "../market/scenario/market.ts";
import { createNetwork } from "../market/formulation/network.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { acHeldOut, acMargin, clearTightened, passes } from "./acMargin.ts";
import { clear, type ClearOptions } from "./clear.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";

const scenario = takeHours(loadScenario("ieee15"), 3);
const options: ClearOptions = {
  method: "central",
  trade: true,
  rhoScale: 1,
  maxIterations: 1,
  market: defaultSettings(scenario),
};
/** The same feeder with a floor that its voltages come close to. */
const narrow = (vMinPu: number, vMaxPu = 1.1): Scenario => ({
  ...scenario,
  feeder: { ...scenario.feeder, buses: scenario.feeder.buses.map((bus) => ({ ...bus, vMinPu, vMaxPu })) },
});

describe("margins in AC", function () {
  this.timeout(300_000);

  it("are kept on the default day without tightening", () => {
    const { tightening, measured } = clearTightened(scenario, options, createNetwork);
    expect(tightening).to.deep.equal({ voltagePu: 0, ratingShare: 0 });
    expect(measured.length).to.equal(1);
    expect(passes(measured[0])).to.equal(true);
    expect(measured[0].voltageErrorPu).to.be.within(1e-4, 0.018);
  });

  it("are won back by what the sweep found missing", () => {
    const day = narrow(0.99);
    const plain = clear(day, options);
    if (plain.outcome === undefined) throw new Error(plain.reason);
    const before = acMargin(plain.market, createNetwork(plain.market), plain.outcome.solution);
    expect(before.voltageBeyondPu).to.be.above(1e-3);
    const { session, tightening, measured } = clearTightened(day, options, createNetwork);
    expect(passes(measured[measured.length - 1])).to.equal(true);
    expect(tightening.voltagePu).to.be.within(before.voltageBeyondPu, before.voltageErrorPu);
    expect(session.outcome?.objective).to.be.above(plain.outcome.objective);
  });

  it("that nothing can win back end as infeasible, with what was tried", () => {
    const { session } = clearTightened(narrow(0.998, 1.002), options, createNetwork);
    expect(session.outcome).to.equal(undefined);
    expect(session.reason).to.match(/tightened by \d/);
  });

  it("hold on held-out days where the network was known, and not where it was not", () => {
    const beyond = [true, false].map((network) => {
      const session = clear(scenario, { ...options, market: { ...options.market, network } });
      if (session.outcome === undefined) throw new Error(session.reason);
      return acHeldOut(session.market, createNetwork(session.market), session.outcome.solution);
    });
    expect(beyond[0].states).to.equal(3 * 28);
    expect(beyond[0].beyond).to.be.below(0.05 * beyond[0].states);
    expect(beyond[1].beyond).to.be.above(0.3 * beyond[1].states);
  });
});
