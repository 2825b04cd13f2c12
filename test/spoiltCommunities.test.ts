import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Ended } from "./support/commandLine.ts";
import { DATE, spoiltCommunities } from "./support/spoiltCommunities.ts";

const runner = fileURLToPath(new URL("support/runNonsense.ts", import.meta.url));

describe("a community's folder in which one thing is wrong", function () {
  this.timeout(300_000);
  const base = mkdtempSync(join(tmpdir(), "gridpact-spoilt-"));
  const inputs = join(base, "inputs");
  const open = join(base, "open");
  mkdirSync(open);
  const table = spoiltCommunities(inputs);
  const before = readdirSync(inputs, { recursive: true }).sort();

  const run = (args: (folder: string) => string[]): Ended[] => {
    const ended = spawnSync(process.execPath, [runner], {
      cwd: open,
      input: JSON.stringify(table.map(({ folder }) => args(folder))),
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    expect(ended.status, ended.stderr).to.equal(0);
    return JSON.parse(ended.stdout) as Ended[];
  };

  it("is one of at least 60 different ones", () => {
    expect(new Set(table.map(({ name }) => name)).size)
      .to.equal(table.length)
      .and.at.least(60);
  });

  it("is refused with exit code 2 and one message that names the file, the place and the value; nothing is written", () => {
    const ends = run((folder) => ["clear", folder, "--date", DATE, "--json", join(open, "never.json")]);
    table.forEach(({ name, says, folder }, k) => {
      const { code, stdout, stderr } = ends[k];
      expect(code, `${name}: ${stderr}`).to.equal(2);
      expect(stdout, name).to.equal("");
      expect(stderr, name).to.include(folder);
      for (const part of says) expect(stderr, name).to.include(part);
      expect(stderr, name).not.to.match(/^\s+at |ZodError|undefined|\[object/m);
      expect(stderr.trimEnd().split("\n").length, `${name}: ${stderr}`).to.equal(1);
    });
    expect(readdirSync(open), "nothing is written").to.deep.equal([]);
    expect(readdirSync(inputs, { recursive: true }).sort(), "nothing is written beside the inputs").to.deep.equal(
      before,
    );
  });

  it("is told by check as well, with code 2", () => {
    run((folder) => ["community", "check", folder, "--date", DATE]).forEach(({ code, stderr }, k) => {
      const { name, says } = table[k];
      expect(code, `${name}: ${stderr}`).to.equal(2);
      for (const part of says) expect(stderr, name).to.include(part);
    });
  });
});
