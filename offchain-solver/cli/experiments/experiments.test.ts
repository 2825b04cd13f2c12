import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { createMarket, defaultSettings } from "../../market/market.ts";
import { moved, reserveOf, scenarioOf, solve, write } from "./common.ts";
import { refitted } from "./dataSize.ts";

describe("experiments", function () {
  this.timeout(60_000);

  it("write a table, figures and a page that names its command", () => {
    const folder = mkdtempSync(join(tmpdir(), "gridpact-experiment-"));
    const files = write(folder, "tea", "gridpact experiment tea", {
      title: "Tea",
      header: ["leaf", "grams"],
      rows: [
        ['green, "fine"', 0.1 + 0.2],
        ["black", 2],
      ],
      figures: { "-hot": "<svg/>", "": "<svg/>" },
      text: ["Warm."],
    });
    expect(files.every((file) => existsSync(file))).to.equal(true);
    expect(readFileSync(join(folder, "tea.csv"), "utf8")).to.equal('leaf,grams\n"green, ""fine""",0.3\nblack,2\n');
    const page = readFileSync(join(folder, "tea.md"), "utf8");
    expect(page).to.match(/gridpact experiment tea/);
    expect(page.indexOf("(tea.svg)")).to.be.below(page.indexOf("(tea-hot.svg)"));
  });

  it("refit the moments: all 32 days give the scenario's own, few days others", () => {
    const scenario = scenarioOf("ieee15", 3);
    const sigma = (of: typeof scenario) => createMarket(of, defaultSettings(of)).sigma;
    const [own, all, few] = [scenario, refitted(scenario, 32, false), refitted(scenario, 6, false)].map(sigma);
    own.forEach((hour, t) => hour.forEach((s, i) => expect(all[t][i]).to.be.closeTo(s, 1e-9)));
    expect(own.some((hour, t) => hour.some((s, i) => Math.abs(few[t][i] - s) > 1e-3))).to.equal(true);
    expect(refitted(scenario, 6, true).risk.stdRadius.every((r) => r > 0)).to.equal(true);
  });

  it("count reserve on both sides of the market", () => {
    const solved = solve(scenarioOf("ieee15", 2));
    if (typeof solved === "string") throw new Error(solved);
    const { booked, utility, required } = reserveOf(solved);
    // Pooling books less than the sum of what is asked.
    expect(booked + utility).to.be.within(0.3 * required, required);
    expect(moved({ limits: [{ deviation: 0 }, { deviation: 0.1 }] } as never)).to.have.length(1);
    expect(solve(scenarioOf("ieee15", 12), { epsilon: 0.001 })).to.match(/infeasible|failed/);
  });
});
