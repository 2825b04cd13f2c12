import { expect } from "chai";
import { capabilityOf, withCapabilities } from "./capability.ts";
import type { Prosumer } from "./scenario.ts";

const home = (mvarPerMw: number, reactiveMvar = 0): Prosumer => ({
  id: 1,
  bus: 2,
  load: { fixedMw: [0.002, 0.004, 0.001], mvarPerMw, flexibleShare: 0.25, discomfort: 0 },
  renewable: { kind: "pv", ratingMw: 0.01, source: 0, forecastMw: [], actualMw: [], reactiveMvar },
  reserveUpPerMw: 0,
  reserveDownPerMw: 0,
});

describe("the reactive power a connection is registered for", () => {
  it("is what its peak draws by its power factor, and nothing the other way", () => {
    // 4 kW at their peak, 5 kW with what can be moved there, half a var a watt; ten var for rounding.
    expect(capabilityOf(home(0.5))).to.deep.equal({ absorbVar: 2_510, feedVar: 10 });
    expect(capabilityOf(home(-0.5))).to.deep.equal({ absorbVar: 10, feedVar: 2_510 });
  });

  it("is what was declared, and for several sessions the most that one of them needs", () => {
    expect(capabilityOf({ ...home(0.5), absorbVar: 7, feedVar: 8 })).to.deep.equal({ absorbVar: 7, feedVar: 8 });
    const days = withCapabilities([{ prosumers: [home(0.5)] }, { prosumers: [home(-0.5)] }]);
    for (const { prosumers } of days)
      expect(capabilityOf(prosumers[0])).to.deep.equal({ absorbVar: 2_510, feedVar: 2_510 });
  });

  it("has what devices can do both ways on top", () => {
    expect(capabilityOf(home(0.5, 0.003))).to.deep.equal({ absorbVar: 5_510, feedVar: 3_010 });
    const generator = {
      minMw: 0,
      maxMw: 1,
      rampMwPerHour: 1,
      costA: 0,
      costB: 0,
      emissionTPerMwh: 0,
      reactiveMvar: 0.001,
    };
    expect(capabilityOf({ ...home(0, 0.003), generator })).to.deep.equal({ absorbVar: 4_010, feedVar: 4_010 });
  });
});
