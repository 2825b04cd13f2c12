import { expect } from "chai";
import { operatorRegret } from "../offchain-solver/auditor/witness.ts";
import { regretsOf } from "../offchain-solver/clearing/regret.ts";
import { solveCentral } from "../offchain-solver/clearing/central.ts";
import { createMeter } from "../offchain-solver/market/result/excess.ts";
import { OPERATOR, SESSION_PERIOD, type Trade } from "../offchain-solver/market/result/clearingResult.ts";
import { deviceCost } from "../offchain-solver/market/result/cost.ts";
import { judgeRebates } from "../offchain-solver/market/result/networkCharge.ts";
import { ancillaryCharges, isAncillary, judgeAncillary } from "../offchain-solver/market/result/ancillaryCharge.ts";
import { defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import type { Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { clarabelSolver } from "../offchain-solver/numerics/clarabelNode.ts";
import { importCase } from "../offchain-solver/scenarios/importCase.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { populate } from "../offchain-solver/scenarios/populate.ts";
import { readSeries } from "../offchain-solver/scenarios/series.ts";
import { clear, type ClearedSession } from "../offchain-solver/simulation/clear.ts";
import { zooMarket } from "../offchain-solver/study/bench/zooMarket.ts";

type Outcome = NonNullable<ClearedSession["outcome"]>;

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);

const cleared = (scenario: Scenario, method: "anderson" | "central", market = defaultSettings(scenario)) =>
  clear(scenario, { method, market, trade: true, rhoScale: 1, maxIterations: 2000 });

/** $ that each prosumer pays by the posted integers, the rebate aside. */
function paidOf({ market, outcome }: ClearedSession, counts: (trade: Trade) => boolean = () => true): number[] {
  const paid = market.prosumers.map(() => 0);
  for (const trade of (outcome as Outcome).quantised.result.trades) {
    if (trade.product === "network" && trade.period === SESSION_PERIOD) continue;
    if (!counts(trade)) continue;
    const money = (trade.quantity * trade.price) / 1e9;
    if (trade.buyer in paid) paid[trade.buyer] += money;
    if (trade.seller in paid) paid[trade.seller] -= money;
  }
  return paid;
}

/** kappa/2 of a prosumer's own side of every trade, $: part of what it minimises, and paid by nobody. */
function ownUniqueness({ market, outcome }: ClearedSession, i: number): number {
  const { energyMw, carbonT, shareMw } = (outcome as Outcome).solution;
  const { trade, allowances } = market.regularisation;
  let total = 0;
  for (const k of market.pairsOf[i]) {
    total += (trade / 2) * market.dt * sum([...energyMw[k]].map((e) => e * e));
    total += (allowances / 2) * carbonT[k] * carbonT[k];
  }
  market.shares.forEach((slots, t) =>
    slots.forEach(({ seller, buyer }, s) => {
      if (seller !== buyer && (seller === i || buyer === i)) total += (trade / 2) * market.dt * shareMw[t][s] ** 2;
    }),
  );
  return total;
}

/**
 * What each prosumer could gain by another plan of its own, $, at the prices and charges that are published: what its
 * day costs it by the posted integers, less what its best response would cost.
 */
function gainsOf(session: ClearedSession, counts?: (trade: Trade) => boolean, charge = true): number[] {
  const { market, outcome } = session;
  const { solution } = outcome as Outcome;
  const priced = charge ? solution : { ...solution, shareCharge: solution.shareCharge.map((row) => row.map(() => 0)) };
  const paid = paidOf(session, counts);
  const regrets = regretsOf(market, priced, clarabelSolver);
  return market.prosumers.map((_, i) => {
    const s = solution.schedules[i];
    const { tariff, carbon } = market.scenario;
    let atPrices = carbon.deskBuyPerT * s.allowanceBoughtT - carbon.deskSellPerT * s.allowanceSoldT;
    for (let t = 0; t < market.hours; t++) {
      const energy = tariff.buyPerMwh[t] * s.importMw[t] - tariff.sellPerMwh[t] * s.exportMw[t];
      const utility = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * s.utilityShareMw[t];
      const network = solution.nodalPrice[t][i] * s.pMw[t] + solution.nodalReactivePrice[t][i] * s.qMvar[t];
      atPrices += market.dt * (energy + utility + network);
      for (const k of market.pairsOf[i])
        atPrices +=
          (market.pairs[k][0] === i ? -1 : 1) * solution.energyMw[k][t] * solution.energyPrice[k][t] * market.dt;
      market.shares[t].forEach(({ seller, buyer }, k) => {
        if (seller !== i && buyer !== i) return;
        const price = seller === buyer ? 0 : (buyer === i ? 1 : -1) * solution.sharePrice[t][k];
        const part = (seller === buyer ? 1 : 1 / 2) * priced.shareCharge[t][k];
        atPrices += market.dt * (price + part) * solution.shareMw[t][k];
      });
    }
    for (const k of market.pairsOf[i])
      atPrices += (market.pairs[k][0] === i ? -1 : 1) * solution.carbonT[k] * solution.carbonPrice[k];
    const best = atPrices + deviceCost(market, i, s) + ownUniqueness(session, i) - regrets[i];
    return paid[i] + deviceCost(market, i, s) + ownUniqueness(session, i) - best;
  });
}

/** What the operator takes in over the periods, and what it keeps after the rebate, nano-dollars. */
function operatorOf(trades: readonly Trade[]): { surplus: bigint; kept: bigint } {
  let [surplus, kept] = [0n, 0n];
  for (const { seller, period, quantity, price } of trades) {
    if (seller !== OPERATOR) continue;
    kept += BigInt(quantity) * BigInt(price);
    if (period !== SESSION_PERIOD) surplus += BigInt(quantity) * BigInt(price);
  }
  return { surplus, kept };
}

/** No injection, no response: every error uncovered. Inside the limits of every period? */
function zeroIsInside({ market, network }: ClearedSession): boolean {
  if (network === undefined) return true;
  const zeros = market.prosumers.map(() => 0);
  return market.shares.every((slots, t) =>
    createMeter(market, network, t)({ p: zeros, q: zeros, shares: slots.map(() => 0) }).every((gap) => !(gap > 0)),
  );
}

const FIFTEEN = loadScenario("ieee15");
const STREET = importCase("test/feeders/street.m").feeder;

describe("the network's charge on responses and reactive power", function () {
  this.timeout(300_000);
  const day = cleared(FIFTEEN, "central");
  const agents = cleared(takeHours(FIFTEEN, 5), "anderson");

  it("is paid: nobody can gain by another plan at what is posted, over the whole day", () => {
    const gains = gainsOf(day);
    // Whole Wh, W and prices of 1e-3 $/MWh are left: a cent in 300 dollars.
    for (const [i, gain] of gains.entries()) expect(gain, `prosumer ${i}`).to.be.within(-5e-3, 5e-3);
    expect(Math.abs(sum(gains))).to.be.below(1e-2);
  });

  it("would be a gift to some and a loss to others if it were left uncollected, and dollars could be gained", () => {
    const uncollected = gainsOf(day, (trade) => !isAncillary(trade), false);
    expect(sum(uncollected)).to.be.above(1);
    expect(Math.max(...uncollected)).to.be.above(0.5);
  });

  for (const [name, session] of [
    ["by one program", () => day],
    ["by agents", () => agents],
  ] as const)
    it(`leaves the operator no deficit and nothing but less than a unit of price a Wh, cleared ${name}`, () => {
      const { market, outcome } = session();
      const { trades } = (outcome as Outcome).quantised.result;
      expect(trades.filter(isAncillary).length).to.be.above(10);
      expect(zeroIsInside(session())).to.equal(true);
      const { surplus, kept } = operatorOf(trades);
      expect(surplus > 0n).to.equal(true);
      expect(kept >= 0n && kept < BigInt(sum(market.rebateWh))).to.equal(true);
      expect(judgeRebates(market, trades).kind).to.equal("valid");
    });

  it("adds up: what all could gain, the operator included, is what the result costs more than the optimum", () => {
    const { market, network, outcome } = agents;
    const { quantised, proposals, objective } = outcome as Outcome;
    const optimum = solveCentral(market, network, clarabelSolver);
    if (optimum.status !== "solved" || network === undefined) throw new Error(optimum.status);
    const operator = operatorRegret(market, network, quantised.result, proposals.operator.limits);
    const gap = sum(gainsOf(agents)) + operator.regret;
    expect(objective - optimum.objective).to.be.closeTo(0, 2e-3);
    expect(gap).to.be.closeTo(objective - optimum.objective, 2e-2);
  });

  it("follows from the published multipliers, and whoever changes a line is found out", () => {
    const { market, network, outcome } = agents;
    const { quantised, proposals } = outcome as Outcome;
    const { trades } = quantised.result;
    const { charges } = operatorRegret(market, network!, quantised.result, proposals.operator.limits);
    const expected = ancillaryCharges(market, quantised.result, charges);
    expect(judgeAncillary(market, trades, expected)).to.deep.equal({ kind: "valid" });
    const at = trades.findIndex(isAncillary);
    const changed = (fields: Partial<Trade>): Trade[] => trades.map((t, k) => (k === at ? { ...t, ...fields } : t));
    const { quantity, price } = trades[at];
    for (const wrong of [
      changed({ quantity: quantity + 1 }),
      changed({ price: price + 3 }),
      changed({ price: -price }),
      trades.toSpliced(at, 1),
      [...trades, { ...trades[at], period: market.hours }],
    ])
      expect(judgeAncillary(market, wrong, expected)).to.include({ kind: "invalid", predicate: "ancillaryNotCharged" });
    const rebate = trades.findIndex(({ product, period: p }) => product === "network" && p === SESSION_PERIOD);
    const rebates = (fields: Partial<Trade>): Trade[] => trades.map((t, k) => (k === rebate ? { ...t, ...fields } : t));
    for (const wrong of [
      rebates({ price: trades[rebate].price - 1 }),
      rebates({ quantity: trades[rebate].quantity + 1 }),
      trades.toSpliced(rebate, 1),
      [...trades, { ...trades[rebate], buyer: market.prosumers.length }],
    ])
      expect(judgeRebates(market, wrong)).to.include({ kind: "invalid", predicate: "rebateNotPaid" });
  });

  it("holds in generated markets: paid to rounding, no deficit where no injection is inside the limits", () => {
    let promised = 0;
    for (const [base, seed] of [
      ...[2, 3, 8].map((k) => [FIFTEEN, k] as const),
      ...[1, 2, 3].map((k) => [STREET, k] as const),
    ]) {
      const session = cleared(takeHours(populate(base, 12, seed), 12), "central");
      const { trades } = session.outcome!.quantised.result;
      expect(trades.filter(isAncillary).length, `seed ${seed}`).to.be.above(10);
      for (const gain of gainsOf(session)) expect(Math.abs(gain), `seed ${seed}`).to.be.below(2e-3);
      if (!zeroIsInside(session)) continue;
      promised++;
      const { surplus, kept } = operatorOf(trades);
      expect(surplus >= 0n && kept >= 0n && kept < BigInt(sum(session.market.rebateWh)), `seed ${seed}`).to.equal(true);
    }
    expect(promised).to.be.at.least(3);
  });

  it("is on reactive power as well, where devices can't give all that is asked for", () => {
    const { scenario, settings } = zooMarket(49, readSeries());
    const session = cleared(scenario, "central", settings);
    const { solution, quantised } = session.outcome!;
    const reactive = sum(
      solution.nodalReactivePrice.flatMap((row, t) =>
        [...row].map((price, i) => Math.abs(price * solution.injectionMvar[t][i]) * session.market.dt),
      ),
    );
    expect(reactive).to.be.above(1);
    const turnover = sum(quantised.result.trades.map(({ quantity, price }) => Math.abs(quantity * price))) / 1e9;
    for (const gain of gainsOf(session)) expect(Math.abs(gain) / turnover).to.be.below(1e-5);
    expect(zeroIsInside(session)).to.equal(true);
    expect(operatorOf(quantised.result.trades).surplus >= 0n).to.equal(true);
  });
});
