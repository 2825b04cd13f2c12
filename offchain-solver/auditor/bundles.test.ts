import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";
import { bundlesOf, witnessIn } from "./bundles.ts";

describe("what was published under a hash", () => {
  const OTHER = `0x${"11".repeat(32)}`;
  const odd = {
    "brackets without end": "[".repeat(200_000) + "]".repeat(200_000),
    "half a surrogate pair": '{"clearing":"\\ud800"}',
    "a prototype": '{"clearing":{"__proto__":{"a":1}}}',
    "no JSON": "{",
  };
  for (const [name, text] of Object.entries(odd))
    it(`is no witness, whoever signed it: ${name}`, async () => {
      const bytes = toUtf8Bytes(text);
      const hash = keccak256(bytes);
      expect(await witnessIn(bundlesOf(new Map([[hash, bytes]])), hash)).to.deep.equal({ kind: "malformed" });
      // Under another name nobody signed it.
      expect(await witnessIn(bundlesOf(new Map([[OTHER, bytes]])), OTHER)).to.equal(undefined);
    });
});
