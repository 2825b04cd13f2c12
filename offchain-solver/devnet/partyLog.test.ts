import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { lastFault, lengthOf } from "./partyLog.ts";

describe("a party's log", () => {
  it("tells the last error since then, else the last warning, whatever stands around it", () => {
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-log-")), "operator.log");
    const written: string[] = [];
    const log = (...lines: (object | string)[]): void => {
      written.push(...lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))));
      writeFileSync(file, written.join("\n"));
    };
    expect([lengthOf(file), lastFault(file, 0)]).to.deep.equal([0, undefined]);
    log({ level: 50, msg: "the freeze was refused", reason: "before" });
    const from = lengthOf(file);
    log({ level: 30, msg: "runs" }, "no JSON", { level: 40, msg: "left out", reason: "is away" });
    expect(lastFault(file, from)).to.equal("left out: is away");
    log(
      { level: 50, msg: "never frozen", reason: "PeriodsOutOfRange(1)\n  at" },
      { level: 40, msg: "w", reason: "x" },
      '{"le',
    );
    expect(lastFault(file, from)).to.equal("never frozen: PeriodsOutOfRange(1)");
  });
});
