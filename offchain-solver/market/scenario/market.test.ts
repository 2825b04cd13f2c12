import { expect } from "chai";
import { periodName, type Market } from "./market.ts";

describe("what a period is called", () => {
  const name = (startUtc: string, dt: number, period: number): string =>
    periodName({ scenario: { startUtc }, dt } as Market, period);

  it("is its index and when it begins, whatever its length", () => {
    expect(name("2031-07-15T08:00:00Z", 1, 3)).to.equal("period 3 (11:00 UTC)");
    expect(name("2031-07-15T08:00:00Z", 0.25, 7)).to.equal("period 7 (09:45 UTC)");
    expect(name("2031-07-14T22:00:00.000Z", 1 / 12, 25)).to.equal("period 25 (00:05 UTC the day after)");
  });
});
