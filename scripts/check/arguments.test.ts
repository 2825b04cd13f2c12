import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const script = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

describe("a script's command line", () => {
  it("says what it does not know, in one line, before the work", () => {
    const { status, stderr } = spawnSync(process.execPath, [script("collusion.ts"), "--jsno", "x"], {
      encoding: "utf8",
    });
    expect({ status, stderr }).to.deep.equal({ status: 2, stderr: "Unknown option '--jsno'; known are --json\n" });
  });
});
