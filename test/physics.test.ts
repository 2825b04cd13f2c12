import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ClearingJsonSchema } from "../offchain-solver/records/clearingJson.ts";
import { loadScenario } from "../offchain-solver/scenarios/loadScenario.ts";
import { takeHours } from "../offchain-solver/scenarios/periods.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { captured } from "./support/commandLine.ts";

describe("what a clearing says of the physics", function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), "gridpact-physics-"));
  const fileOf = (name: string, change: (scenario: Scenario) => Scenario, hours = 1): string => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(change(takeHours(loadScenario("ieee15"), hours))));
    return file;
  };
  const heavier =
    (times: number) =>
    (s: Scenario): Scenario => ({
      ...s,
      prosumers: s.prosumers.map((p) => ({
        ...p,
        load: { ...p.load, fixedMw: p.load.fixedMw.map((mw) => times * mw) },
      })),
    });

  it("gives no figure of a sweep that does not converge, and says so", async () => {
    const json = join(folder, "overload.out.json");
    const file = fileOf("overload", heavier(40));
    const { code, stdout, stderr } = await captured("clear", file, "--network", "off", "--json", json);
    expect(code, stderr).to.equal(0);
    expect(stdout)
      .to.match(/AC sweep: does not converge in period 0/)
      .and.not.match(/NaN|loading at most/);
    const { network } = ClearingJsonSchema.parse(JSON.parse(readFileSync(json, "utf8")));
    const { converged, ...figures } = network.ac;
    expect(converged).to.deep.equal([false]);
    for (const values of Object.values(figures)) expect(values).to.deep.equal([null]);
    expect(network.voltage[0].some((v) => v === null)).to.equal(true);
  });

  it("says what to try where a session is infeasible, and where it runs out of iterations", async () => {
    const heavy = await captured("clear", fileOf("heavy", heavier(40)), "--method", "central");
    expect(heavy.code).to.equal(3);
    expect(heavy.stderr).to.match(/infeasible: .*would have to be wider.*: try .*--network off/);
    const short = await captured("clear", "ieee15", "--hours", "1", "--max-iterations", "2");
    expect(short.code).to.equal(3);
    expect(short.stderr).to.match(/max iterations: .*try a larger --max-iterations/);
  });

  it("counts violations for the default method too, bookings of nothing included", async () => {
    const json = join(folder, "drawn.json");
    const { code, stderr } = await captured("clear", "ieee15", "--hours", "24", "--monte-carlo", "50", "--json", json);
    expect(code, stderr).to.equal(0);
    const { outOfSample, prosumers } = ClearingJsonSchema.parse(JSON.parse(readFileSync(json, "utf8")));
    expect(outOfSample?.limits.every(({ deviation }) => deviation >= 0)).to.equal(true);
    for (const { schedule } of prosumers)
      expect(Math.min(...schedule.reserveUpMw, ...schedule.reserveDownMw)).to.be.at.least(0);
  });

  it("prices an allowance for who has no partner by desk and devices", async () => {
    const json = join(folder, "alone.json");
    const central = join(folder, "alone.central.json");
    for (const [target, method] of [
      [json, "anderson"],
      [central, "central"],
    ]) {
      const args = ["clear", "ieee15", "--hours", "2", "--trade", "off", "--method", method, "--json", target];
      const { code, stdout, stderr } = await captured(...args);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/no energy trades between prosumers/);
    }
    const prices = [json, central].map((file) =>
      ClearingJsonSchema.parse(JSON.parse(readFileSync(file, "utf8"))).prosumers.map(({ carbon }) => carbon.priceMu),
    );
    prices[0].forEach((price, i) => expect(price).to.be.within(24.99, 30.01).and.closeTo(prices[1][i], 0.15));
  });
});
