import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { createMarket, defaultSettings, type MarketSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Prosumer, Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { withHeatPumps, withVehicles } from "./support/homeDevices.ts";
import { resized } from "../offchain-solver/scenarios/resized.ts";
import { stretchOf } from "../offchain-solver/scenarios/stretch.ts";
import { withSustain } from "../offchain-solver/scenarios/withSustain.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";

/**
 * Debian's python3-cvxopt belongs to this one. scripts/setup-debian.sh installs it; without it these tests fail, they
 * do not skip.
 */
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
const path = (file: string): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

const oracle = (...args: string[]): number => oracleOf(path("cases/scenarios/ieee15.json"), ...args);

function oracleOf(file: string, ...args: string[]): number {
  const run = spawnSync(PYTHON, [path("test/oracle/oracle.py"), file, ...args], { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`oracle ${args.join(" ")}: ${run.stderr || run.stdout || String(run.error)}`);
  return (JSON.parse(run.stdout) as { objective: number }).objective;
}

function central(hours: number, settings: Partial<MarketSettings>, day = loadScenario("ieee15")): number {
  const scenario = takeHours(day, hours);
  const market = createMarket(scenario, { ...defaultSettings(scenario), ...settings });
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return result.objective;
}

const HOMES: readonly (readonly [name: string, given: (scenario: Scenario) => Scenario])[] = [
  ["electric cars", withVehicles],
  ["heat pumps", withHeatPumps],
];
const withoutHomeDevices = ({ vehicle: _car, heatPump: _pump, ...prosumer }: Prosumer): Prosumer => prosumer;

describe("the model written twice", function () {
  this.timeout(300_000);

  for (const risk of ["ts-drcc", "bonferroni", "gaussian"] as const)
    it(`has one optimum with ${risk} on bookings, voltages and lines`, () => {
      const theirs = oracle("--hours", "2", "--risk", risk, "--network-risk", "on");
      expect(Math.abs(central(2, { risk }) / theirs - 1)).to.be.below(1e-6);
    });

  it("has one optimum at any size and with quarter-hours: kappa and k_q follow the size alone", () => {
    const small = { ...resized(loadScenario("ieee15"), 0.004), periodHours: 0.25 };
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "small.json");
    writeFileSync(file, JSON.stringify(small));
    // Ours counts hours by the clock, the oracle counts periods.
    const theirs = oracleOf(file, "--hours", "3", "--network-risk", "on");
    expect(Math.abs(central(0.75, {}, small) / theirs - 1)).to.be.below(1e-6);
  });

  it("has one optimum in a stretch of a day that begins and ends where a plan has everything", () => {
    const given = withHeatPumps(withVehicles(takeHours(loadScenario("ieee15"), 6)));
    const day = {
      ...given,
      prosumers: given.prosumers.map((one) => ({ ...one, load: { ...one.load, flexibleShare: 0.1 } })),
    };
    const market = createMarket(day, defaultSettings(day));
    const plan = solveCentral(market, createNetwork(market), clarabelSolver);
    if (plan.status !== "solved") throw new Error(plan.status);
    const part = stretchOf(day, plan.solution.schedules, { from: 2, to: 4 });
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "stretch.json");
    writeFileSync(file, JSON.stringify(part));
    const theirs = oracleOf(file, "--hours", "2", "--network-risk", "on");
    expect(Math.abs(central(2, {}, part) / theirs - 1)).to.be.below(1e-6);
    // What it has to hand on costs something: forgetting it would be another optimum.
    const asked = part.prosumers.map(({ battery, load, ...one }) => {
      const { shiftedMwh: _, ...rest } = load;
      return { ...one, load: rest, ...(battery && { battery: { ...battery, finalMwh: battery.minMwh } }) };
    });
    expect(central(2, {}, { ...part, prosumers: asked }) / theirs).to.be.below(1 - 1e-5);
  });

  for (const [name, given] of HOMES)
    it(`has one optimum with ${name}, in hours and in quarter-hours of a street`, () => {
      const day = takeHours(loadScenario("ieee15"), 4);
      const street = { ...resized(given(day), 0.01), periodHours: 0.25 };
      for (const [scenario, hours, periods] of [
        [given(day), 4, 4],
        [given(street), 1, 4],
      ] as const) {
        const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "homes.json");
        writeFileSync(file, JSON.stringify(scenario));
        const theirs = oracleOf(file, "--hours", `${periods}`, "--network-risk", "on");
        const plain = central(hours, {}, { ...scenario, prosumers: scenario.prosumers.map(withoutHomeDevices) });
        expect(Math.abs(central(hours, {}, scenario) / theirs - 1)).to.be.below(1e-6);
        // Another market than without them, by far more than that.
        expect(Math.abs(plain / theirs - 1)).to.be.above(1e-3);
      }
    });

  for (const sustain of [0, 2])
    it(`has one optimum after generators that ran at full power, answers ${sustain === 0 ? "by the hour" : "that last"}`, () => {
      const day = withSustain(takeHours(loadScenario("ieee15"), 2), sustain);
      const after = {
        ...day,
        prosumers: day.prosumers.map(({ generator, ...rest }) =>
          generator ? { ...rest, generator: { ...generator, initialMw: generator.maxMw } } : rest,
        ),
      };
      const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "after.json");
      writeFileSync(file, JSON.stringify(after));
      const theirs = oracleOf(file, "--network-risk", "on");
      expect(Math.abs(central(2, {}, after) / theirs - 1)).to.be.below(1e-6);
      // They cannot come down at once, which costs something.
      expect(central(2, {}, day) / theirs).to.be.below(1 - 1e-4);
    });

  for (const [hours, sustain, risk] of [
    [3, 1, "ts-drcc"],
    [3, 3, "bonferroni"],
    [6, 24, "ts-drcc"],
  ] as const)
    it(`has one optimum with reserve that lasts ${sustain} h, over ${hours} h, ${risk}`, function () {
      this.timeout(300_000);
      const day = withSustain(takeHours(loadScenario("ieee15"), hours), sustain);
      const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "sustained.json");
      writeFileSync(file, JSON.stringify(day));
      const theirs = oracleOf(file, "--risk", risk, "--network-risk", "on");
      const ours = central(hours, { risk }, day);
      expect(Math.abs(ours / theirs - 1)).to.be.below(1e-6);
      // Where an answer has to go on it binds: reserve that is booked by the period costs less.
      if (sustain > 1) expect(central(hours, { risk }, withSustain(day, 0))).to.be.below(ours * (1 - 1e-4));
    });

  for (const [hours, sustain] of [
    [3, 0],
    [3, 3],
  ] as const)
    it(`has one optimum with loads that err, answers ${sustain === 0 ? "by the hour" : `for ${sustain} h`}`, () => {
      const day = withSustain(takeHours(loadScenario("ieee15-loads"), hours), sustain);
      const file = join(mkdtempSync(join(tmpdir(), "gridpact-")), "loads.json");
      writeFileSync(file, JSON.stringify(day));
      const theirs = oracleOf(file, "--network-risk", "on");
      expect(Math.abs(central(hours, {}, day) / theirs - 1)).to.be.below(1e-6);
    });

  it("has one optimum with the network at the forecast only", () => {
    const theirs = oracle("--hours", "3");
    expect(Math.abs(central(3, { networkRisk: false }) / theirs - 1)).to.be.below(1e-6);
  });
});
