import { expect } from "chai";
import fc from "fast-check";
import { canonicalBytes, type Json } from "./canonicalJson.ts";

const spelled = (value: Json): string => new TextDecoder().decode(canonicalBytes(value));

describe("canonical JSON", () => {
  it("spells the examples of RFC 8785", () => {
    // Section 3.2.3 and appendix B.
    const value = { numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27], literals: [null, true, false] };
    expect(spelled(value)).to.equal(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
    );
    const keys = Object.fromEntries(["€", "\r", "\ufb33", "1", "😀", "\u0080", "ö"].map((key, k) => [key, k + 1]));
    expect(spelled(keys)).to.equal('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
    expect(spelled([-0, 5e-324, 9007199254740992, 1.7976931348623157e308])).to.equal(
      "[0,5e-324,9007199254740992,1.7976931348623157e+308]",
    );
  });

  it("is the same whatever order keys were written in, and reads back to the same value", () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        const value = JSON.parse(text) as Json;
        const bytes = spelled(value);
        const reversed = JSON.parse(text, (_, item: unknown) =>
          item !== null && typeof item === "object" && !Array.isArray(item)
            ? Object.fromEntries(Object.entries(item).reverse())
            : item,
        ) as Json;
        expect(spelled(reversed)).to.equal(bytes);
        expect(spelled(JSON.parse(bytes) as Json)).to.equal(bytes);
      }),
    );
  });

  it("keeps every finite double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(JSON.parse(spelled(value))).to.equal(value === 0 ? 0 : value);
      }),
    );
  });

  it("refuses what has no form", () => {
    const formless: unknown[] = [
      NaN,
      Infinity,
      "\ud800",
      1n,
      () => 1,
      undefined,
      new Map(),
      new Float64Array(1),
      [NaN],
    ];
    for (const value of formless) expect(() => canonicalBytes(value as Json)).to.throw(TypeError);
  });
});
