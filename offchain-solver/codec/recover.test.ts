import { expect } from "chai";
import { getBytes, id, Signature, Wallet } from "ethers";
import fc from "fast-check";
import { signerOf, signerOfText } from "./recover.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const key = new Wallet(`0x${"11".repeat(32)}`);
const digest = id("a digest");
const signed = Signature.from(key.signingKey.sign(digest));
const compact = getBytes(signed.compactSerialized);

describe("the signer of a signature", () => {
  it("is found in 64 and in 65 bytes, whatever view they come in", () => {
    expect(signerOf(digest, compact)).to.equal(key.address);
    expect(signerOf(digest, getBytes(signed.serialized))).to.equal(key.address);
    const inside = new Uint8Array([9, ...compact, 9]).subarray(1, 65);
    expect(signerOf(digest, inside)).to.equal(key.address);
    expect([...inside]).to.deep.equal([...compact], "the bytes are left as they were");
    expect(signerOfText(digest, signed.serialized)).to.equal(key.address);
  });

  it("is nobody for the second form of a signature, zeros, and numbers beyond the group", () => {
    const word = (value: bigint): number[] => [...getBytes(`0x${value.toString(16).padStart(64, "0")}`)];
    const [r, s] = [BigInt(signed.r), BigInt(signed.s)];
    const flipped = signed.v === 27 ? 28 : 27;
    const cases: number[][] = [
      [...word(r), ...word(ORDER - s), flipped],
      [...word(0n), ...word(s), 27],
      [...word(r), ...word(0n), 27],
      [...word(ORDER), ...word(s), 27],
      // No point of the curve has the abscissa 5.
      [...word(5n), ...word(s), 27],
      [...word(r), ...word(s), 29],
      [...compact].slice(1),
      [],
    ];
    for (const bytes of cases) expect(signerOf(digest, Uint8Array.from(bytes)), bytes.join()).to.equal(undefined);
    for (const text of ["", "0x", "0x1", "zz", "0xzz", signed.serialized.slice(2)])
      expect(signerOfText(digest, text), text).to.equal(undefined);
  });

  it("is never the key's for other bytes, and nothing is thrown", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 66 }), (bytes) => {
        expect(signerOf(digest, bytes)).not.to.equal(key.address);
      }),
      { numRuns: 300 },
    );
  });

  it("throws where the digest is no digest: that is our bug", () => {
    expect(() => signerOf("0x12", compact)).to.throw();
  });
});
