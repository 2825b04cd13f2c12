import { expect } from "chai";
import { id } from "ethers";
import type { Standing } from "./audit.ts";
import { isDecided, restored, written } from "./checkpoint.ts";
import { begin } from "./history.ts";
import { undecided, VALID, type Verdict } from "./verdict.ts";

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

  it("is gone on from only where it left no session, entry, credit or posting open", () => {
    const open = undecided("something");
    type Left = "session" | "entry" | "credit" | "posted" | "wrong";
    const leaving = (left?: Left): Standing => {
      const one = (what: Left): { verdict: Verdict } => ({ verdict: what === left ? open : VALID });
      const at = begin(31_337n, `0x${"11".repeat(20)}`);
      at.entries.entered.set(1n, [one("entry") as never]);
      at.credits.issued.push(one("credit") as never);
      if (left === "posted") at.posted = open;
      if (left === "wrong") at.credits.wrong = open;
      return { ...standing, history: at, sessions: [one("session") as never] };
    };
    expect(isDecided(leaving())).to.equal(true);
    for (const left of ["session", "entry", "credit", "posted", "wrong"] as const)
      expect(isDecided(leaving(left)), left).to.equal(false);
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
