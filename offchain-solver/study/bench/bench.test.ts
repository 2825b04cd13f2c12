import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { InputError } from "../../io/inputError.ts";
import { defaultSettings } from "../../market/scenario/market.ts";
import { loadScenario } from "../../scenarios/loadScenario.ts";
import { takeHours } from "../../scenarios/periods.ts";
import { clear } from "../../simulation/clear.ts";
import { bench } from "./bench.ts";
import { methodsOf } from "../../cli/benchCommand.ts";
import { argumentOf, instanceOf, INSTANCES, marketOf } from "./benchInstance.ts";
import { againstPlain, type PlainBest } from "./benchScan.ts";
import type { Reclearing } from "./benchReclear.ts";
import type { BenchRow } from "./benchTable.ts";

describe("gridpact bench", function () {
  this.timeout(300_000);

  it("compares a method with plain iterations at their best rho, and keeps what others recorded", () => {
    const json = join(mkdtempSync(join(tmpdir(), "gridpact-bench-")), "record.json");
    const run = (epsilon?: number): BenchRow[] =>
      bench({
        instances: [epsilon === undefined ? { scenario: "ieee15" } : { scenario: "ieee15", epsilon }],
        methods: [{ name: "anderson", method: "anderson" }],
        hours: 1,
        maxIterations: 1000,
        rhoScan: true,
        json,
        quiet: true,
      });
    const [row] = run();
    expect(row.status).to.equal("solved");
    expect(Math.abs(row.objectiveGap)).to.be.below(1e-4);
    expect(row.messages).to.be.above(row.iterations);
    const scenario = takeHours(loadScenario("ieee15"), 1);
    const options = { method: "anderson", market: defaultSettings(scenario), trade: true, rhoScale: 1 } as const;
    expect(row.evaluations).to.equal(clear(scenario, { ...options, maxIterations: 1000 }).evaluations);
    // One hour has nothing to share out.
    expect(row.hoursAtOnceMs).to.equal(row.criticalPathMs);
    run(0.1);
    const record = JSON.parse(readFileSync(json, "utf8"));
    expect(record.rows.map((r: BenchRow) => r.instance)).to.deep.equal(["ieee15 1 h", "ieee15 eps 0.1 1 h"]);
    const bests = record.plainBest as PlainBest[];
    expect(bests.map((one) => one.instance)).to.deep.equal(
      ["ieee15 1 h", "ieee15 eps 0.1 1 h"].flatMap((instance) => [instance, instance]),
    );
    const [best, helped] = bests;
    expect([best.plain, helped.plain]).to.deep.equal(["admm", "admm, vanishing regularisation"]);
    expect(helped.scanned.map(({ iterations }) => iterations)).not.to.deep.equal(
      best.scanned.map(({ iterations }) => iterations),
    );
    expect(best.scanned).to.have.length(9);
    expect(best.iterations).to.equal(
      Math.min(...best.scanned.filter((one) => one.status === "solved").map((one) => one.iterations)),
    );
    expect(record.evaluationsAgainstPlainBest[0].ratios).to.have.length(2);
    expect(record.evaluationsAgainstPlainBest[0].median).to.be.within(0.05, 0.9);
  });

  it("times the same run on workers, and keeps what the counts are", () => {
    const run = (workers: number): BenchRow =>
      bench({
        instances: [{ scenario: "ieee15" }],
        methods: [{ name: "anderson", method: "anderson" }],
        hours: 1,
        maxIterations: 10,
        workers,
        quiet: true,
      })[0];
    const [serial, parallel] = [run(1), run(2)];
    expect(serial).not.to.have.property("workers");
    expect(parallel.workers?.count).to.equal(2);
    expect(parallel.workers?.wallMs).to.be.above(0);
    for (const count of ["iterations", "messages", "bytes", "objectiveGap"] as const)
      expect(parallel[count], count).to.equal(serial[count]);
  });

  it("clears again after every change of the forecasts, cold and warm", () => {
    const json = join(mkdtempSync(join(tmpdir(), "gridpact-bench-")), "record.json");
    bench({
      instances: [{ scenario: "ieee15" }],
      methods: [{ name: "anderson", method: "anderson" }],
      hours: 3,
      reclear: true,
      json,
      quiet: true,
    });
    const reclearing = JSON.parse(readFileSync(json, "utf8")).reclearing as Reclearing[];
    expect(new Set(reclearing.map(({ change }) => change)).size).to.equal(6);
    for (const { status, cold, warm, ratio, change } of reclearing) {
      expect(status, change).to.equal("solved");
      expect(ratio, change).to.be.closeTo(warm / cold, 1e-3);
      expect(warm, change).to.be.within(2, 0.5 * cold);
    }
    // The plants' changes differ from seed to seed, so do their sessions.
    expect(new Set(reclearing.slice(2).map(({ cold, warm }) => `${cold} ${warm}`)).size).to.be.above(1);
  });

  it("takes the median over the instances that both solved", () => {
    const row = (instance: string, iterations: number, status = "solved") =>
      ({ instance, method: "m", evaluations: iterations, status }) as BenchRow;
    const best = (instance: string) => ({ instance, plain: "admm", status: "solved", iterations: 100 }) as PlainBest;
    const rows = [row("a", 30), row("b", 10), row("c", 20), row("d", 50, "max iterations")];
    expect(againstPlain(rows, ["a", "b", "c", "d"].map(best))[0]).to.deep.include({ median: 0.2 });
    expect(againstPlain(rows, ["a", "b"].map(best))[0].median).to.be.closeTo(0.2, 1e-12);
    expect(againstPlain(rows, [best("d")])).to.deep.equal([]);
  });

  it("reads an instance at another eps, with another risk method or other forecasts", () => {
    expect(instanceOf("ieee15")).to.deep.equal({ scenario: "ieee15" });
    expect(instanceOf("./a/b.json:0.1")).to.deep.equal({ scenario: "./a/b.json", epsilon: 0.1 });
    for (const instance of INSTANCES) expect(instanceOf(argumentOf(instance))).to.deep.equal(instance);
    for (const wrong of ["ieee15:0.9", "ieee15:x0", "ieee15:normal"])
      expect(() => instanceOf(wrong), wrong).to.throw(InputError, wrong);
    expect(() => marketOf(instanceOf("ieee15:x2"))).to.throw(InputError, "is above ratingMw");
    const forecastOf = (text: string): number =>
      marketOf(instanceOf(text), 12).market.scenario.prosumers[1].renewable?.forecastMw[11] ?? 0;
    expect(forecastOf("ieee15:x0.5"))
      .to.equal(forecastOf("ieee15") / 2)
      .and.above(0);
    expect(marketOf(instanceOf("ieee15:gaussian"), 1).market.settings.risk).to.equal("gaussian");
  });

  it("takes some of the methods, and names one that there is not", () => {
    expect(methodsOf("anderson,relaxed,vanishing").map((m) => m.name)).to.deep.equal([
      "anderson",
      "admm, over-relaxed 1.6",
      "admm, vanishing regularisation",
    ]);
    expect(() => methodsOf("gsa,best")).to.throw(InputError, "--only best");
  });
});
