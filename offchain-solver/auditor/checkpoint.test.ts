import { expect } from "chai";
import { id } from "ethers";
import type { Standing } from "./audit.ts";
import { restored, written } from "./checkpoint.ts";
import { begin } from "./history.ts";

const ABOUT = "a chain, a market and a build";

describe("where an audit stopped", () => {
  const history = begin(31_337n, `0x${"11".repeat(20)}`);
  history.unknown.add(7);
  history.limits.set(3, { bytes: Uint8Array.of(1, 255) } as never);
  const standing: Standing = { block: 12, hash: `0x${"ab".repeat(32)}`, history, sessions: [] };
  const text = written(standing, ABOUT);

  it("is what it was when it is read again", () => {
    const read = restored(text, ABOUT);
    expect(read?.history.unknown).to.deep.equal(new Set([7]));
    expect(read?.history.limits.get(3)).to.deep.equal({ bytes: Uint8Array.of(1, 255) });
    expect(read?.history).to.have.property("chainId", 31_337n);
    expect(written(read as Standing, ABOUT)).to.equal(text);
  });

  it("is nothing where the text is of something else or not whole", () => {
    expect(restored(text, "another market")).to.equal(undefined);
    for (const odd of ["", "not a checkpoint", "null", "5", text.slice(0, -1)])
      expect(restored(odd, ABOUT), odd).to.equal(undefined);
  });

  it("is nothing where it was edited or damaged and still is JSON", () => {
    const kept = JSON.parse(text) as { standing: Record<string, unknown> };
    const { history: _, ...headless } = kept.standing;
    for (const standing of [undefined, null, {}, [], headless, { ...kept.standing, sessions: [null] }])
      expect(restored(JSON.stringify({ ...kept, standing }), ABOUT), JSON.stringify(standing)).to.equal(undefined);
  });

  it("is nothing where a value is none that an audit keeps", () => {
    const odd = [{ $bigint: "1.5" }, { $bigint: 1.5 }, { $map: 5 }, { $map: [1] }, { $set: {} }, { $bytes: "0x1" }];
    for (const value of odd) {
      const { standing, ...rest } = JSON.parse(text);
      const odd = { ...standing, hash: value };
      const kept = JSON.stringify({ ...rest, hash: id(JSON.stringify(odd)), standing: odd });
      expect(restored(kept, ABOUT), JSON.stringify(value)).to.equal(undefined);
    }
  });
});
