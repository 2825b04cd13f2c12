import { expect } from "chai";
import fc from "fast-check";
import { DESK, OPERATOR, SESSION_PERIOD, UTILITY, type ClearingResult } from "../market/result/clearingResult.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import type { Network } from "../market/formulation/network.ts";
import { excess } from "../market/result/excess.ts";
import { paymentNano, positionsWh, reservePositions, verifyOwn, verifyPublic } from "../market/result/verify.ts";
import { randomFeeder } from "../../test/support/randomFeeder.ts";
import { distanceMatrix, topologyOf } from "../grid/topology.ts";
import { placesOn } from "../grid/places.ts";
import { clear, type ClearedSession } from "../simulation/clear.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { resized } from "../scenarios/resized.ts";
import { quantise } from "./quantise.ts";
import { roundToZeroSum, transport } from "./transport.ts";

const amounts = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2, maxLength: 30 });

describe("netting", () => {
  it("rounds to whole numbers that add up to zero and moves none by a unit", () => {
    fc.assert(
      fc.property(amounts, (raw) => {
        const drift = raw.reduce((a, b) => a + b, 0);
        const zero = raw.map((a, i) => (i === 0 ? a - drift : a));
        const whole = roundToZeroSum(zero);
        expect(whole.reduce((a, b) => a + b, 0)).to.equal(0);
        whole.forEach((w, i) => expect(Math.abs(w - zero[i])).to.be.lessThan(1 + 1e-6));
      }),
    );
  });

  const sales = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 30 });
  /** Whole impedances, so that distances that are equal by the numbers are equal to the last bit: there are many. */
  const whole = randomFeeder.map((feeder) => ({
    ...feeder,
    branches: feeder.branches.map((branch) => ({ ...branch, rPu: Math.round(100 * branch.rPu), xPu: 0 })),
  }));

  it("ships nearest pair first, as a list of all pairs sorted by distance would", () => {
    fc.assert(
      fc.property(whole, sales, fc.nat(), (feeder, raw, salt) => {
        const net = [...raw, -raw.reduce((a, b) => a + b, 0)];
        const topology = topologyOf(feeder);
        const n = feeder.buses.length;
        const busOf = net.map((_, i) => (i * 7 + salt) % n);
        const matrix = distanceMatrix(feeder, topology);
        const far = (i: number, j: number): number => matrix[busOf[i] * n + busOf[j]];
        const left = [...net];
        const expected = net
          .flatMap((s, seller) => (s > 0 ? net.flatMap((b, buyer) => (b < 0 ? [{ seller, buyer }] : [])) : []))
          .sort((a, b) => far(a.seller, a.buyer) - far(b.seller, b.buyer) || a.seller - b.seller || a.buyer - b.buyer)
          .flatMap(({ seller, buyer }) => {
            const quantity = Math.min(left[seller], -left[buyer]);
            if (quantity <= 0) return [];
            left[seller] -= quantity;
            left[buyer] += quantity;
            return [{ seller, buyer, quantity }];
          });
        expect(transport(net, placesOn(feeder, topology, busOf))).to.deep.equal(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("ships every net sale once, in at most sellers + buyers - 1 trades", () => {
    fc.assert(
      fc.property(randomFeeder, sales, (feeder, raw) => {
        const net = [...raw, -raw.reduce((a, b) => a + b, 0)];
        const left = [...net];
        const busOf = net.map((_, i) => i % feeder.buses.length);
        const shipments = transport(net, placesOn(feeder, topologyOf(feeder), busOf));
        for (const { seller, buyer, quantity } of shipments) {
          expect(quantity).to.be.greaterThan(0);
          left[seller] -= quantity;
          left[buyer] += quantity;
        }
        expect(left.every((l) => l === 0)).to.equal(true);
        const active = net.filter((s) => s !== 0).length;
        expect(shipments.length).to.be.at.most(Math.max(0, active - 1));
      }),
    );
  });
});

describe("a quantised session", () => {
  let session: ClearedSession;
  let result: ClearingResult;
  before(function () {
    this.timeout(300_000);
    const scenario = takeHours(loadScenario("ieee15"), 3);
    session = clear(scenario, {
      method: "central",
      market: defaultSettings(scenario),
      trade: true,
      rhoScale: 1,
      maxIterations: 1,
    });
    result = session.outcome!.quantised.result;
  });

  it("keeps every position within a unit of the cleared point, utility dust aside", () => {
    const positions = positionsWh(result);
    session.outcome!.solution.schedules.forEach((s, i) =>
      s.pMw.forEach((p, t) => expect(Math.abs(positions[t][i] - p * 1e6)).to.be.at.most(22)),
    );
  });

  it("posts whole units whatever the market's size, also where allowances are short", () => {
    for (const x of [0.37, 0.0123, 8.19]) {
      const scenario = resized(takeHours(loadScenario("ieee15"), 2), x);
      const { market, network, outcome } = clear(scenario, {
        method: "central",
        market: defaultSettings(scenario),
        trade: true,
        rhoScale: 1,
        maxIterations: 1,
      });
      const { proposals } = outcome!;
      const short = proposals.prosumers.map((p) => ({ ...p, deskT: Math.max(0, p.deskT) / 3 }));
      const { trades } = quantise(
        market,
        { ...proposals, prosumers: short },
        placesOn(scenario.feeder, network!.topology, network!.busOf),
      ).result;
      expect(trades.filter(({ seller }) => seller === DESK)).not.to.deep.equal([]);
      for (const trade of trades) {
        expect(Number.isSafeInteger(trade.quantity), `x ${x}: ${JSON.stringify(trade)}`).to.equal(true);
        expect(Number.isSafeInteger(trade.price), `x ${x}: ${JSON.stringify(trade)}`).to.equal(true);
      }
    }
  });

  it("answers an error to the watt where many shares of less than a watt make it up", () => {
    const { market, outcome, network } = session;
    const { proposals } = outcome!;
    const places = placesOn(market.scenario.feeder, network!.topology, network!.busOf);
    const without = [...market.shares.entries()].flatMap(([t, slots]) =>
      [...new Set(slots.map(({ buyer }) => buyer))]
        .filter((j) => !slots.some(({ seller, buyer }) => seller === j && buyer === j))
        .map((j) => [t, j] as const),
    );
    expect(without.length).to.be.above(2);
    const needW = (t: number, j: number): number => 1e6 * market.halfWidth[t] * market.sigma[t][j];
    for (const watts of [0.4, 0.9]) {
      // Each seller gives so little, and one of them what is left: nothing comes from the utility.
      const shareMw = market.shares.map((slots, t) =>
        slots.map(({ seller, buyer }, s) => {
          if (seller === buyer || !without.some(([hour, j]) => hour === t && j === buyer)) return 0;
          const mine = slots.flatMap((slot, k) => (slot.buyer === buyer ? [k] : []));
          return (s === mine[0] ? needW(t, buyer) - watts * (mine.length - 1) : watts) / 1e6;
        }),
      );
      const given = {
        operator: { ...proposals.operator, shareMw },
        prosumers: proposals.prosumers.map((p) => ({ ...p, utilityShareMw: p.utilityShareMw.map(() => 0) })),
      };
      const settings = { reserveThresholdW: 0.001, dustWh: 0, allowanceDustG: 50 };
      const { trades } = quantise(market, given, places, settings).result;
      for (const [t, j] of without) {
        const posted = trades.filter(
          ({ product, period, buyer }) => product === "reserve" && period === t && buyer === j,
        );
        const total = posted.reduce((sum, { quantity }) => sum + quantity, 0);
        expect(total, `${watts} W, period ${t}, ${j}`).to.equal(Math.round(needW(t, j)));
      }
    }
  });

  it("leaves nobody on both sides of allowances, and nobody at a loss between utility and peers in a period", () => {
    const sides = new Map<string, Set<number>>();
    const add = (product: string, period: number, party: number, side: number) => {
      const key = `${product} ${period} ${party}`;
      sides.set(key, (sides.get(key) ?? new Set()).add(side));
    };
    for (const { product, period, seller, buyer } of result.trades) {
      if (product !== "carbon") continue;
      add(product, period, seller, 1);
      add(product, period, buyer, -1);
    }
    const both = [...sides].filter(
      ([key, of]) => of.size > 1 && !key.endsWith(`${UTILITY}`) && !key.endsWith(`${DESK}`),
    );
    expect(both).to.deep.equal([]);
    const { tariff } = session.market.scenario;
    for (let t = 0; t < result.periods; t++) {
      result.participants.forEach((_, i) => {
        let [peers, utility, money] = [0, 0, 0];
        for (const { product, period, seller, buyer, quantity, price } of result.trades) {
          if (product !== "energy" || period !== t || (seller !== i && buyer !== i)) continue;
          const sold = seller === i ? quantity : -quantity;
          if (seller === UTILITY || buyer === UTILITY) utility += sold;
          else [peers, money] = [peers + sold, money + sold * price];
        }
        if (peers * utility >= 0) return;
        const other = 1e3 * (peers > 0 ? tariff.buyPerMwh[t] : tariff.sellPerMwh[t]);
        expect(money, `${i} in ${t}`).to.be.at.least(peers * other);
      });
    }
  });

  it("pays out what it takes in, to the nano-dollar, over all accounts", () => {
    let total = 0n;
    for (const party of [...result.participants.keys(), UTILITY, 0xfffe, 0xfffd]) total += paymentNano(result, party);
    expect(total).to.equal(0n);
  });

  it("answers every forecast error exactly, and holds every limit", () => {
    expect(verifyPublic(session.market, session.network, result)).to.deep.equal({ kind: "valid" });
  });

  const change = (
    edit: (
      trades: { -readonly [K in keyof ClearingResult["trades"][number]]: ClearingResult["trades"][number][K] }[],
    ) => void,
  ) => {
    const trades = result.trades.map((t) => ({ ...t }));
    edit(trades);
    return verifyPublic(session.market, session.network, { ...result, trades });
  };

  it("is refused by every node when a trade is changed, with the predicate that names it", () => {
    const find = (match: (t: ClearingResult["trades"][number]) => boolean): number => result.trades.findIndex(match);
    const importing = find((t) => t.product === "energy" && t.seller === UTILITY);
    const reserve = find((t) => t.product === "reserve" && t.seller !== UTILITY);
    const energy = find((t) => t.product === "energy" && t.seller !== UTILITY && t.buyer !== UTILITY);
    const cases: [string, Parameters<typeof change>[0]][] = [
      ["wrongTariff", (trades) => (trades[importing].price += 1)],
      ["errorNotAnswered", (trades) => (trades[reserve].quantity += 5_000_000)],
      ["noSuchShare", (trades) => (trades[reserve].buyer = 2)],
      ["emptyTrade", (trades) => (trades[energy].quantity = 0)],
      ["unknownPeriod", (trades) => (trades[energy].period = 3)],
      ["outsideNetworkLimit", (trades) => (trades[energy].quantity += 2_000_000)],
    ];
    for (const [predicate, edit] of cases) {
      const found = change(edit);
      expect(found, predicate).to.include({ kind: "invalid", predicate });
    }
  });

  it("holds reserve to the watt and lines by their own ratings, whatever sizes are stated", () => {
    const market = { ...session.market, sizeMw: 50 * session.market.sizeMw };
    const network = session.network as Network;
    const cannot = (buyer: number): boolean => !market.canAnswer[buyer];
    const reserve = result.trades.find((t) => t.product === "reserve" && t.seller !== OPERATOR && cannot(t.buyer));
    const missing = (watts: number): ClearingResult => ({
      ...result,
      trades: result.trades.map((t) => (t === reserve ? { ...t, quantity: t.quantity - watts } : t)),
    });
    expect(verifyPublic(market, network, result)).to.deep.equal({ kind: "valid" });
    expect(verifyPublic(market, network, missing(2))).to.include({ predicate: "errorNotAnswered" });
    // The line nearest to its limit, with a rating of four in a thousand less than it carries.
    const positions = positionsWh(result);
    const { shares } = reservePositions(market, result);
    const [lower, upper] = [network.lower.slice(), network.upper.slice()];
    const gap = excess(market, network, 0, {
      p: positions[0].map((wh) => wh / 1e6 / market.dt),
      q: result.reactiveVar.map((row) => row[0] / 1e6),
      shares: shares[0].map((w) => w / 1e6),
    });
    const rated = [...gap.keys()].filter((k) => k >= network.buses && upper[k] > lower[k]);
    const limit = rated.reduce((nearest, k) => (gap[k] > gap[nearest] ? k : nearest));
    upper[limit] += gap[limit] - 0.004 * upper[limit];
    lower[limit] = -upper[limit];
    const narrow = { ...network, lower, upper };
    expect(verifyPublic(market, narrow, result)).to.include({ predicate: "outsideNetworkLimit" });
  });

  it("is refused by the prosumer whose injection or money was moved", () => {
    const s = session.outcome!.solution.schedules[0];
    const paid = -Number(paymentNano(result, 0)) / 1e9;
    const view = { index: 0, injectionMw: s.pMw, reactiveMvar: s.qMvar, expectedPayment: paid, paymentTolerance: 0.01 };
    expect(verifyOwn(session.market, result, view)).to.deep.equal({ kind: "valid" });
    expect(verifyOwn(session.market, result, { ...view, expectedPayment: paid - 0.02 })).to.include({
      predicate: "payMoreThanAgreed",
    });
    expect(verifyOwn(session.market, result, { ...view, injectionMw: s.pMw.map((p) => p + 0.001) })).to.include({
      predicate: "notMyInjection",
    });
    expect(verifyOwn(session.market, result, { ...view, reactiveMvar: s.qMvar.map((q) => q + 0.001) })).to.include({
      predicate: "notMyReactive",
    });
  });

  it("posts the rebate once a session, never above what the operator took", () => {
    const rebate = result.trades.filter((t) => t.product === "network" && t.period === SESSION_PERIOD);
    expect(rebate.length).to.be.greaterThan(0);
    expect(Number(paymentNano(result, 0xfffe))).to.be.at.least(0);
  });
});
