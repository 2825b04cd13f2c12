import { expect } from "chai";
import { id, SigningKey, Wallet } from "ethers";
import { knownSigners } from "./knownSigners.ts";

describe("signers that are known", () => {
  it("are those of the signature, the first time and after", () => {
    const signerOf = knownSigners();
    for (let k = 0; k < 20; k++) {
      const key = new SigningKey(id(`key ${k % 5}`));
      const digest = id(`digest ${k % 7}`);
      const signature = key.sign(digest).serialized;
      for (let again = 0; again < 2; again++) expect(signerOf(digest, signature)).to.equal(new Wallet(key).address);
      expect(signerOf(id("another"), signature)).not.to.equal(new Wallet(key).address);
    }
    expect(signerOf(id("x"), `0x${"00".repeat(65)}`)).to.equal(undefined);
  });
});
