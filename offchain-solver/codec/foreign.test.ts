import { expect } from "chai";
import { MARKET } from "./abi.ts";
import { foreignJson, isIllFormed } from "./foreign.ts";

const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("what anybody may have written", () => {
  it("is JSON, as text or as bytes, or nothing", () => {
    expect(foreignJson("[1]")).to.deep.equal({ value: [1] });
    expect(foreignJson(new TextEncoder().encode("null"))).to.deep.equal({ value: null });
    for (const none of ["", "{", "NaN", Uint8Array.of(0x22, 0xff, 0x22)]) expect(foreignJson(none)).to.equal(undefined);
  });

  it("is nothing where whatever walks it would run out of stack, or it has no one spelling", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(foreignJson(nested(64))).not.to.equal(undefined);
    for (const deep of [65, 200_000]) expect(foreignJson(nested(deep)), `${deep}`).to.equal(undefined);
    // Brackets in a string are text.
    for (const text of ["[".repeat(99), '"'.repeat(3) + "{".repeat(99), "\\"])
      expect(foreignJson(JSON.stringify([text]))).to.deep.equal({ value: [text] });
    for (const none of ['"\\ud800"', '{"\\udc00":1}', '{"__proto__":{}}', '[{"\\u005f_proto__":1}]'])
      expect(foreignJson(none), none).to.equal(undefined);
    expect(foreignJson('"\\ud83d\\ude00"')).to.deep.equal({ value: "\u{1f600}" });
  });

  it("throws on what is our own fault", () => {
    const { parse } = JSON;
    JSON.parse = () => {
      throw new ReferenceError("planted");
    };
    try {
      expect(() => foreignJson("1")).to.throw(ReferenceError, "planted");
    } finally {
      JSON.parse = parse;
    }
  });

  it("is ill-formed where it does not decode, a word too wide for an address too", () => {
    const { selector } = MARKET.getFunction("settle")!;
    const readings = [
      () => MARKET.decodeFunctionResult("registry", "0x"),
      () => MARKET.decodeFunctionResult("registry", "0x1234"),
      () => MARKET.decodeFunctionResult("registry", `0x${"ff".repeat(32)}`)[0] as unknown,
      () => MARKET.parseTransaction({ data: selector }),
      () => MARKET.parseTransaction({ data: selector + "ff".repeat(200) }),
    ];
    for (const reading of readings) expect(isIllFormed(thrownBy(reading)), String(reading)).to.equal(true);
    for (const own of [new ReferenceError("x"), new TypeError("x"), new RangeError("x"), undefined, null])
      expect(isIllFormed(own)).to.equal(false);
  });
});
