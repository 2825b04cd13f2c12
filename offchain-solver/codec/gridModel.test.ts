import { expect } from "chai";
import type { Feeder } from "../grid/feeder.ts";
import * as Grid from "./gridModel.ts";

const street = (ratingMva: number | null): Feeder => ({
  name: "two",
  source: "made up for a test",
  baseMva: 1,
  baseKv: 11,
  buses: [1, 2].map((bus) => ({ bus, loadMw: 0, loadMvar: 0, vMinPu: 0.9, vMaxPu: 1.1 })),
  branches: [{ from: 1, to: 2, rPu: 0.05, xPu: 0.1, ratingMva }],
});
const ratingOf = (ratingMva: number | null): bigint => {
  const model = Grid.fromFeeder(street(ratingMva), [{ id: 1, bus: 2, absorbVar: 0xa1b2c3, feedVar: 0xffffff }]);
  expect(Grid.decode(Grid.encode(model))).to.deep.equal(model);
  return model.branches[0].rating;
};

describe("reactive power in the grid model", () => {
  it("has three bytes each way, and refuses more", () => {
    const bytes = Grid.encode(
      Grid.fromFeeder(street(null), [{ id: 7, bus: 2, absorbVar: 0x010203, feedVar: 0x040506 }]),
    );
    expect([...bytes.subarray(-12)]).to.deep.equal([0, 0, 0, 7, 0, 1, 1, 2, 3, 4, 5, 6]);
    for (const beyond of [
      { absorbVar: 2 ** 24, feedVar: 0 },
      { absorbVar: 0, feedVar: 2 ** 24 },
    ])
      expect(() => Grid.fromFeeder(street(null), [{ id: 7, bus: 2, ...beyond }])).to.throw("prosumer 7: 16777216 var");
  });
});

describe("ratings of the grid model", () => {
  it("no rating, and one too large for its field, are unlimited on chain", () => {
    for (const rating of [null, 1.2e6, 1e10, 1e300]) expect(ratingOf(rating)).to.equal(Grid.UNLIMITED);
  });

  it("a rating that fits is the 12-gon's apothem in W, plus the tolerance", () => {
    // cos 15 degrees = 0.9659258...
    expect(ratingOf(2)).to.equal(1_931_852n + 10n);
    expect(ratingOf(1e6) < Grid.UNLIMITED).to.equal(true);
  });
});
