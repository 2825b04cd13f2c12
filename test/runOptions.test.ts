import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { loadScenario } from "../offchain-solver/scenarios/loadScenario.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";
import { captured } from "./support/commandLine.ts";

describe("what gridpact run offers", function () {
  this.timeout(600_000);
  const out = mkdtempSync(join(tmpdir(), "gridpact-run-"));
  const small = ["ieee15", "--population", "5", "--hours", "1"];

  it("settles and is found valid, whatever is chosen", async () => {
    const choices = [
      ...["admm", "gsa", "gsa1"].map((name) => ["--method", name]),
      ...["bonferroni", "gaussian", "robust", "deterministic"].map((name) => ["--risk", name]),
      ["--epsilon", "0.1"],
      ["--network-risk", "off"],
      ["--carbon", "off"],
      ["--trade", "off"],
      ["--tighten", "auto"],
      ["--rho", "2"],
      ["--minutes", "30"],
    ];
    for (const choice of choices) {
      const { code, stdout, stderr } = await captured("run", ...small, ...choice, "--out", out);
      expect(code, `${choice.join(" ")}: ${stderr.split("\n").slice(-4).join("\n")}\n${stdout.slice(-900)}`).to.equal(
        0,
      );
    }
  });

  it("settles at scarcity prices and at prices below zero, with bills as they come, each run in a folder of its own", async () => {
    const prices: [string, number, number, number][] = [
      ["scarce", 5000, 4000, 0.5],
      ["negative", -100, -150, 1],
      ["negative", -100, -150, 1],
    ];
    const folder = mkdtempSync(join(tmpdir(), "gridpact-prices-"));
    const hours = loadScenario("ieee15");
    for (const [name, buy, sell, periodHours] of prices) {
      const file = join(folder, `${name}.json`);
      // The least a market settles is one hour.
      const hour = takeHours({ ...hours, periodHours }, 1);
      const all = (price: number): number[] => Array.from({ length: hour.hours }, () => price);
      const tariff = { ...hour.tariff, buyPerMwh: all(buy), sellPerMwh: all(sell) };
      writeFileSync(file, JSON.stringify({ ...hour, name, tariff }));
      const { code, stderr } = await captured("run", file, "--out", join(folder, "out"));
      expect(code, `${name}: ${stderr}`).to.equal(0);
    }
    const sessions = readdirSync(join(folder, "out")).sort();
    expect(sessions).to.deep.equal(["negative-2021-07-15-1h", "negative-2021-07-15-1h-2", "scarce-2021-07-15-1h"]);
    for (const session of sessions) {
      const audit = JSON.parse(readFileSync(join(folder, "out", session, "audit.json"), "utf8"));
      expect(audit.verdicts[0].verdict, session).to.equal("valid");
    }
  });
});
