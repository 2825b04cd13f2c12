import { expect } from "chai";
import { factorOf } from "../../clearing/mask.ts";
import { maskKey, openMask } from "./maskStream.ts";

describe("the secret numbers of a mask", () => {
  const drawn = (share: number, nodeKey: string, session: string, attempt: number): number[] => {
    const mask = openMask(maskKey(share, nodeKey, session, attempt));
    return Array.from({ length: 5_000 }, () => factorOf(mask));
  };

  it("are within the share, in the mean nothing, and as spread as even draws are", () => {
    const factors = drawn(0.3, "key", "session", 1);
    expect(factors.every((factor) => factor >= 0.7 && factor < 1.3)).to.equal(true);
    const mean = factors.reduce((sum, factor) => sum + factor, 0) / factors.length;
    const square = factors.reduce((sum, factor) => sum + (factor - 1) ** 2, 0) / factors.length;
    expect(mean).to.be.within(0.99, 1.01);
    // A third of the square of the share.
    expect(square / 0.03).to.be.within(0.95, 1.05);
  });

  it("are the same for a replay, and others for another node, session or attempt", () => {
    const [first, ...others] = [
      drawn(0.3, "key", "session", 1),
      drawn(0.3, "other", "session", 1),
      drawn(0.3, "key", "other", 1),
      drawn(0.3, "key", "session", 2),
    ];
    expect(drawn(0.3, "key", "session", 1)).to.deep.equal(first);
    for (const other of others) expect(other.filter((factor, k) => factor === first[k])).to.have.length.below(3);
  });
});
