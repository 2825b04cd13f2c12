import { expect } from "chai";
import { solveCentral } from "../../clearing/central.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { attackLasting, lastingLimits, type LastingLimit } from "./lastingAdversary.ts";
import type { Central } from "./replay.ts";

const EPSILON = 0.05;
const DRAWS = 20_000;

type At = { readonly t: number; readonly buyer: number };

/** Covariance of two errors, MW^2, as docs/model.md writes it: entry by entry, nothing factored. */
function covariance({ scenario, prosumers }: Market, one: At, other: At): number {
  const [a, b] = one.t <= other.t ? [one, other] : [other, one];
  const { ratingMw, source, days, persistent, lag } = scenario.uncertainty.joint!;
  const column = (at: At): number => scenario.uncertainty.uncertain.indexOf(prosumers[at.buyer].id);
  const [j, k] = [column(a), column(b)];
  const together = (rows: readonly (readonly (readonly number[])[])[]): number =>
    rows[a.t].reduce((sum, row, r) => sum + row[source[j]] * rows[b.t][r][source[k]], 0);
  let carried = 1;
  for (let t = a.t + 1; t <= b.t; t++) carried *= lag[t];
  return ratingMw[j] * ratingMw[k] * (together(days) + carried * together(persistent));
}

const variance = (market: Market, { perMw }: LastingLimit): number =>
  perMw.reduce(
    (sum, one) => sum + perMw.reduce((row, other) => row + one.value * other.value * covariance(market, one, other), 0),
    0,
  );

function cleared(scenario: Scenario): { market: Market; result: Central } {
  const market = createMarket(scenario, defaultSettings(scenario));
  const result = solveCentral(market, createNetwork(market), clarabelSolver);
  if (result.status !== "solved") throw new Error(result.status);
  return { market, result };
}

describe("the worst law for answers that last", function () {
  this.timeout(120_000);
  const day = withSustain(takeHours(loadScenario("ieee15"), 5), 3);
  const slow: Scenario = {
    ...day,
    prosumers: day.prosumers.map(({ generator, ...rest }) =>
      generator ? { ...rest, generator: { ...generator, rampMwPerHour: 0.15 * generator.rampMwPerHour } } : rest,
    ),
  };

  for (const [kind, scenario] of [
    ["stored energy", day],
    ["ramp", slow],
  ] as const)
    it(`breaks ${kind} that binds as often as is accepted, and no law more often`, () => {
      const { market, result } = cleared(scenario);
      const limits = lastingLimits(market, result).filter((limit) => limit.kind === kind);
      expect(limits.length).to.be.above(4);
      for (const limit of limits) {
        expect(variance(market, limit) / limit.deviation ** 2).to.be.closeTo(1, 1e-9);
        expect(limit.worst).to.be.below(EPSILON * (1 + 1e-3));
      }
      const binding = limits.filter(({ worst }) => worst > 0.99 * EPSILON);
      expect(binding.length).to.be.above(0);
      const longest = [...binding].sort((a, b) => b.deviation - a.deviation).slice(0, 2);
      longest.forEach((limit, k) => {
        const { held, played } = attackLasting(market, result, limit, { draws: DRAWS, seed: 7 + k });
        expect(held.low).to.be.below(EPSILON);
        expect(held.high).to.be.above(EPSILON);
        // A battery's true losses are no more than what the limit allows for.
        expect(played.low).to.be.below(EPSILON);
      });
    });

  it("knows the first ramp, from what a generator ran at before", () => {
    const morning = takeHours(loadScenario("ieee15"), 3);
    const prosumers = morning.prosumers.map(({ generator, ...rest }) => {
      if (generator === undefined) return rest;
      const { maxMw } = generator;
      return { ...rest, generator: { ...generator, initialMw: 0.6 * maxMw, rampMwPerHour: 0.35 * maxMw } };
    });
    const { market, result } = cleared(withSustain({ ...morning, prosumers }, 3));
    const first = lastingLimits(market, result).filter(({ kind, to }) => kind === "ramp" && to === 0);
    expect(first.length).to.be.above(0);
    for (const limit of first) {
      const { generator } = market.prosumers[limit.prosumer];
      const planned = result.solution.schedules[limit.prosumer].generatorMw[0];
      expect(limit.offset).to.equal(planned - generator!.initialMw!);
      expect(variance(market, limit) / limit.deviation ** 2).to.be.closeTo(1, 1e-9);
      expect(limit.worst).to.be.below(EPSILON * (1 + 1e-3));
    }
  });

  it("breaks a limit that was held for errors of independent hours more often than is accepted", () => {
    const { joint, ...rest } = day.uncertainty;
    // The same errors in every hour, and nothing of them in the next one.
    const persistent = joint!.days.map((rows, t) => [...rows, ...joint!.persistent[t]]);
    const apart = { ...joint!, days: joint!.days.map(() => []), persistent, lag: joint!.lag.map(() => 0) };
    const { result } = cleared({ ...day, uncertainty: { ...rest, joint: apart } });
    const market = createMarket(day, defaultSettings(day));
    const most = Math.max(...lastingLimits(market, result).map(({ worst }) => worst));
    expect(most).to.be.above(1.5 * EPSILON);
  });
});
