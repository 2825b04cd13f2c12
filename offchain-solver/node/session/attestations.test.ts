import { expect } from "chai";
import { hexlify, randomBytes, Wallet } from "ethers";
import { quorumOf } from "../../codec/typedData.ts";
import { Allowance } from "./allowance.ts";
import { Attestations } from "./attestations.ts";

describe("signatures of a session's results", () => {
  const keys = Array.from({ length: 5 }, () => Wallet.createRandom());
  const committee = keys.map(({ address }) => address);
  const sign = (bit: number, digest: string): [number, string] => [bit, keys[bit].signingKey.sign(digest).serialized];
  const own = hexlify(randomBytes(32));
  const quorum = quorumOf(keys.length);

  it("are a quorum's however many other results a member has signed first", () => {
    const attestations = new Attestations(committee);
    for (let k = 0; k < 1_000; k++) {
      const other = hexlify(randomBytes(32));
      attestations.hear(4, other, k < 3 ? [sign(4, other)] : [[4, "0x00"]]);
    }
    for (let bit = 0; bit < quorum - 1; bit++) attestations.hear(bit, own, [sign(bit, own)]);
    expect(attestations.begin(own)).to.deep.equal({ enough: false, liars: [] });
    attestations.keep(own, ...sign(3, own));
    expect(attestations.quorum(own)?.size).to.equal(quorum);
  });

  it("count once the own result is known, whoever said them before and after", () => {
    const attestations = new Attestations(committee);
    for (let bit = 0; bit < quorum; bit++) attestations.hear(10 + bit, own, [sign(bit, own)]);
    expect(attestations.quorum(own)).to.equal(undefined);
    expect(attestations.begin(own)).to.deep.equal({ enough: true, liars: [] });
    expect(attestations.hear(10, own, [sign(4, own)])).to.deep.equal({ enough: false, liars: [] });
    expect([...attestations.quorum(own)!.keys()]).to.deep.equal([0, 1, 2, 3].slice(0, quorum));
  });

  it("that are nobody's are recovered once, and whoever brought them is named", () => {
    const attestations = new Attestations(committee);
    attestations.hear(2, own, [sign(1, own), [3, sign(2, own)[1]], sign(4, own)]);
    expect(attestations.begin(own).liars).to.deep.equal([2]);
    expect([...attestations.of(own).keys()]).to.deep.equal([1]);
    expect(attestations.hear(3, own, [[9, "0x1234"]]).liars).to.deep.equal([3]);
    expect(attestations.begin(own).liars, "what was judged is forgotten").to.deep.equal([]);
  });
});

describe("what a party may say", () => {
  it("is a burst, and as much again as time brings, each for itself", () => {
    let now = 0;
    const allowance = new Allowance(10, 2, () => now);
    const said = (party: number, times: number): number =>
      Array.from({ length: times }, () => allowance.take(party)).filter(Boolean).length;
    expect([said(1, 30), said(2, 5)]).to.deep.equal([10, 5]);
    now += 3_000;
    expect([said(1, 30), said(2, 30)]).to.deep.equal([5, 10]);
    now += 1e9;
    expect(said(1, 30)).to.equal(10);
  });
});
