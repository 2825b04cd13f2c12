import { expect } from "chai";
import { regretsOf } from "../offchain-solver/clearing/regret.ts";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { allowedRegret, turnoverOf } from "../offchain-solver/market/result/certificate.ts";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Prosumer, Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { importCase } from "../offchain-solver/scenarios/importCase.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { clear, type ClearedSession } from "../offchain-solver/simulation/clear.ts";
import { resized } from "../offchain-solver/scenarios/resized.ts";

const clearedBy = (scenario: Scenario): ClearedSession =>
  clear(scenario, {
    method: "anderson",
    market: defaultSettings(scenario),
    trade: true,
    rhoScale: 1,
    maxIterations: 1000,
  });

const total = (regrets: Float64Array): number => regrets.reduce((sum, regret) => sum + Math.max(0, regret), 0);

function expectCertified({ status, reason, market, outcome }: ClearedSession): void {
  expect(status, reason).to.equal("solved");
  const { regrets, quantised } = outcome as NonNullable<typeof outcome>;
  expect(total(regrets)).to.be.at.most(allowedRegret(market, quantised.result));
}

/** The first `periods` quarter-hours, each like the hour it is in. */
function quarterHours(scenario: Scenario, periods: number): Scenario {
  const each = <T>(series: readonly T[]): T[] => Array.from({ length: periods }, (_, k) => series[Math.floor(k / 4)]);
  const cut = takeHours(scenario, Math.ceil(periods / 4));
  const { tariff, carbon, risk, uncertainty } = cut;
  const { sources, uncertain, factor, robustRadius, fitErrors, testErrors } = uncertainty;
  return {
    ...cut,
    hours: periods,
    periodHours: 0.25,
    tariff: { ...tariff, buyPerMwh: each(tariff.buyPerMwh), sellPerMwh: each(tariff.sellPerMwh) },
    carbon: { ...carbon, gridTPerMwh: each(carbon.gridTPerMwh) },
    risk: { ...risk, meanRadius: each(risk.meanRadius), stdRadius: each(risk.stdRadius) },
    prosumers: cut.prosumers.map((prosumer): Prosumer => {
      const { renewable, load } = prosumer;
      return {
        ...prosumer,
        ...(renewable && {
          renewable: {
            ...renewable,
            forecastMw: each(renewable.forecastMw),
            actualMw: each(renewable.actualMw!),
          },
        }),
        load: { ...load, fixedMw: each(load.fixedMw) },
      };
    }),
    uncertainty: {
      sources,
      uncertain,
      factor: each(factor),
      robustRadius: each(robustRadius),
      fitErrors: each(fitErrors),
      testErrors: each(testErrors),
    },
  };
}

describe("the certificate", function () {
  this.timeout(300_000);

  for (const seed of [8, 11, 12])
    it(`is reached by a street of six houses at 400 V, seed ${seed}, as soon as by one a thousand times larger`, () => {
      const street = takeHours(populate(importCase("test/feeders/street.m").feeder, 6, seed), 2);
      const [small, large] = [1, 1000].map((x) => clearedBy(resized(street, x)));
      expectCertified(small);
      expectCertified(large);
      expect(small.evaluations).to.be.below(200);
      expect(small.evaluations / large.evaluations).to.be.closeTo(1, 0.05);
    });

  it("is reached where income and cost cancel, and measured against turnover", () => {
    const session = clearedBy(loadScenario("test/scenarios/zeroObjective.json"));
    expectCertified(session);
    const { objective, quantised } = session.outcome as NonNullable<typeof session.outcome>;
    expect(Math.abs(objective)).to.be.below(1e-3 * turnoverOf(session.market, quantised.result).gross);
  });

  it("is reached by quarter-hours", () => {
    expectCertified(clearedBy(quarterHours(loadScenario("ieee15"), 4)));
  });

  it("is never that of a result a thousandth worse than the optimum", () => {
    const scenario = takeHours(loadScenario("ieee15"), 3);
    // Everybody's generators cleared as if fuel cost more than it does: feasible, balanced, and not the optimum.
    const misled: Scenario = {
      ...scenario,
      prosumers: scenario.prosumers.map((p) =>
        p.generator ? { ...p, generator: { ...p.generator, costB: 1.12 * p.generator.costB } } : p,
      ),
    };
    const session = clearedBy(misled);
    const { solution, quantised } = session.outcome as NonNullable<typeof session.outcome>;
    const truly = createMarket(scenario, defaultSettings(scenario));
    const optimum = solveCentral(truly, session.network, clarabelSolver);
    if (optimum.status !== "solved") throw new Error(optimum.status);
    const regret = total(regretsOf(truly, solution, clarabelSolver));
    expect(regret).to.be.above(1e-3 * Math.abs(optimum.objective));
    expect(regret).to.be.above(10 * allowedRegret(truly, quantised.result));
  });
});
