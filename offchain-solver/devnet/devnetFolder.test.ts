import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { expect } from "chai";
import { openFolder, writeStanding, type Standing } from "./devnetFolder.ts";

const at = (digit: string): string => `0x${digit.repeat(40)}`;
const standing = (chain: Standing["chain"]): Standing => ({
  ...{ scenario: "street", chain, begun: "2019-06-01T00:00:00.000Z" },
  deployment: {
    ...{ chainId: 31337n, block: 1, authority: at("1"), token: at("2"), registry: at("3"), market: at("4") },
    ...{ delivery: at("5"), carbonCredit: at("6") },
  },
});

describe("the folder of a devnet", () => {
  const fresh = (): string => join(mkdtempSync(join(tmpdir(), "gridpact-folder-")), "data");
  /** With a devnet's password and operator, as one that was stopped. */
  function stopped(one: Standing | undefined): string {
    const data = fresh();
    const folder = openFolder(data, {});
    expect(folder.standing).to.equal(undefined);
    writeFileSync(join(data, "password"), "p");
    mkdirSync(join(data, "operator"));
    if (one) writeStanding(data, one);
    folder.close();
    return data;
  }

  it("tells what stood in it, to the last address", () => {
    const folder = openFolder(stopped(standing("anvil")), {});
    expect(folder.standing).to.deep.equal(standing("anvil"));
    folder.close();
  });

  it("is taken by one process at a time, also to be emptied", () => {
    const data = stopped(standing("anvil"));
    const folder = openFolder(data, {});
    for (const reset of [false, true])
      expect(() => openFolder(data, { reset })).to.throw(`--data ${data}: a devnet runs in it already`);
    folder.close();
    openFolder(data, {}).close();
  });

  it("goes on from no chain that is gone, nor from a market that never stood: it says so, and stays as it was", () => {
    const cases = [
      [
        standing("hardhat"),
        {},
        /whose chain ended with the process that it was in: only one with --chain anvil goes on/,
      ],
      [undefined, {}, /that was stopped before its market stood/],
      [standing("anvil"), { chain: "hardhat" }, /holds a devnet on anvil, which --chain hardhat cannot take over/],
    ] as const;
    for (const [one, asked, message] of cases) {
      const data = stopped(one);
      const before = readdirSync(data);
      expect(() => openFolder(data, asked))
        .to.throw(message)
        .with.property("message")
        .that.matches(/; --reset begins anew$/);
      expect(readdirSync(data)).to.deep.equal(before);
      const anew = openFolder(data, { ...asked, reset: true });
      expect([anew.standing, readdirSync(data)]).to.deep.equal([undefined, ["devnet.lock"]]);
      anew.close();
    }
  });

  it("is left as it was found by a devnet that was refused, and named from where one stands", () => {
    const data = fresh();
    for (const before of [false, true]) {
      if (before) mkdirSync(data);
      const folder = openFolder(relative(process.cwd(), data), {});
      expect(folder.data).to.equal(data);
      mkdirSync(join(data, "chain"));
      folder.discard!();
      expect(existsSync(data) && readdirSync(data)).to.deep.equal(before && []);
    }
    const of = openFolder(undefined, {});
    of.discard!();
    expect(existsSync(of.data)).to.equal(false);
  });

  it("that is somebody else's is neither mixed with nor removed", () => {
    const data = fresh();
    mkdirSync(data);
    writeFileSync(join(data, "thesis.txt"), "mine");
    for (const reset of [false, true])
      expect(() => openFolder(data, { reset })).to.throw(`--data ${data}: holds something else than a devnet`);
    expect(readdirSync(data)).to.deep.equal(["thesis.txt"]);
  });
});
