import { expect } from "chai";
import { inDollars, tokensOf, unitsOf } from "../app/src/prosumer/amounts.ts";
import { draftOf, exactly, faultOf, limitIn, mandateOf } from "../app/src/prosumer/limits.ts";
import { lossOf, takenOf } from "../offchain-solver/ledger/mandateLoss.ts";

const ACCOUNT = { id: 7, now: 1_800_000_000n, nonce: 4n, mandate: undefined };

describe("amounts that an owner writes", () => {
  it("are taken to the last unit, with a point or a comma", () => {
    for (const [text, tokens] of [
      ["20", 20_000_000n],
      [" 5 ", 5_000_000n],
      ["5.", 5_000_000n],
      ["1,5", 1_500_000n],
      ["12.50", 12_500_000n],
      ["0,750", 750_000n],
      ["0.000001", 1n],
      ["999999999.999999", 999_999_999_999_999n],
    ] as const)
      expect(tokensOf(text), text).to.equal(tokens);
    for (const text of [
      "",
      "0",
      "0.0",
      "1e3",
      "0x10",
      "-1",
      "+1",
      "1.0000001",
      "1.000.5",
      "1 000",
      "NaN",
      "٣",
      ".5",
      "1e-6",
    ])
      expect(tokensOf(text), text).to.match(/^Enter an amount in dollars/);
    expect(unitsOf("1.4", 3)).to.equal(1_400n);
    expect(unitsOf("1.4", 0)).to.equal(undefined);
  });

  it("are asked about where they can be read in two ways", () => {
    expect(tokensOf("1,000")).to.equal("Is it 1000, or a little more than 1? Write 1000 or 1.000.");
    expect(unitsOf("25,000", 3)).to.equal("either");
    expect(unitsOf("25,00", 3)).to.equal(25_000n);
  });

  it("are told as exactly as they are paid", () => {
    expect([1n, 20_000_000n, 12_500_000n, 99_995_000n, 0n].map(inDollars)).to.deep.equal([
      "$0.000001",
      "$20.00",
      "$12.50",
      "$99.995",
      "$0.00",
    ]);
  });
});

describe("limits that an owner sets", () => {
  it("are read as they are written", () => {
    for (const [text, value] of [
      ["0.25", 0.25],
      ["-0.05", -0.05],
      ["\u22120,05", -0.05],
      [".5", 0.5],
      ["5.", 5],
      ["1,5", 1.5],
      ["1000", 1000],
    ] as const)
      expect(limitIn(text), text).to.equal(value);
    for (const text of ["", "-", ".", "1e3", "0x10", "1,000", "1.000,5", "five", "NaN", "Infinity"])
      expect(limitIn(text), text).to.be.NaN;
  });

  it("become a mandate where each fits its field", () => {
    const draft = draftOf(ACCOUNT);
    expect(mandateOf(draft, ACCOUNT)).to.deep.include({ maxBuy: 350_000n, maxBuyW: 5_000n, prosumer: 7, nonce: 5n });
    for (const odd of [NaN, Infinity, 1e308, 1e30, -5, 4_294_968])
      expect(mandateOf({ ...draft, maxBuyW: odd }, ACCOUNT), `${odd}`).to.equal(undefined);
    expect(faultOf("maxBuyW", -5)).to.equal("Enter from 0 to 4294967.295 kW.");
    expect(faultOf("minSell", NaN)).to.equal("Enter a number, in $/kWh.");
    expect(faultOf("minSell", -0.05)).to.equal(undefined);
    expect([0.00025, 44.753, -0.001, 2000].map(exactly)).to.deep.equal(["0.00025", "44.753", "\u22120.001", "2000"]);
  });

  it("cost at most what the guide says of the same numbers", () => {
    const draft = { ...draftOf(ACCOUNT), maxBuyW: 5, maxBuy: 0.07, minSell: -0.001, maxSellW: 5, maxReserveW: 1 };
    const more = { maxReservePrice: 0.06, maxCarbonG: 20, maxCarbonPrice: 0.06, maxSpendPerDay: 40 };
    const mandate = mandateOf({ ...draft, ...more }, ACCOUNT)!;
    const day = { periodSeconds: 3_600, periods: 24 };
    expect(lossOf(mandate, day)).to.equal(11_040_000_000n);
    expect(lossOf(mandate, { periodSeconds: 900, periods: 96 })).to.equal(11_040_000_000n);
    expect(lossOf({ ...mandate, maxSpendPerDay: 4_000_000n }, day)).to.equal(4_000_000_000n);
    expect(takenOf({ ...mandate, maxSpendPerDay: 4_000_000n }, day, 35_000n)).to.equal(8_200_000_000n);
  });
});
