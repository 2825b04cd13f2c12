import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { ClearingJsonSchema } from "../records/clearingJson.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import { clear } from "../simulation/clear.ts";
import { InputError } from "../io/inputError.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import { summary } from "./clear.ts";
import { readNamed } from "./clearOptions.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const run = (...args: string[]) => spawnSync(process.execPath, [main, "clear", ...args], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "gridpact-clear-"));

describe("gridpact clear", function () {
  this.timeout(300_000);

  it("draws a population on a feeder or a MATPOWER case, the same for the same seed", () => {
    const draw = (base: string): ReturnType<typeof readNamed> => readNamed(base, { population: 5, seed: 3, hours: 2 });
    expect(draw("case15da")).to.deep.equal(draw("case15da"));
    for (const scenario of [
      draw("case15da"),
      draw(fileURLToPath(new URL("../../test/feeders/perUnit.m", import.meta.url))),
    ]) {
      expect(scenario.prosumers.length).to.equal(5);
      const { status } = clear(scenario, {
        method: "central",
        trade: true,
        rhoScale: 1,
        maxIterations: 1,
        market: defaultSettings(scenario),
      });
      expect(status).to.equal("solved");
    }
  });

  it("promises what a bound reaches, and refuses less, what has no bound and what is no promise, by name", function () {
    this.timeout(300_000);
    const refusal = (...args: string[]): string => {
      const { status, stderr } = run("ieee15", "--hours", "1", "--method", "central", ...args);
      expect(status, stderr).to.equal(2);
      return stderr;
    };
    expect(refusal("--promise", "week:.1")).to.include("--promise week:.1: must be day:D or day-bound:D");
    const tightened = refusal("--promise", "day:.1", "--tighten", "auto");
    expect(tightened).to.include("--promise day:0.1: --tighten auto: eps is found at limits as they are");
    const apart = run("ieee15", ..."--hours 1 --method central --promise day:.9 --trade off".split(" "));
    const [, found] = /eps 0\.2: \$([\d.]+), breaks/.exec(apart.stderr) ?? [];
    expect(apart.stdout).to.match(new RegExp(`^objective ${found} `, "m"));
    expect(apart.stderr).to.match(/promised: eps 0\.2 breaks .* left out, .* of 28 days .* held out$/m);
    expect(refusal("--promise", "day-bound:1e-9")).to.include("--promise day-bound:1e-9: the least that is reached");
    const lasting = refusal("--promise", "day-bound:.1", "--sustain", "1");
    expect(lasting).to.include("--promise day-bound:0.1: the bound knows no ramps and no stored energy");
    const least = /the least that is reached is ([\d.]+), at eps [\d.]+/.exec(refusal("--promise", "day-bound:0"));
    const reached = Number(least?.[1]);
    expect(reached).to.be.within(0.001, 1);
    const kept = run("ieee15", "--hours", "1", "--method", "central", "--promise", `day-bound:${1.01 * reached}`);
    expect(kept.status, kept.stderr).to.equal(0);
    expect(kept.stderr).to.match(/promised: eps [\d.]+; at most [\d.]+ % of days, whatever the distribution/);
  });

  it("prints a summary that fits the terminal, by bus, its payments those of the record", () => {
    const scenario = readNamed("ieee15", { hours: 2 });
    const market = defaultSettings(scenario);
    const options = { method: "central", trade: true, rhoScale: 1, maxIterations: 1, market } as const;
    const session = clear(scenario, options);
    const json = toClearingJson(session, options);
    for (const width of [60, 80, 200]) {
      const lines = summary(session, json, width).split("\n");
      const table = lines.filter((line) => /^[│┌├└]/.test(line));
      for (const line of table) expect(line.length).to.be.at.most(width);
      const rows = table
        .map((line) => line.split("│").map((cell) => cell.trim()))
        .filter(([, id]) => /^\d+$/.test(id ?? ""));
      expect(rows.map(([, , bus]) => Number(bus))).to.deep.equal(
        json.prosumers.map(({ bus }) => bus).sort((a, b) => a - b),
      );
      for (const row of rows) {
        const { cost, payment } = json.prosumers.find(({ id }) => id === Number(row[1]))!;
        const paid = payment.energy + payment.reserve + payment.carbon + payment.network;
        const [payments, device, total] = row.slice(-4, -1).map(Number);
        expect([payments, device, total]).to.deep.equal(
          [paid, cost, paid + cost].map((value) => Number(value.toFixed(2)) + 0),
        );
        expect(row.join(" ")).not.to.match(/-0\.00\b/);
      }
      const left = lines.filter((line) => line.startsWith("no room for"));
      expect(left).to.have.length(width < 100 ? 1 : 0);
    }
  });

  it("refuses a feeder without a population, a seed without one, and radii that a scenario does not carry", () => {
    expect(() => readNamed("test.m", {})).to.throw(InputError, /test\.m.*--population/);
    expect(() => readNamed("ieee15", { seed: 3 })).to.throw(InputError, /--seed 3.*--population/);
    expect(() => readNamed("case15da", { population: 4, hours: 2, radii: "on" })).to.throw(
      InputError,
      /bootstrapMeanRadius/,
    );
    expect(readNamed("ieee15", { hours: 2, radii: "on" }).risk.meanRadius[0]).to.be.above(0);
  });

  it("refuses radii beside reserve that lasts, wherever they meet, and hours that are no whole periods", () => {
    const file = join(folder, "lasting.json");
    writeFileSync(file, JSON.stringify(readNamed("ieee15", { hours: 2, sustain: 2 })));
    expect(() => readNamed(file, { radii: "on" })).to.throw(
      InputError,
      /ieee15.*: --radii on: they are known by the period only, and risk\.sustainHours = 2; --sustain 0/,
    );
    expect(() => readNamed("ieee15", { hours: 2, radii: "on", sustain: 2 })).to.throw(InputError, /--sustain 2: radii/);
    expect(readNamed(file, { radii: "on", sustain: 0 }).risk.meanRadius[0]).to.be.above(0);
    expect(readNamed(file, { radii: "off" }).risk.sustainHours).to.equal(2);
    for (const sustain of [1.49, 0.5, 1e-3])
      expect(() => readNamed("ieee15", { hours: 2, sustain })).to.throw(
        InputError,
        `--sustain ${sustain}: must be 0 or a multiple of the period, 1 h`,
      );
    expect(readNamed("ieee15", { hours: 2, minutes: 15, sustain: 0.5 }).risk.sustainHours).to.equal(0.5);
  });

  it("goes on from a saved state, and refuses one of another session", () => {
    const state = join(folder, "state.json");
    const json = join(folder, "again.json");
    const first = run("ieee15", "--hours", "2", "--save-state", state);
    expect(first.status, first.stderr).to.equal(0);
    const again = run("ieee15", "--hours", "2", "--warm", state, "--json", json);
    expect(again.status, again.stderr).to.equal(0);
    // Where it stood residuals are met at once; one more evaluation answers the question for regrets.
    expect(ClearingJsonSchema.parse(JSON.parse(readFileSync(json, "utf8"))).iterations).to.equal(2);
    const refused = (file: string, ...args: string[]): string => {
      const { status, stderr } = run("ieee15", ...args, "--warm", file);
      expect(status).to.equal(2);
      return stderr.trim();
    };
    expect(refused(state, "--hours", "3")).to.equal(`${state}: hours = 2: this session has 3`);
    expect(refused(state, "--hours", "2", "--rho", "2")).to.match(/rho\[0\] = \d+: this session clears with/);
    expect(refused(state, "--hours", "2", "--trade", "off")).to.match(/agents\[0\]\.image = "\d+ bytes"/);
    expect(refused(state, "--method", "central")).to.match(/--warm .*only agents/);
    const spoilt = JSON.parse(readFileSync(state, "utf8"));
    spoilt.agents[3].id = 99;
    const other = join(folder, "spoilt.json");
    writeFileSync(other, JSON.stringify(spoilt));
    expect(refused(other, "--hours", "2")).to.match(/agents\[3\]\.id = 99/);
    expect(refused(join(folder, "nowhere.json"), "--hours", "2")).to.match(/there is no such file/);
  });

  it("writes what the errors do afterwards, with a table and a figure", () => {
    const [json, figure] = [join(folder, "clearing.json"), join(folder, "violations.svg")];
    const { status, stdout, stderr } = run(
      ..."ieee15 --hours 3 --method central --monte-carlo 200 --tighten auto --reserve sequential".split(" "),
      "--json",
      json,
      "--figure",
      figure,
    );
    expect(status, stderr).to.equal(0);
    const written = ClearingJsonSchema.parse(JSON.parse(readFileSync(json, "utf8")));
    expect(written.settings.reserve).to.equal("sequential");
    expect(written.outOfSample?.draws).to.equal(200);
    expect(written.outOfSample?.limits.length).to.be.above(100);
    expect(written.tightening?.passed).to.equal(true);
    expect(existsSync(figure)).to.equal(true);
    expect(stdout)
      .to.match(/per two-sided constraint and hour, not jointly/)
      .and.match(/the sweep passes/);
  });
});
