import { expect } from "chai";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { leaveOut } from "../offchain-solver/market/scenario/leaveOut.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import { scenarioFaults } from "../offchain-solver/market/scenario/scenarioFaults.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { splitHours } from "../offchain-solver/scenarios/periods.ts";
import { withRadii } from "../offchain-solver/scenarios/withRadii.ts";
import { withSustain } from "../offchain-solver/scenarios/withSustain.ts";
import { clear, type ClearMethod } from "../offchain-solver/simulation/clear.ts";

function objectiveOf(scenario: Scenario, method: ClearMethod): number {
  const session = clear(scenario, {
    method,
    trade: true,
    rhoScale: 1,
    maxIterations: 3000,
    market: defaultSettings(scenario),
    reserve: "joint",
  });
  if (session.outcome === undefined) throw new Error(`${method}: ${session.reason}`);
  return session.outcome.objective;
}

/** Variance of a source's error over the fitted days of a period. */
function fitted(day: Scenario, t: number, s: number): number {
  const values = day.uncertainty.fitErrors[t].map((row) => row[s]);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / (values.length - 1);
}

describe("reserve that can be delivered", function () {
  this.timeout(300_000);
  const day = takeHours(loadScenario("ieee15"), 4);

  it("costs the same distributed as at once, and more than reserve by the hour", () => {
    const lasting = withSustain(day, 24);
    const [central, distributed] = [objectiveOf(lasting, "central"), objectiveOf(lasting, "anderson")];
    expect(Math.abs(distributed / central - 1)).to.be.below(1e-5);
    expect(objectiveOf(day, "central")).to.be.below(central * (1 - 1e-4));
  });

  it("keeps every source's variance, and never promises more than perfect correlation in time", () => {
    const whole = withSustain(loadScenario("ieee15"), 24);
    const { days, persistent, lag } = whole.uncertainty.joint!;
    expect(lag[0]).to.equal(0);
    for (const value of lag.slice(1)) expect(value).to.be.within(0.3, 1);
    for (const t of [0, 7, 12, 18])
      whole.uncertainty.sources.forEach((_, s) => {
        const square = (rows: readonly (readonly number[])[]): number =>
          rows.reduce((sum, row) => sum + row[s] ** 2, 0);
        const kept = square(days[t]) + square(persistent[t]);
        if (kept > 0) expect(kept / fitted(whole, t, s)).to.be.closeTo(1, 1e-6);
      });
  });

  it("goes with the scenario: cut, split into periods, and without those who are left out", () => {
    const lasting = withSustain(day, 2);
    expect(scenarioFaults(takeHours(lasting, 2))).to.deep.equal([]);
    const quarters = splitHours(lasting, 15);
    expect(scenarioFaults(quarters)).to.deep.equal([]);
    const { lag } = quarters.uncertainty.joint!;
    // An error is the same in all quarters of an hour.
    expect(lag.map((value) => value === 1)).to.deep.equal(lag.map((_, t) => t % 4 !== 0));
    const open = publicScenario(lasting);
    const [first] = open.uncertainty.uncertain;
    const { joint, uncertain } = leaveOut(open, [first]).uncertainty;
    expect(joint!.ratingMw).to.have.length(uncertain.length);
    expect(joint!.ratingMw).to.deep.equal(open.uncertainty.joint!.ratingMw.slice(1));
  });

  it("is refused where its law is missing, of another length, or only known by the hour", () => {
    const lasting = withSustain(day, 2);
    const { joint, ...without } = lasting.uncertainty;
    expect(scenarioFaults({ ...lasting, uncertainty: without })[0]).to.include({ field: "risk.sustainHours" });
    const short = { ...lasting, uncertainty: { ...without, joint: { ...joint!, lag: [0] } } };
    expect(scenarioFaults(short)[0].field).to.equal("uncertainty.joint.lag.length");
    const none = { ...lasting, uncertainty: { ...without, joint: { ...joint!, source: [] } } };
    expect(scenarioFaults(none)[0].field).to.equal("uncertainty.joint.source.length");
    expect(() => withSustain(withRadii(day, true), 2)).to.throw("--sustain 2: radii of estimated moments");
    expect(withSustain(lasting, 0)).to.deep.equal(day);
  });
});
