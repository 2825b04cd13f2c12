import { expect } from "chai";
import { failuresOf, sum, totalLine, totalsOf } from "./testTotals.ts";

const mocha = (output: string, exitCode: number | null = 0) =>
  totalsOf({ name: "m", style: "mocha", output, exitCode });
const unittest = (output: string, exitCode: number | null = 0) =>
  totalsOf({ name: "u", style: "unittest", output, exitCode });

describe("test totals", () => {
  it("reads mocha's summary, coloured or not", () => {
    expect(mocha("  a\n\n  12 passing (3s)\n  1 pending\n")).to.deep.equal({ passed: 12, failed: 0 });
    expect(mocha("\u001b[32m 12 passing\u001b[0m\n\u001b[31m  2 failing\u001b[0m\n", 2)).to.deep.equal({
      passed: 12,
      failed: 2,
    });
  });

  it("reads the last summary only", () => {
    expect(mocha("3 passing (1s)\n4 passing (2s)\n")).to.deep.equal({ passed: 4, failed: 0 });
  });

  it("reads unittest's summary, skipped ones left out", () => {
    expect(unittest("Ran 9 tests in 1.2s\n\nOK (skipped=2)\n")).to.deep.equal({ passed: 7, failed: 0 });
    expect(unittest("Ran 9 tests in 1.2s\n\nFAILED (failures=1, errors=2)\n", 1)).to.deep.equal({
      passed: 6,
      failed: 3,
    });
  });

  it("counts a crash, a kill and an empty suite as one failure", () => {
    expect(mocha("12 passing (3s)\n", 1)).to.deep.equal({ passed: 12, failed: 1 });
    expect(mocha("12 passing (3s)\n", null)).to.deep.equal({ passed: 12, failed: 1 });
    expect(mocha("0 passing (1ms)\n")).to.deep.equal({ passed: 0, failed: 1 });
    expect(unittest("Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", 5)).to.deep.equal({ passed: 0, failed: 1 });
    expect(unittest("Ran 3 tests in 0.1s\n\nOK (skipped=3)\n")).to.deep.equal({ passed: 0, failed: 1 });
  });

  it("counts a build as nothing, and as one failure that has its name where it fails", () => {
    const build = { name: "Build", style: "build", output: "12 passing\n" } as const;
    expect(totalsOf({ ...build, exitCode: 0 })).to.deep.equal({ passed: 0, failed: 0 });
    for (const exitCode of [1, null]) {
      expect(totalsOf({ ...build, exitCode })).to.deep.equal({ passed: 0, failed: 1 });
      expect(failuresOf({ ...build, exitCode })).to.deep.equal(["Build"]);
    }
  });

  it("names what failed, with the first line of its message", () => {
    const output = [
      "  1) passes nowhere",
      "\u001b[92m 12 passing\u001b[0m (1s)",
      "  2 failing",
      "",
      "  1) the page",
      "       on a phone",
      "         opens:",
      "",
      "      AssertionError [ERR_ASSERTION]: expected 1 to equal 2",
      "      + expected - actual",
      "",
      '  2) "before all" hook in "the node":',
      "     Error: Timeout of 60000ms exceeded.",
      "      at file.ts:3:4",
    ].join("\n");
    expect(failuresOf({ name: "m", style: "mocha", output, exitCode: 2 })).to.deep.equal([
      "the page / on a phone / opens: AssertionError [ERR_ASSERTION]: expected 1 to equal 2",
      '"before all" hook in "the node": Error: Timeout of 60000ms exceeded.',
    ]);
    const unit = "FAIL: test_ramp (test_oracle.Ramps)\n----\nERROR: test_gone (test_oracle.Ramps)\nRan 2 tests in 1s\n";
    expect(failuresOf({ name: "u", style: "unittest", output: unit, exitCode: 1 })).to.deep.equal([
      "test_ramp (test_oracle.Ramps)",
      "test_gone (test_oracle.Ramps)",
    ]);
  });

  it("adds up to one line", () => {
    expect(
      totalLine(
        sum([
          { passed: 3, failed: 1 },
          { passed: 4, failed: 0 },
        ]),
      ),
    ).to.equal("7 passed, 1 failed");
  });
});
