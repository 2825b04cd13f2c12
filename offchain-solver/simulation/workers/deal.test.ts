import { expect } from "chai";
import { deal } from "./deal.ts";

describe("dealing out", () => {
  it("gives every item to one hand, and no hand more than the lightest by what one item weighs", () => {
    const weights = Array.from({ length: 40 }, (_, k) => 1 + ((k * 37) % 41));
    for (const hands of [1, 2, 3, 7]) {
      const dealt = deal(weights, hands);
      expect(dealt.flat().sort((a, b) => a - b)).to.deep.equal(weights.map((_, k) => k));
      const loads = dealt.map((items) => items.reduce((sum, k) => sum + weights[k], 0));
      expect(Math.max(...loads) - Math.min(...loads)).to.be.at.most(Math.max(...weights));
    }
  });

  it("puts the heavy items apart, and ties by number", () => {
    expect(deal([9, 1, 9, 1], 2)).to.deep.equal([
      [0, 1],
      [2, 3],
    ]);
    expect(deal([5, 5, 5], 3)).to.deep.equal([[0], [1], [2]]);
  });
});
