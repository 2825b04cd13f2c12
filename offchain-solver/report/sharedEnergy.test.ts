import { expect } from "chai";
import type { ClearingJson } from "../records/clearingJson.ts";
import { sharedKwh } from "./sharedEnergy.ts";

/** Two members and the utility, [seller, buyer, period, Wh]. */
const sharedBy = (...trades: readonly (readonly [number, number, number, number])[]): number =>
  sharedKwh({
    prosumers: [{}, {}, {}],
    quantised: {
      periods: 2,
      trades: [
        { seller: 0, buyer: 1, product: "up", period: 0, quantity: 9, price: 1 },
        ...trades.map(([seller, buyer, period, quantity]) => ({
          ...{ seller, buyer, product: "energy", period, quantity, price: 1 },
        })),
      ],
    },
  } as unknown as ClearingJson);

const UTILITY = 3;

describe("the energy that members share", () => {
  it("is what those give who feed in, to those who draw", () => {
    expect(sharedBy([0, 1, 0, 700], [0, 2, 1, 300])).to.equal(1);
    expect(sharedBy([0, 1, 0, 700], [0, UTILITY, 0, 500], [UTILITY, 2, 0, 100])).to.equal(0.8);
  });

  it("is nothing of what a member has from the utility and hands on", () => {
    expect(sharedBy([UTILITY, 0, 0, 700], [0, 1, 0, 700])).to.equal(0);
    expect(sharedBy([UTILITY, 0, 0, 400], [0, 1, 0, 700])).to.equal(0.3);
  });

  it("is counted once where it goes through several hands, and in no other period", () => {
    expect(sharedBy([0, 1, 0, 700], [1, 2, 0, 700])).to.equal(0.7);
    expect(sharedBy([0, 1, 0, 700], [1, 0, 1, 700])).to.equal(1.4);
  });
});
