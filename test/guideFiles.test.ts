import { readFileSync } from "node:fs";
import { expect } from "chai";
import { PeersSchema } from "../offchain-solver/node/peers.ts";
import { PrivateFileSchema } from "../offchain-solver/node/privateFile.ts";

/** What stands in a guide to be copied: the JSON of its blocks. */
const blocksOf = (guide: string): unknown[] =>
  [...readFileSync(new URL(`../docs/guide/${guide}`, import.meta.url), "utf8").matchAll(/```json\n([^`]+)```/g)].map(
    ([, text]) => JSON.parse(text) as unknown,
  );

describe("files that the guide for a node shows", () => {
  it("are such as a node takes, whole", () => {
    const [own, peers] = blocksOf("run-a-node.md");
    const { sessions } = PrivateFileSchema.parse(own);
    for (const { periods, part } of sessions) expect(part.load.fixedMw).to.have.length(periods);
    expect(PeersSchema.parse(peers).parties.map(({ party }) => party)).to.deep.equal([0xfffffffe]);
  });
});
