import { expect } from "chai";
import { solveCentral } from "../../clearing/central.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { clear } from "../../simulation/clear.ts";
import { createNetwork } from "../formulation/network.ts";
import { createMarket, defaultSettings } from "../scenario/market.ts";

describe("the band of a battery's stored energy", function () {
  this.timeout(60_000);
  const day = withSustain(takeHours(loadScenario("ieee15"), 4), 3);
  const market = createMarket(day, defaultSettings(day));
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);

  it("lies within its limits, and touches them where there is no more room", () => {
    let touched = 0;
    result.solution.schedules.forEach(({ storedMwh, band }, i) => {
      const { battery } = market.prosumers[i];
      expect(band === undefined, `prosumer ${i}`).to.equal(battery === undefined);
      if (battery === undefined || band === undefined) return;
      storedMwh.forEach((mwh, t) => {
        const room = [mwh - band.belowMwh[t] - battery.minMwh, battery.maxMwh - mwh - band.aboveMwh[t]];
        for (const one of room) expect(one).to.be.above(-1e-5);
        if (band.aboveMwh[t] > 1e-3 && Math.min(...room) < 1e-5) touched++;
        // What answering loses comes on top below.
        expect(band.belowMwh[t]).to.be.at.least(band.aboveMwh[t]);
      });
    });
    expect(touched).to.be.above(2);
  });

  it("is the same by agents, who know their own devices alone, and there is none by the hour", () => {
    const of = (scenario: typeof day) =>
      clear(scenario, {
        method: "anderson",
        trade: true,
        rhoScale: 1,
        maxIterations: 3000,
        market: defaultSettings(scenario),
      }).outcome!.solution.schedules;
    of(day).forEach(({ band, storedMwh }, i) =>
      result.solution.schedules[i].band?.aboveMwh.forEach((mwh, t) => {
        const other = result.solution.schedules[i];
        // The plans differ a little, since much of the trade costs the same either way; the upper edges less so.
        expect(band!.aboveMwh[t] + storedMwh[t]).to.be.closeTo(mwh + other.storedMwh[t], 0.02);
      }),
    );
    for (const { band } of of(withSustain(day, 0))) expect(band).to.equal(undefined);
  });
});
