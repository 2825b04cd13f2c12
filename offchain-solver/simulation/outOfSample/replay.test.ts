import { expect } from "chai";
import type { DeviceAnswers } from "../../market/result/solution.ts";
import type { Schedule } from "../../market/result/solution.ts";
import type { Market } from "../../market/scenario/market.ts";
import { replay } from "./replay.ts";

/** One household of 1 MW of wind, a battery that loses half each way and a generator, over two hours and one day. */
function household(errors: readonly number[], initialMw?: number): Market {
  return {
    hours: errors.length,
    dt: 1,
    halfWidth: Float64Array.from(errors, () => 2),
    sigma: errors.map(() => Float64Array.of(0.5)),
    prosumers: [
      {
        id: 7,
        renewable: { ratingMw: 1, source: 0 },
        load: {},
        battery: { powerMw: 2, minMwh: 0, maxMwh: 3, efficiency: 0.5 },
        generator: { minMw: 0, maxMw: 1, rampMwPerHour: 0.5, initialMw },
      },
    ],
    scenario: { uncertainty: { testErrors: errors.map((error) => [[error]]) } },
  } as unknown as Market;
}

const schedule = (of: Partial<Record<keyof Schedule, number[]>>): Schedule =>
  Object.fromEntries(Object.entries(of).map(([name, values]) => [name, Float64Array.from(values)])) as never;

/** A MW of need is the whole error here: K sigma = 1. */
const whole = (device: string, hours: number): DeviceAnswers =>
  new Map([[device, Array.from({ length: hours }, () => [{ buyer: 0, mw: 1 }])]]);

describe("replaying a held-out day", () => {
  // Charging 1 MW: half a MWh an hour is stored.
  const charging = schedule({ chargeMw: [1, 1], dischargeMw: [0, 0], storedMwh: [0.5, 1], generatorMw: [0.5, 0.5] });

  it("counts what a battery is off by with its true losses, from one clearing to the next", () => {
    const market = household([-1, -1]);
    // An error of -1 is answered by not charging: each hour .5 MWh are missing, so nothing is ever stored; that is
    // within the limits, and a tenth more of error is not: that tenth is drawn at 1/eta.
    const party = [{ schedule: charging, answers: whole("batteryUp", 2) }];
    expect(replay(market, party, 2)["stored energy"]).to.deep.equal({ looked: 2, broken: 0 });
    const { looked, broken, worst } = replay(household([-1.1, -1.1]), party, 2)["stored energy"];
    expect({ looked, broken }).to.deep.equal({ looked: 2, broken: 2 });
    expect(worst!.slice(0, 3)).to.deep.equal([7, 1, 0]);
    expect(worst![3]).to.be.closeTo(0.4, 1e-12);
    // Cleared again after an hour, only that hour's error counts: .5 + .5 - .7 MWh are there at the end of the second.
    expect(replay(household([-1.1, -1.1]), party, 1)["stored energy"].broken).to.equal(1);
  });

  it("looks at power and at ramps, and only where something is answered", () => {
    const idle = schedule({ chargeMw: [0, 0], dischargeMw: [0, 0], storedMwh: [1, 1], generatorMw: [0.5, 0.5] });
    const party = [{ schedule: idle, answers: whole("generatorUp", 2) }];
    const tallies = replay(household([0.4, -0.4]), party, 2);
    expect(tallies["generator power"]).to.deep.equal({ looked: 2, broken: 0 });
    expect(tallies.ramp.broken).to.equal(1);
    expect(tallies["stored energy"].looked + tallies["battery power"].looked).to.equal(0);
    expect(replay(household([0.6, 0.6]), party, 2)["generator power"].broken).to.equal(2);
    // Counted from what it ran at before, .4 MW below and .6 MW above what it runs at then.
    expect(replay(household([0.4, 0.4], 0.5), party, 2).ramp).to.deep.equal({ looked: 2, broken: 0 });
    const { looked, broken, worst } = replay(household([0.4, 0.4], 0.7), party, 2).ramp;
    expect([looked, broken, worst!.slice(0, 3)]).to.deep.equal([2, 1, [7, 0, 0]]);
    expect(worst![3]).to.be.closeTo(0.1, 1e-12);
  });
});
