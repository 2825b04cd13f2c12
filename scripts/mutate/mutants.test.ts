import { readFileSync } from "node:fs";
import { expect } from "chai";
import { EQUIVALENT, equivalentTo } from "./equivalentMutants.ts";
import { stale } from "./record.ts";
import { allMutantsOf, contractOf, hashOf, mutable, sourceOf, TARGETS } from "./targets.ts";
import { classify, mutantsOf, mutationsOf, succeeded } from "./mutants.ts";

const passed = { status: 0, timedOut: false };
const failed = { status: 1, timedOut: false };
const timedOut = { status: null, timedOut: true };

describe("what has become of a mutant", () => {
  it("is killed by a suite that fails, whatever came before", () => {
    expect(classify(true, [failed])).to.equal("killed");
    expect(classify(true, [passed, failed])).to.equal("killed");
  });

  it("survives when every suite passes", () => {
    expect(classify(true, [passed, passed])).to.equal("survived");
  });

  it("is not killed by a suite that did not end", () => {
    expect(classify(true, [timedOut])).to.equal("timed out");
    expect(classify(true, [passed, timedOut])).to.equal("timed out");
    expect(classify(true, [{ status: null, timedOut: false }])).to.equal("timed out");
    expect(classify(true, [{ status: 1, timedOut: true }])).to.equal("timed out");
  });

  it("is none when it does not compile", () => {
    expect(classify(false, [])).to.equal("not compiled");
  });

  it("counts as success only where it is dead, equal, or none; and nothing tried is no success", () => {
    expect(succeeded(["killed", "equivalent", "not compiled"])).to.equal(true);
    expect(succeeded(["killed", "survived"])).to.equal(false);
    expect(succeeded(["killed", "timed out"])).to.equal(false);
    expect(succeeded([])).to.equal(false);
  });
});

describe("the mutants of a line", () => {
  it("move every comparison by one, drop every operand, and drop the refusal", () => {
    expect(mutationsOf("    if (a > cap || a < -cap) revert Beyond(a);")).to.have.members([
      "    if (a >= cap || a < -cap) revert Beyond(a);",
      "    if (a > cap || a <= -cap) revert Beyond(a);",
      "    if (a > cap) revert Beyond(a);",
      "    if (a < -cap) revert Beyond(a);",
      "    if (a > cap || a < -cap) {}",
    ]);
  });

  it("do the same in assembly, and leave masks alone", () => {
    expect(mutationsOf("fine := and(fine, lt(and(x, 0xff), n))")).to.have.members([
      "fine := and(fine, iszero(gt(and(x, 0xff), n)))",
      "fine := fine",
    ]);
    expect(mutationsOf("let y := and(x, 0xff)")).to.deep.equal([]);
    expect(mutationsOf("  if refused {")).to.deep.equal(["  if 0 {"]);
  });

  it("drop a guard, and one line of a condition that runs over several", () => {
    expect(mutationsOf("    ) external restricted {")).to.deep.equal(["    ) external {"]);
    expect(mutationsOf("    a == 0 ||")).to.include("    false ||");
    expect(mutationsOf("    b > 7", "    a == 0 ||")).to.include("    false");
  });

  it("are none in comments and declarations of errors", () => {
    expect(mutationsOf("/// a < b")).to.deep.equal([]);
    expect(mutationsOf("error A(uint256 a);")).to.deep.equal([]);
  });

  it("are equal to the original where two are equal of which the smaller is meant, and nowhere else", () => {
    const line = (after: string) => equivalentTo({ file: "a.sol", line: 0, before: "n = a < b ? a : b;", after });
    expect(line("n = a <= b ? a : b;")).to.be.a("string");
    expect(line("n = a > b ? a : b;")).to.equal(undefined);
    const other = { file: "a.sol", line: 0, before: "n = a < b ? a : c;", after: "n = a <= b ? a : c;" };
    expect(equivalentTo(other)).to.equal(undefined);
  });

  it("are equal to the original in one place alone, where the same line stands in two", () => {
    const file = "libraries/Ledger.sol";
    const after = "for {} iszero(gt(record, end)) {} {";
    const both = allMutantsOf(file).filter((one) => one.after.trim() === after);
    expect(both.map((one) => equivalentTo(one) !== undefined)).to.deep.equal([true, false]);
  });

  it("contain each one that is listed as equivalent, with a reason", () => {
    for (const { file, before, after, because, nth } of EQUIVALENT) {
      const source = readFileSync(new URL(`../../contracts/${file}`, import.meta.url), "utf8");
      const found = mutantsOf(file, source).filter((one) => one.before.trim() === before && one.after.trim() === after);
      if (nth === undefined) expect(found.length, `${file}: ${after}`).to.equal(1);
      else expect(found.length, `${file}: ${after}`).to.be.greaterThan(Math.max(1, nth - 1));
      expect(because.length).to.be.greaterThan(20);
    }
  });
});

describe("the files that are tried", () => {
  it("are all of contracts/ that a mutant can be made of, each compiled into a contract that there is", () => {
    expect(Object.keys(TARGETS)).to.include.members(mutable());
    for (const [file, targets] of Object.entries(TARGETS))
      for (const name of [file, ...targets])
        expect(sourceOf(contractOf(name).file), name).to.include("pragma solidity");
  });

  it("are stale where the record is of another source, of other mutants, or missing", () => {
    const file = "libraries/RowTree.sol";
    const none = { survived: 0, "timed out": 0, equivalent: 0, "not compiled": 0 };
    const whole = { file, source: hashOf(file), killed: allMutantsOf(file).length, ...none };
    expect(stale([whole])).not.to.include(file);
    expect(stale([{ ...whole, source: hashOf("libraries/Lanes.sol") }])).to.include(file);
    expect(stale([{ ...whole, killed: whole.killed - 1 }])).to.include(file);
    expect(stale([])).to.include(file);
  });
});
