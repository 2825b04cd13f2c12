import { expect } from "chai";
import { CHAIN_LIMITS } from "../codec/fits.ts";
import { scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { plannedSessions } from "./plannedSessions.ts";
import { SessionRefused } from "./refused.ts";

const day = takeHours(loadScenario("ieee15"), 4);
const most = (bytes: number) => ({ ...CHAIN_LIMITS, bytes });

describe("the sessions of a day whose processes know all of them beforehand", function () {
  this.timeout(60_000);

  it("are the day itself where it surely fits, and nobody clears it before", () => {
    const steps: string[] = [];
    expect(plannedSessions(day, (step) => void steps.push(step))).to.deep.equal([day]);
    expect(steps).to.deep.equal([]);
  });

  it("are the day itself where it is found to fit", () => {
    expect(plannedSessions(day, () => undefined, CHAIN_LIMITS)).to.deep.equal([day]);
  });

  it("follow each other where it does not, each from where the plan has left the batteries", () => {
    const steps: string[] = [];
    const parts = plannedSessions(day, (step) => void steps.push(step), most(3_600));
    expect(parts.length, steps.join("; ")).to.be.within(2, 4);
    expect(parts.reduce((sum, { hours }) => sum + hours, 0)).to.equal(4);
    let startMs = Date.parse(day.startUtc);
    parts.forEach((part, k) => {
      expect(Date.parse(part.startUtc)).to.equal(startMs);
      expect(scenarioFaults(part)).to.deep.equal([]);
      startMs += 3_600_000 * part.hours;
      if (k === 0) return;
      part.prosumers.forEach(({ battery }, i) => {
        const before = parts[k - 1].prosumers[i].battery;
        if (battery === undefined || before === undefined) return;
        // What the part before has to hold at its end is a hair below what the plan has.
        const apart = battery.initialMwh - before.finalMwh!;
        expect(apart).to.be.within(0, 2e-6 * (battery.maxMwh - battery.minMwh));
      });
    });
  });

  it("are refused where not even an hour fits", () => {
    expect(() => plannedSessions(day, () => undefined, most(700)))
      .to.throw(SessionRefused)
      .with.property("message")
      .match(/does not fit one transaction: \d+ bytes/);
  });
});
