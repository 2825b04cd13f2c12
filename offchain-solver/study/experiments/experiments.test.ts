import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { InputError } from "../../io/inputError.ts";
import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import { moved, reserveOf, scenarioOf, solve, write, type Experiment } from "./common.ts";
import { convergenceRuns, envelope, RHO_SCALES, SCANNED, WAYS } from "./convergenceRun.ts";
import { refitted } from "./dataSize.ts";
import { daysDrawnAnew, IntradayDays, type PlayedDay } from "./intradayDays.ts";
import { intradayExperiment } from "./intraday.ts";
import { promiseExperiment } from "./promise.ts";
import { summaryOf } from "./reclearing.ts";
import { replayExperiment } from "./replay.ts";
import { courseOf, reclearingRuns } from "./reclearingRun.ts";
import { exponentOf } from "./scale.ts";
import { roundingRows, type RoundingRow } from "./rounding.ts";
import { streetDays } from "./street.ts";
import { takeHours } from "../../scenarios/loadScenario.ts";
import { resized } from "../../scenarios/resized.ts";
import { scaleRun } from "./scaleRun.ts";
import { sizeRow } from "./sizes.ts";

describe("experiments", function () {
  this.timeout(300_000);

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

  it("fit the exponent of a power", () => {
    expect(exponentOf([1, 3, 10].map((x) => [x, 7 * x * Math.sqrt(x)] as const))).to.be.closeTo(1.5, 1e-12);
  });

  it("clear a market as small and as large as they say, and measure what rounding costs there", () => {
    const [small, large] = [0.001, 100].map((factor) => sizeRow("two hours", scenarioOf("ieee15", 2), factor));
    expect(large.sizeKw / small.sizeKw).to.be.closeTo(1e5, 1e-3);
    expect([small.status, large.status]).to.deep.equal(["solved", "solved"]);
    expect(small.evaluations / large.evaluations).to.be.within(0.95, 1.05);
    for (const row of [small, large]) {
      expect(Math.abs(row.gap)).to.be.below(1e-5);
      expect(row.pricesSame).to.be.above(0.9);
    }
    // A Wh is a hundred thousand times more of the small one.
    expect(small.paymentShift).to.be.above(30 * large.paymentShift);
  });

  it("measure what whole units do to a bill: the larger a market, the less, and never more than its units", async () => {
    const [day] = await streetDays(15, [undefined]);
    const [small, large] = [1, 256].map((x) =>
      roundingRows({ ...day, scenario: resized(takeHours(day.scenario, 1), x) }),
    );
    const share = (rows: readonly RoundingRow[]): number =>
      rows.reduce((sum, { shift }) => sum + Math.abs(shift), 0) / rows.reduce((sum, { gross }) => sum + gross, 0);
    expect(share(small)).to.be.above(30 * share(large));
    // Four periods, a Wh and a W or two in each, at less than 50 ct.
    for (const { shift } of small) expect(Math.abs(shift)).to.be.below(4 * 0.05 * 2);
  });

  it("play held-out days in parts: what is kept is not played again, and what was never measured is refused", () => {
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-days-")), "days.jsonl");
    const day = scenarioOf("ieee15", 3);
    const played = new IntradayDays(day, "central", file).day(1, 1, 4);
    expect(played).to.include({ scenario: "ieee15", hours: 3, sustain: 1, every: 1, day: 4 });
    expect(played.looked["stored energy"]).to.be.within(1, 3 * day.prosumers.length);
    const [line] = readFileSync(file, "utf8").trim().split("\n");
    writeFileSync(file, `${line.replace(/"cost":[^,]*/, '"cost":12.5')}\n`);
    expect(new IntradayDays(day, "central", file).day(1, 1, 4).cost).to.equal(12.5);
    expect(new IntradayDays(day, "central", file).day(1, 3, 4).cost).not.to.equal(12.5);
    expect(readFileSync(file, "utf8").trim().split("\n")).to.have.length(2);
    // Of days that are kept without a method, the central one cleared them.
    const agents = new IntradayDays(day, "anderson", file).day(1, 1, 4);
    expect(agents.cost).to.be.within(played.cost * (1 - 1e-3), played.cost * (1 + 1e-3));
    expect(agents.beyond.map(({ limit, prosumer, period }) => `${limit} ${prosumer} ${period}`)).to.deep.equal(
      played.beyond.map(({ limit, prosumer, period }) => `${limit} ${prosumer} ${period}`),
    );
    writeFileSync(file, `${line.replace(/"method":[^,]*,/, "")}\n`);
    expect(new IntradayDays(day, "central", file).day(1, 1, 4)).to.deep.equal(played);
    writeFileSync(file, `${line}\n{"day":1}\n`);
    expect(() => new IntradayDays(day, "central", file)).to.throw(`${file}: line 2`);
  });

  it("replay what agents cleared as what the central method did, and what is kept without clearing again", () => {
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-replay-")), "cleared.jsonl");
    const some = { hours: 3, sustain: 3 };
    const [central, agents] = [replayExperiment(some), replayExperiment({ ...some, agents: true, keep: file })];
    const costs = ({ rows }: Experiment): number[] => rows.map((row) => Number(row[4]));
    costs(agents).forEach((cost, k) => expect(cost / costs(central)[k]).to.be.within(1 - 1e-5, 1 + 1e-5));
    // Batteries that were cleared for an hour's answer leave their limits in three; those cleared for three do not.
    for (const { rows } of [central, agents]) {
      const beyond = (sustain: number, reclear: number): number =>
        Number(rows.find((row) => row[1] === sustain && row[2] === reclear && row[6] === "stored energy")![8]);
      expect(beyond(0, 24)).to.be.above(0);
      expect(beyond(3, 3)).to.equal(0);
    }
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines).to.have.length(3);
    writeFileSync(file, `${lines.join("\n").replace(/"objective":[^,]*/, '"objective":12.5')}\n`);
    expect(costs(replayExperiment({ ...some, agents: true, keep: file }))).to.include(12.5);
    expect(readFileSync(file, "utf8").trim().split("\n")).to.have.length(3);
  });

  it("replay what is kept of the method that is asked for alone, each row of it once, and what is missing anew", () => {
    const file = join(mkdtempSync(join(tmpdir(), "gridpact-replay-")), "cleared.jsonl");
    const some = { hours: 1, sustain: 0, keep: file };
    const whole = replayExperiment(some).rows;
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect([lines.length, whole.length]).to.deep.equal([2, 8]);
    // One of the two lines, of which the last has no end, and one of another method that costs nothing like it.
    const other = lines[1].replace('"central"', '"anderson"').replace(/"objective":[^,]*/, '"objective":12.5');
    writeFileSync(file, `${other}\n${lines[0]}`);
    expect(replayExperiment(some).rows).to.deep.equal(whole);
    expect(readFileSync(file, "utf8")).to.equal(`${other}\n${lines[0]}\n${lines[1]}\n`);
    writeFileSync(file, [...lines, ...lines].join("\n"));
    expect(replayExperiment(some).rows).to.deep.equal(whole);
    writeFileSync(file, `${lines[0]}\n${lines[1].slice(0, 40)}`);
    expect(() => replayExperiment(some)).to.throw(InputError, `${file}: line 2: is no JSON`);
    writeFileSync(file, `${lines[0].replace(/"reclear":[^,]*/, '"reclear":"1"')}\n`);
    expect(() => replayExperiment(some)).to.throw(InputError, `${file}: line 1: reclear = "1": expected number`);
  });

  it("refuse a row that there is not before any work, and a page of nothing", () => {
    expect(() => intradayExperiment({ every: 6, sustain: 3 })).to.throw(
      InputError,
      "--every 6 --sustain 3: is no row; there are --every and --sustain 24 and 0, 24 and 24, 6 and 6",
    );
    expect(() => intradayExperiment({ every: 2 })).to.throw(InputError, "--every 2: is no row");
    expect(() => promiseExperiment({ scenario: "ieee15", tries: 0 })).to.throw(
      InputError,
      "--tries 0: nothing is kept",
    );
  });

  it("draw whole days anew: hours that fail together make an interval wider than as many that fail alone", () => {
    const days = (broken: (day: number) => number) =>
      Array.from({ length: 28 }, (_, day) => ({ day, broken: broken(day) })) as unknown as PlayedDay[];
    const widthOf = (of: readonly PlayedDay[]): number => {
      const [low, high] = daysDrawnAnew(of, (day) => [(day as unknown as { broken: number }).broken, 144], 4000, 2);
      expect(low).to.be.at.most(28 / (28 * 144));
      expect(high).to.be.at.least(28 / (28 * 144));
      return high - low;
    };
    const [together, alone] = [days((day) => (day === 3 ? 28 : 0)), days(() => 1)].map(widthOf);
    expect(alone).to.equal(0);
    // One day of 28 is drawn never or three times and more by chance: 0 to about 3 / 144.
    expect(together).to.be.within(2 / 144, 4 / 144);
  });

  it("time the iterations of a generated session, and clear it where they are enough", () => {
    const task = { prosumers: 8, seed: 1, hours: 1 };
    const short = scaleRun({ ...task, iterations: 5 });
    expect([short.status, short.done]).to.deep.equal(["max iterations", 5]);
    expect(short.wallMs).to.be.above(0);
    // A pair's trade goes both ways; everybody offers to the operator and hears from it.
    expect(short.messages).to.be.within(2 * (short.pairs + 8), 2.5 * (short.pairs + 8));
    const whole = scaleRun({ ...task, iterations: 3000, central: true });
    expect(whole.status).to.equal("solved");
    expect(whole.regret).to.be.within(0, 1e-3 * Math.abs(whole.objective as number));
    expect(Math.abs(whole.central?.gap as number)).to.be.below(1e-4);
  });

  it("run every method at the default rho and four of them at nine, and say what did not stop", () => {
    const rows = convergenceRuns({ feeder: "ieee15", hours: 1, scanHours: 1, scanAll: true, maxIterations: 60 });
    expect(rows).to.have.length(WAYS.length + SCANNED.length * (RHO_SCALES.length - 1));
    const of = (way: string) => rows.find((row) => row.way === way && row.rhoScale === 1);
    expect([of("plain")?.status, of("plain")?.iterations]).to.deep.equal(["max iterations", 60]);
    for (const row of rows) {
      const [at, residual] = row.curve[row.curve.length - 1];
      expect(at).to.equal(row.iterations);
      // Residuals alone end nothing: the certificate is asked once they are met.
      if (row.status === "solved") expect(residual).to.be.at.most(1);
      else expect([row.status, row.iterations]).to.deep.equal(["max iterations", 60]);
    }
  });

  it("clear again with changed forecasts, and say where each run starts and passes", () => {
    const residual = (primal: number) => ({ primal, dual: primal / 2 });
    const { start, hundred, ten, end } = courseOf({ residuals: [5000, 100, 120, 9, 1].map(residual) });
    expect([start, hundred, ten, end]).to.deep.equal([5000, 2, 4, 5]);
    const rows = reclearingRuns({ instance: "ieee15", hours: 1 });
    expect(rows).to.have.length(6);
    for (const { status, cold, warm, passes } of rows) {
      expect(status).to.equal("solved");
      expect(warm.start).to.be.below(cold.start);
      expect(passes).to.be.within(2, cold.end);
      // So short a run is drawn point by point.
      expect(cold.curve[passes - 1][1]).to.be.at.most(warm.start);
      expect(cold.curve[passes - 2][1]).to.be.above(warm.start);
      expect(warm.curve.at(-1)?.[1]).to.be.at.most(1);
    }
    expect(summaryOf(rows)).to.include("ieee15, 1 h").and.not.include("Not solved");
    expect(summaryOf([{ ...rows[0], status: "max iterations" }])).to.include("Not solved: all - 5 %");
    const [missed, ...rest] = rows;
    const none = courseOf({ residuals: [] });
    // As it comes from the process that ran it.
    expect(JSON.parse(JSON.stringify(none))).to.deep.equal({ start: 0, hundred: 0, ten: 0, end: 0, curve: [] });
    const never = { ...missed, status: "infeasible", cold: none };
    expect(summaryOf([never, ...rest]))
      .to.include("Not solved: all - 5 %: infeasible")
      .and.not.include("NaN");
  });

  it("draw a long curve by its upper envelope", () => {
    const residuals = Array.from({ length: 1000 }, (_, k) => ({ primal: k === 500 ? 9 : 1, dual: 2 }));
    const curve = envelope(residuals, 10);
    expect(curve).to.have.length(10);
    expect(curve.filter(([, r]) => r === 9)).to.deep.equal([[600, 9]]);
  });
});
