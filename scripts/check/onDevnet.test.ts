import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { ON_DEVNET } from "./onDevnet.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const hooks = fileURLToPath(new URL("noDevnet.ts", import.meta.url));

function suiteOf(text: string): { status: number | null; output: string } {
  const file = join(mkdtempSync(join(tmpdir(), "gridpact-suite-")), "one.test.mjs");
  writeFileSync(file, text);
  const mocha = join(root, "node_modules/mocha/bin/mocha.js");
  const env = { ...process.env };
  delete env.HARDHAT_CONFIG;
  const args = [mocha, "--no-config", "--exit", "--require", hooks, file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  return { status, output: stdout + stderr };
}

describe("test files that open the simulated network", () => {
  it("are there, each of them", () => {
    for (const file of ON_DEVNET) expect(existsSync(join(root, file)), file).to.equal(true);
  });

  it("fail in the suite of all others, and are told where they belong", () => {
    const embedded = new URL("../../offchain-solver/devnet/embedded.ts", import.meta.url).href;
    const opening = suiteOf(`
      const { hardhatOfProject } = await import(${JSON.stringify(embedded)});
      it("is harmless", () => {});
      it("opens it", () => { hardhatOfProject().catch(() => undefined); });
      it("comes after", () => {});`);
    expect(opening.output).to.match(/1\) .*after each.*opens it[\s\S]*one\.test\.mjs opens the simulated network: it/);
    expect(opening.status).not.to.equal(0);
    expect(suiteOf(`it("is harmless", () => {});`).status).to.equal(0);
  });
});
