import { expect } from "chai";
import * as Grid from "../offchain-solver/codec/gridModel.ts";
import { FeederSchema } from "../offchain-solver/grid/feeder.ts";
import type { Feeder } from "../offchain-solver/grid/feeder.ts";
import { importMatpower } from "../offchain-solver/grid/matpower/matpower.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { loadFeeder, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear } from "../offchain-solver/simulation/clear.ts";

const rated = (ratings: (mva: number) => number | null): Feeder => {
  const feeder = loadFeeder("case15da");
  return { ...feeder, branches: feeder.branches.map((row) => ({ ...row, ratingMva: ratings(row.ratingMva!) })) };
};
const day = (feeder: Feeder) => takeHours(populate(feeder, 8, 3), 2);
const cleared = (feeder: Feeder) => {
  const scenario = day(feeder);
  const market = defaultSettings(scenario);
  return clear(scenario, { method: "central", trade: true, rhoScale: 1, maxIterations: 1, market });
};

describe("a branch without a rating", function () {
  this.timeout(300_000);
  const free = rated(() => null);

  it("is null in every case that calls it 0, Inf or a terawatt, and survives JSON", () => {
    for (const rating of ["0", "Inf", "1e6", "1e10"]) {
      const { feeder } = importMatpower(`mpc.version = '2'; mpc.baseMVA = 1;
        mpc.bus = [1 3 0 0 0 0 1 1 0 20 1 1.1 .9; 2 1 .3 .1 0 0 1 1 0 20 1 1.1 .9];
        mpc.gen = [1 0 0 9 -9 1 1 1 9 0]; mpc.branch = [1 2 .005 .006 0 ${rating} 0 0 0 0 1 -360 360];`);
      expect(FeederSchema.parse(JSON.parse(JSON.stringify(feeder))).branches[0].ratingMva).to.equal(null);
    }
  });

  it("has no limit in the formulation, in the sweep and on chain", () => {
    const scenario = day(free);
    const network = createNetwork(createMarket(scenario, defaultSettings(scenario)));
    const limits = network.upper.subarray(network.buses);
    expect(limits).to.have.length(6 * 14);
    expect([...limits].every(Number.isNaN)).to.equal(true);
    const { branches } = Grid.fromFeeder(scenario.feeder, []);
    expect(branches.every(({ rating }) => rating === Grid.UNLIMITED)).to.equal(true);
  });

  it("clears as one with a rating that nothing reaches", () => {
    const [without, wide] = [cleared(free), cleared(rated(() => 999_999))];
    expect([without.status, wide.status]).to.deep.equal(["solved", "solved"]);
    expect(without.outcome!.objective).to.be.closeTo(wide.outcome!.objective, 1e-5);
  });

  it("clears cheaper than one whose rating binds", () => {
    const [without, tight] = [cleared(free), cleared(rated((mva) => mva / 4))];
    expect(tight.outcome!.objective).to.be.above(without.outcome!.objective + 0.01);
  });
});
