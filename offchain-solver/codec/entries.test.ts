import { expect } from "chai";
import fc from "fast-check";
import { decodeEntries, encodeEntries } from "./entries.ts";

describe("a posting's entries", () => {
  const entry = fc.record({
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    nano: fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }),
    grams: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    released: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
  });

  it("come back as they were, a word each", () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        const words = encodeEntries(entries);
        expect(words.length).to.equal(2 + 64 * entries.length);
        expect(decodeEntries(words)).to.deep.equal(entries);
      }),
      { numRuns: 200, seed: 21 },
    );
  });

  it("are laid out as the contracts read them", () => {
    const words = encodeEntries([{ id: 101, released: 7n, grams: -1n, nano: -2n }]);
    expect(words).to.equal(`0x00000065${"00000007"}${"f".repeat(16)}${"f".repeat(31)}e`);
  });

  for (const [field, value] of [
    ["nano", 2n ** 127n],
    ["grams", -(2n ** 63n) - 1n],
    ["released", -1n],
    ["id", 2 ** 32],
  ] as const)
    it(`refuse ${field} that does not fit`, () => {
      const one = { id: 1, nano: 0n, grams: 0n, released: 0n, [field]: value };
      expect(() => encodeEntries([one])).to.throw(RangeError, `${field}: ${value}`);
    });
});
