import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { DevnetReport, ReportedSession } from "../devnet/devnetReport.ts";
import { tellDevnet } from "./devnetOutcome.ts";
import { Exit } from "./exit.ts";

const json = join(mkdtempSync(join(tmpdir(), "gridpact-devnet-")), "devnet.json");
const session = { startUtc: "2021-07-15T00:00:00Z", seconds: 1, usage: [] };
const ended = (...outcomes: ReportedSession["outcome"][]): DevnetReport => {
  const count = (of: string): number => outcomes.filter((one) => one === of).length;
  return {
    ...{ settled: count("settled"), voided: count("void"), split: 0, lost: count("lost"), processes: 5 },
    ...{ startSeconds: 1, sessions: outcomes.map((outcome) => ({ ...session, outcome, reason: "nobody answered" })) },
  } as unknown as DevnetReport;
};
function codeOf(report: DevnetReport): number {
  try {
    tellDevnet(report, json);
    return 0;
  } catch (error) {
    return (error as Exit).code;
  }
}

describe("what a devnet ends with", () => {
  it("is 3 where no session settled, 0 where one did or there was none, and the file is there either way", () => {
    expect(codeOf(ended("settled", "void"))).to.equal(0);
    expect(codeOf(ended())).to.equal(0);
    expect(codeOf(ended("settled", "lost"))).to.equal(1);
    expect(() => tellDevnet(ended("void", "void"), json)).to.throw(Exit, "none of 2 sessions settled: nobody answered");
    expect(codeOf(ended("void"))).to.equal(3);
    expect(JSON.parse(readFileSync(json, "utf8"))).to.include({ settled: 0, voided: 1 });
  });
});
