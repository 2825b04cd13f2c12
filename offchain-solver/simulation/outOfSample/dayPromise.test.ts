import { expect } from "chai";
import { defaultSettings } from "../../market/scenario/market.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { leaveDaysOut } from "../../scenarios/leaveDaysOut.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { clear } from "../clear.ts";
import { blockBootstrap, blockShare } from "./blockBootstrap.ts";
import { atEpsilon, bootstrapped, boundDay, calibrate, type Bounded } from "./dayPromise.ts";

describe("a promise for the day", function () {
  this.timeout(300_000);
  const day = takeHours(loadScenario("ieee15"), 3);
  const settings = defaultSettings(day);
  const scaled = (factor: number) => ({
    ...day,
    uncertainty: {
      ...day.uncertainty,
      testErrors: day.uncertainty.testErrors.map((days) => days.map((row) => row.map((error) => factor * error))),
    },
  });

  it("is kept on days left out by the eps found, and broken by the next larger one", () => {
    const tried: [epsilon: number, broken: number][] = [];
    const found = calibrate(day, settings, 0, (epsilon, at) => tried.push([epsilon, at ? at.leftOut.any : Infinity]));
    expect(found!.fitted).to.include({ any: 0, days: 32 });
    expect(found!.leftOut).to.include({ any: 0, days: 32 });
    const larger = tried.filter(([epsilon]) => epsilon > found!.epsilon);
    expect(larger.length).to.be.above(0);
    for (const [, broken] of larger) expect(broken).to.be.above(0);
    // Asked for less, it costs less.
    expect(calibrate(day, settings, 0.5)!.objective).to.be.below(found!.objective);
  });

  it("counts a day whose errors were ten times as large as broken, and none where nothing erred", () => {
    expect(atEpsilon(scaled(10), settings, 0.05)!.heldOut.any).to.be.above(20);
    expect(atEpsilon(scaled(0), settings, 0.05)!.heldOut).to.deep.equal({ network: 0, devices: 0, any: 0, days: 28 });
  });

  it("is found in the market that is cleared: without trade, reserve after energy, and no network that it knows not", () => {
    const of = { method: "central", rhoScale: 1, maxIterations: 1, market: { ...settings, epsilon: 0.05 } } as const;
    const joint = atEpsilon(day, settings, 0.05)!.objective;
    for (const way of [{ trade: false }, { trade: true, reserve: "sequential" as const }]) {
      const { objective } = atEpsilon(day, { ...settings, ...way }, 0.05)!;
      expect(objective).to.be.closeTo(clear(day, { ...of, ...way }).outcome!.objective, 1e-9);
      expect(objective).to.be.above(joint + 1e-5);
    }
    const { network, devices } = atEpsilon(scaled(10), { ...settings, network: false }, 0.05)!.heldOut;
    expect(network).to.equal(0);
    expect(devices).to.be.above(20);
  });

  it("holds ramps and stored energy to it where reserve has to last", () => {
    const lasting = withSustain(day, 3);
    const [wide, narrow] = [0.2, 0.02].map((epsilon) => atEpsilon(lasting, settings, epsilon)!.fitted.devices);
    expect(wide).to.be.above(narrow);
  });

  it("puts held-out days together anew by six hours of one day each, all days as often", () => {
    const whole = loadScenario("ieee15");
    const { testErrors } = whole.uncertainty;
    const anew = blockBootstrap(whole, 2800, 5).uncertainty.testErrors;
    const from = (t: number, k: number): number => testErrors[t].indexOf(anew[t][k]);
    const counts = new Map<number, number>();
    let mixed = 0;
    for (let k = 0; k < 2800; k++) {
      for (let t = 0; t < 24; t++) expect(from(t, k)).to.equal(from(t - (t % 6), k));
      if (from(0, k) !== from(6, k)) mixed++;
      counts.set(from(0, k), (counts.get(from(0, k)) ?? 0) + 1);
    }
    expect(mixed / 2800).to.be.closeTo(27 / 28, 0.02);
    expect(counts.size).to.equal(28);
    for (const [day, count] of counts) expect(count, `day ${day}`).to.be.within(60, 145);
  });

  it("breaks as many days put together anew as held-out ones where a day is one block", () => {
    const { heldOut } = atEpsilon(day, settings, 0.1)!;
    const anew = bootstrapped(day, settings, 0.1)!;
    expect(anew.days).to.equal(10_000);
    expect(anew.any / anew.days).to.be.closeTo(heldOut.any / heldOut.days, 0.015);
  });

  it("knows the share of days put together anew without putting them together, and how far few days carry", () => {
    const apart = [
      [true, false, false, false],
      [false, false, true, false],
      [false, false, true, true],
      [false, false, false, false],
    ];
    // Blocks of two periods: one day of four breaks in the first, two in the second.
    const few = blockShare(apart, 3, { draws: 2000, seed: 3 });
    expect(few.share).to.be.closeTo(1 - (3 / 4) * (2 / 4), 1e-12);
    const many = blockShare(Array.from({ length: 25 }, () => apart).flat(), 3, { draws: 2000, seed: 3 });
    expect(many.share).to.be.closeTo(few.share, 1e-12);
    expect(few.low).to.be.below(many.low);
    expect(few.high).to.be.above(many.high);
    const half = takeHours(loadScenario("ieee15"), 9);
    const { network, devices } = atEpsilon(half, settings, 0.15)!.heldOutPeriods;
    const any = network.map((periods, day) => periods.map((one, t) => one || devices[day][t]));
    const anew = bootstrapped(half, settings, 0.15)!;
    const told = blockShare(any, 1, { draws: 10, seed: 3 }).share;
    expect(told).to.be.within(0.05, 0.95);
    expect(anew.any / anew.days).to.be.closeTo(told, 0.015);
  });

  it("leaves days out with moments and joint law of those that stay", () => {
    const lasting = withSustain(day, 3);
    const without = leaveDaysOut(lasting, 8, 16);
    const { fitErrors, testErrors, factor, joint } = without.uncertainty;
    for (const t of [0, 1, 2]) {
      expect(fitErrors[t]).to.have.length(24);
      expect(testErrors[t]).to.have.length(8);
      const stay = lasting.uncertainty.fitErrors[t].filter((_, k) => k < 8 || k >= 16);
      lasting.uncertainty.sources.forEach((_, s) => {
        const mean = stay.reduce((sum, row) => sum + row[s], 0) / 24;
        expect(testErrors[t][3][s]).to.be.closeTo(lasting.uncertainty.fitErrors[t][11][s] - mean, 1e-12);
      });
      lasting.uncertainty.uncertain.forEach((id, column) => {
        const { ratingMw, source } = lasting.prosumers.find((p) => p.id === id)!.renewable!;
        const mean = stay.reduce((sum, row) => sum + row[source], 0) / 24;
        const variance = stay.reduce((sum, row) => sum + (row[source] - mean) ** 2, 0) / 23;
        const kept = factor[t].reduce((sum, row) => sum + row[column] ** 2, 0);
        if (kept > 0) expect(kept).to.be.closeTo(ratingMw * ratingMw * variance, 1e-9);
      });
    }
    expect(joint!.days[0]).to.have.length(24);
  });

  it("bounds the share of broken days of every distribution, the fitted days' own too, and names the least", () => {
    const seen: Bounded[] = [];
    const { found, least } = boundDay(day, settings, 0.05, (_, at) => at && seen.push(at));
    expect(found).to.equal(undefined);
    expect(seen.length).to.be.above(5);
    expect(least!.bound).to.equal(Math.min(...seen.map(({ bound }) => bound)));
    expect(least!.bound).to.be.within(0.05, 0.9);
    for (const { epsilon, bound } of seen.filter((at) => [0.2, 0.02].includes(at.epsilon))) {
      const { fitted } = atEpsilon(day, settings, epsilon)!;
      expect(fitted.any / fitted.days).to.be.at.most(bound);
      // One limit that binds is promised no better.
      expect(bound).to.be.at.least(epsilon * (1 - 1e-3));
    }
    expect(boundDay(day, settings, least!.bound).found).to.deep.equal(least);
  });
});
