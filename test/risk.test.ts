import { expect } from "chai";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { createMarket, defaultSettings, type MarketSettings } from "../offchain-solver/market/scenario/market.ts";
import { createNetwork } from "../offchain-solver/market/formulation/network.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clear, type ClearMethod } from "../offchain-solver/simulation/clear.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { outOfSample } from "../offchain-solver/simulation/outOfSample/monteCarlo.ts";
import { withRadii } from "../offchain-solver/scenarios/withRadii.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";

function solved(
  scenario: Scenario,
  method: ClearMethod = "central",
  market: Partial<MarketSettings> = {},
  more: { trade?: boolean; reserve?: "joint" | "sequential" } = {},
) {
  const session = clear(scenario, {
    method,
    trade: more.trade ?? true,
    rhoScale: 1,
    maxIterations: 5000,
    market: { ...defaultSettings(scenario), ...market },
    reserve: more.reserve ?? "joint",
  });
  if (session.outcome === undefined) throw new Error(`${scenario.name} by ${method}: ${session.reason}`);
  return { ...session.outcome, market: session.market };
}

const hours = (name: string, n: number): Scenario => takeHours(loadScenario(name), n);

describe("clearing under chance constraints", function () {
  this.timeout(300_000);

  it("finds the same optimum with network limits added lazily and all written out", () => {
    const scenario = hours("ieee15", 6);
    const market = createMarket(scenario, defaultSettings(scenario));
    const network = createNetwork(market);
    const [lazy, full] = [false, true].map((all) => solveCentral(market, network, clarabelSolver, { full: all }));
    if (lazy.status !== "solved" || full.status !== "solved") throw new Error(`${lazy.status}, ${full.status}`);
    expect(Math.abs(lazy.objective / full.objective - 1)).to.be.below(1e-7);
    expect(lazy.rows).to.be.below(full.rows / 2);
  });

  for (const [name, n] of [
    ["ieee15", 3],
    ["ieee141", 2],
  ] as const)
    it(`costs the same distributed as at once: ${name}, ${n} h`, () => {
      const scenario = hours(name, n);
      const [central, distributed] = [solved(scenario), solved(scenario, "anderson")];
      expect(Math.abs(distributed.objective / central.objective - 1)).to.be.below(1e-5);
    });

  it("asks more the less a method assumes, and ts-drcc 28.4 % less reserve than bonferroni", () => {
    const scenario = hours("ieee15", 4);
    const runs = (["deterministic", "gaussian", "ts-drcc", "bonferroni"] as const).map((risk) => {
      const { objective, solution, market } = solved(scenario, "central", { risk });
      const booked = solution.schedules.reduce(
        (sum, s) => sum + s.reserveUpMw.reduce((a, mw, t) => a + mw + s.reserveDownMw[t] + 2 * s.utilityShareMw[t], 0),
        0,
      );
      return { objective, booked, asked: market.halfWidth[0] };
    });
    for (let k = 1; k < runs.length; k++) {
      expect(runs[k].objective).to.be.above(runs[k - 1].objective);
      expect(runs[k].booked).to.be.above(runs[k - 1].booked);
    }
    expect(1 - runs[2].asked / runs[3].asked).to.be.closeTo(0.284, 5e-4);
    expect(1 - runs[2].booked / runs[3].booked).to.be.closeTo(0.284, 0.03);
  });

  it("names hour and limit where nothing is feasible", () => {
    const scenario = hours("ieee15", 2);
    for (const method of ["central", "anderson"] as const) {
      const { status, reason } = clear(scenario, {
        method,
        trade: true,
        rhoScale: 1,
        maxIterations: 50,
        market: { ...defaultSettings(scenario), epsilon: 0.0005 },
      });
      expect(status).to.equal("infeasible");
      expect(reason).to.match(/period [01] \(\d\d:00 UTC\), line 13-14 facet 0 by 0\.\d+ MVA/);
    }
  });

  it("counts moments as estimates at a price, and has the radii in the scenario", () => {
    const scenario = hours("ieee15", 3);
    const cautious = withRadii(scenario, true);
    expect(cautious.risk.stdRadius.every((r) => r > 0)).to.equal(true);
    expect(solved(cautious).objective).to.be.above(solved(scenario).objective + 0.1);
  });
});

describe("reserve after energy", function () {
  this.timeout(300_000);
  const scenario = hours("ieee15", 3);
  const [joint, sequential] = [solved(scenario), solved(scenario, "central", {}, { reserve: "sequential" })];

  it("never costs less than both at once", () => {
    expect(sequential.objective).to.be.above(joint.objective - 1e-6);
  });

  it("keeps the energy trades and prices of the first stage", () => {
    const energy = solved(scenario, "central", { risk: "deterministic" });
    energy.solution.energyMw.forEach((pair, k) => {
      pair.forEach((mw, t) => expect(sequential.solution.energyMw[k][t]).to.be.closeTo(mw, 1e-5));
      expect(sequential.solution.energyPrice[k]).to.deep.equal(energy.solution.energyPrice[k]);
    });
  });

  it("is what the agents find too", () => {
    const distributed = solved(scenario, "anderson", {}, { reserve: "sequential" });
    expect(Math.abs(distributed.objective / sequential.objective - 1)).to.be.below(2e-5);
  });
});

