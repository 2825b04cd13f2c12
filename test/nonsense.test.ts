import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Ended } from "./support/commandLine.ts";
import { nonsense, type Nonsense } from "./support/nonsense.ts";

const NOBODY = 65_534;
const runner = fileURLToPath(new URL("support/runNonsense.ts", import.meta.url));
const main = fileURLToPath(new URL("../offchain-solver/cli/main.ts", import.meta.url));
const asRoot = process.getuid?.() === 0;

describe("input that makes no sense", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-nonsense-"));
  chmodSync(folder, 0o755);
  const inputs = join(folder, "inputs");
  // What a command might write to, and where it is started: anybody may.
  const open = join(folder, "open");
  mkdirSync(inputs);
  mkdirSync(open);
  chmodSync(open, 0o777);
  const table = nonsense(inputs, join(open, "never"));
  const before = readdirSync(inputs).length;

  const judge = ({ name, says }: Nonsense, { code, stdout, stderr }: Ended): void => {
    expect(code, `${name}: ${stderr}`).to.equal(2);
    expect(stdout, name).to.equal("");
    for (const part of says) expect(stderr, name).to.include(part);
    expect(stderr, name).not.to.match(/^\s+at /m);
    expect(stderr, name).not.to.match(/ZodError|undefined/);
    // The option parser adds a line that points to --help.
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length, `${name}: ${stderr}`).to.be.at.most(stderr.startsWith("error: ") ? 3 : 1);
  };
  const check = (rows: readonly Nonsense[], user: { uid?: number; gid?: number }): void => {
    const run = spawnSync(process.execPath, [runner], {
      cwd: open,
      input: JSON.stringify(rows.map(({ args }) => args)),
      encoding: "utf8",
      maxBuffer: 1 << 26,
      ...user,
    });
    expect(run.status, run.stderr).to.equal(0);
    const ends = JSON.parse(run.stdout) as Ended[];
    rows.forEach((row, k) => judge(row, ends[k]));
    expect(readdirSync(open), "nothing is written").to.deep.equal([]);
    expect(readdirSync(inputs).length, "nothing is written beside the inputs").to.equal(before);
  };

  it("is at least 150 different things", () => {
    expect(new Set(table.map(({ name }) => name)).size)
      .to.equal(table.length)
      .and.at.least(150);
  });

  it("is refused with exit code 2 and one message with file, field and value, and nothing is written", () => {
    check(
      table.filter(({ otherUser }) => !asRoot || !otherUser),
      {},
    );
  });

  (asRoot ? it : it.skip)("is refused alike under another user, to whom files may be closed", () => {
    check(table, { uid: NOBODY, gid: NOBODY });
  });

  it("ends a process of its own so too", () => {
    for (const row of table.filter(({ otherUser }, k) => k % 40 === 0 && !otherUser)) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...row.args], {
        cwd: open,
        encoding: "utf8",
      });
      judge(row, { code: status ?? -1, stdout, stderr });
    }
  });
});
