import { expect } from "chai";
import { called, dollars, number } from "../app/src/shown/format.ts";

const names = { 1: "Library", 2: "שלום עולם", 3: "\u202Eevil", 4: "x".repeat(200), 5: "🏠".repeat(200), 6: 7, 7: "" };
const name = (id: number): string => called({ names: names as never }, id);

describe("what members are called", () => {
  it("is what the host says, by number where it says nothing, and never turns what stands after it", () => {
    expect(name(1)).to.equal("Library");
    expect([6, 7, 8].map(name)).to.deep.equal(["no. 6", "no. 7", "no. 8"]);
    expect(name(2)).to.equal("\u2068שלום עולם\u2069");
    expect(name(3)).to.equal("\u2068evil\u2069");
  });

  it("has an end, between two letters", () => {
    expect(name(4)).to.equal(`${"x".repeat(120)}…`);
    expect(name(5)).to.equal(`${"🏠".repeat(120)}…`);
  });
});

describe("what is shown of money", () => {
  it("is nothing for nothing alone", () => {
    expect([0, 12.5, -3, 0.25, 0.0012, 0.000001, 1e-9, -0.00004].map(dollars)).to.deep.equal([
      "$0.00",
      "$12.50",
      "\u2212$3.00",
      "$0.2500",
      "$0.0012",
      "$0.000001",
      "$0.000000001",
      "\u2212$0.000040",
    ]);
    expect(number(-0.00001, 4)).to.equal("0.0000");
  });
});