describe("participation", function () {
  this.timeout(300_000);

  /**
   * Everything a prosumer pays but the network: devices, connection, desk, utility, trades at their prices, kappa
   * terms.
   */
  function bill({ market, solution }: ReturnType<typeof solved>, i: number): number {
    const { tariff, carbon, regularisation } = market.scenario;
    const s = solution.schedules[i];
    const { generator, battery, load, reserveUpPerMw, reserveDownPerMw } = market.prosumers[i];
    let total = carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
    for (let t = 0; t < market.hours; t++) {
      const p = s.generatorMw[t];
      total += generator ? generator.costA * p * p + generator.costB * p : 0;
      total += battery ? battery.wearPerMwh * (s.chargeMw[t] + s.dischargeMw[t]) : 0;
      total += (load.discomfort / 2) * s.flexibleMw[t] ** 2;
      const device = s.qMvar[t] + load.mvarPerMw * (load.fixedMw[t] + s.flexibleMw[t]);
      total += (regularisation.reactive / 2) * device ** 2;
      total += reserveUpPerMw * s.reserveUpMw[t] + reserveDownPerMw * s.reserveDownMw[t];
      total += tariff.buyPerMwh[t] * s.importMw[t] - tariff.sellPerMwh[t] * s.exportMw[t];
      total += (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * s.utilityShareMw[t];
      market.shares[t].forEach(({ seller, buyer }, k) => {
        if (seller === buyer || (seller !== i && buyer !== i)) return;
        const [mw, price, charge] = [solution.shareMw[t][k], solution.sharePrice[t][k], solution.shareCharge[t][k]];
        total += (seller === i ? -price : price) * mw + (charge / 2) * mw + (regularisation.trade / 2) * mw ** 2;
      });
    }
    for (const k of market.pairsOf[i]) {
      const sign = market.pairs[k][0] === i ? 1 : -1;
      solution.energyMw[k].forEach((mw, t) => {
        total += -sign * mw * solution.energyPrice[k][t] + (regularisation.trade / 2) * mw ** 2;
      });
      total +=
        -sign * solution.carbonT[k] * solution.carbonPrice[k] + (regularisation.trade / 2) * solution.carbonT[k] ** 2;
    }
    return total;
  }

  it("costs nobody more than its network-feasible day without trade, when the network charges what changes", () => {
    const scenario = hours("ieee15", 4);
    const [market, alone] = [solved(scenario), solved(scenario, "central", {}, { trade: false })];
    let gained = 0;
    market.market.prosumers.forEach((prosumer, i) => {
      const [now, before] = [market.solution, alone.solution];
      let charge = 0;
      for (let t = 0; t < scenario.hours; t++) {
        charge += now.nodalPrice[t][i] * (now.schedules[i].pMw[t] - before.schedules[i].pMw[t]);
        charge += now.nodalReactivePrice[t][i] * (now.schedules[i].qMvar[t] - before.schedules[i].qMvar[t]);
        const own = (m: typeof market): number =>
          m.market.shares[t].findIndex(({ seller, buyer }) => seller === i && buyer === i);
        const [a, b] = [own(market), own(alone)];
        if (a >= 0) charge += now.shareCharge[t][a] * (now.shareMw[t][a] - before.shareMw[t][b]);
      }
      const change = bill(market, i) + charge - bill(alone, i);
      expect(change, `prosumer ${prosumer.id}`).to.be.below(1e-5);
      gained -= change;
    });
    expect(gained).to.be.above(1);
  });
});

describe("out of sample", function () {
  this.timeout(300_000);
  const scenario = hours("ieee15", 9);
  const { market, solution } = solved(scenario);
  const network = createNetwork(market);
  const found = outOfSample(market, network, solution, 10_000, 1);

  it("attains eps with the extremal distribution of binding bookings and lines, within sampling error", () => {
    expect(found.adversarial.map(({ limit }) => limit.kind)).to.include.members(["booking", "line"]);
    for (const { expected, violation } of found.adversarial) {
      expect(expected).to.be.closeTo(0.05, 0.005);
      // Four standard deviations of 10,000 draws.
      expect(Math.abs(violation.probability - expected)).to.be.below(4 * Math.sqrt((0.05 * 0.95) / 10_000));
    }
  });

  it("keeps every constraint within eps for every shape with the fitted moments", () => {
    expect(found.limits.length).to.be.above(500);
    for (const { worstCase, violation } of found.limits) {
      expect(worstCase).to.be.below(0.0501);
      for (const shape of ["gaussian", "laplace", "skewed", "mixture"] as const)
        expect(violation[shape].low).to.be.below(0.05);
    }
  });

  it("names and explains whatever the held-out days break more often than eps", () => {
    const above = found.limits.filter((row) => row.heldOutDays / found.heldOutDays > 0.05);
    expect(found.aboveEpsilon.length).to.equal(above.length);
    for (const { why } of found.aboveEpsilon) expect(why).to.match(/^\d+ of 28 days, 95 % interval .*: ./);
  });

  it("is the same for the same seed", () => {
    const again = outOfSample(market, network, solution, 500, 7);
    expect(outOfSample(market, network, solution, 500, 7)).to.deep.equal(again);
  });

  it("sees the limits broken where the market did not know them", () => {
    const blind = solved(scenario, "central", { network: false });
    const { limits } = outOfSample(blind.market, network, blind.solution, 500, 1);
    expect(limits.some(({ limit, violation }) => limit.kind === "line" && violation.gaussian.low > 0.5)).to.equal(true);
  });
});
