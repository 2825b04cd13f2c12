import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { importCase } from "../../offchain-solver/scenarios/importCase.ts";
import { InputError } from "../../offchain-solver/io/inputError.ts";

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [path("checkMatpower.ts"), ...args], { encoding: "utf8", timeout: 300_000 });

describe("check:matpower", () => {
  it("prints losses and lowest voltage of each case, or why it was refused", () => {
    const { status, stdout } = run(path("../../test/feeders"));
    expect(status).to.equal(0);
    // Two buses, solved by hand: 0.05 (0.8^2 + 0.3^2) / v with v from the quadratic at 1.05 p.u.
    expect(stdout).to.match(/rootVoltage +│ 2 +│ 0\.8000 +│ 38\.30 +│ 0\.97618 +│ 2 /);
    expect(stdout).to.match(/meshed +│ refused: line 13: branch 2-3 closes a cycle/);
    expect(stdout).to.contain("7 of 8 imported");
  });

  it("wants a folder", () => {
    expect(run().status).to.equal(2);
    expect(run("no/such/folder").stderr).to.equal("no/such/folder: there is no such folder\n");
  });
});

describe("importCase", () => {
  it("names file and line of what it refuses", () => {
    const file = path("../../test/feeders/meshed.m");
    expect(() => importCase(file)).to.throw(InputError, `${file}: line 13: branch 2-3 closes a cycle`);
    expect(() => importCase("gone.m")).to.throw(InputError, "gone.m: there is no such file");
  });
});
