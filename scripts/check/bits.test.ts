import { readFileSync } from "node:fs";
import { expect } from "chai";
import { iterateBits, WHAT } from "./iterateBits.ts";
import { METHODS } from "../../offchain-solver/market/result/methods.ts";

describe("the bits of a clearing", function () {
  this.timeout(300_000);
  const record = JSON.parse(readFileSync(new URL("../../bench/bits.json", import.meta.url), "utf8")) as {
    about: string;
    bits: Record<string, string>;
  };

  for (const method of METHODS)
    it(`by ${method} are those on record, which other versions of Node give too (npm run bits -- --write after a change)`, () => {
      expect(record.about).to.equal(WHAT);
      expect(iterateBits(method)).to.equal(record.bits[method]);
    });
});
