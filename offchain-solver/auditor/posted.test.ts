import { expect } from "chai";
import { resized } from "../scenarios/resized.ts";
import { transport } from "../codec/transport.ts";
import { UTILITY, type ClearingResult } from "../market/result/clearingResult.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { splitHours, takeHours } from "../scenarios/periods.ts";
import { clear, gridOf } from "../simulation/clear.ts";
import { checkPosted } from "./posted.ts";

/** A hundredth of the 15-bus day, in quarter-hours: homes of one to five kW. */
const market = createMarket(
  resized(splitHours(takeHours(loadScenario("ieee15"), 1), 15), 0.01),
  defaultSettings(loadScenario("ieee15")),
);
const { places } = gridOf(market);

/**
 * One period in which the first sells `traded` Wh to the second at a price between the utility's two, and all sell it
 * `wh` each.
 */
function result(wh: number, traded = 40): ClearingResult {
  const n = market.prosumers.length;
  const { tariff } = market.scenario;
  const price = Math.round(500 * (tariff.buyPerMwh[0] + tariff.sellPerMwh[0]));
  const net = Array.from({ length: n }, (_, i) => (i === 0 ? traded : i === 1 ? -traded : 0));
  const peers = transport(net, places).map((trade) => ({ ...trade, product: "energy" as const, period: 0, price }));
  const paid = Math.round(1000 * tariff.sellPerMwh[0]);
  const dealings = Array.from({ length: n }, (_, seller) => ({
    product: "energy" as const,
    period: 0,
    seller,
    buyer: UTILITY,
    quantity: wh,
    price: paid,
  }));
  return {
    sessionStart: Date.parse(market.scenario.startUtc) / 1000,
    periodSeconds: 900,
    periods: 4,
    participants: market.prosumers.map(({ id }) => id),
    trades: [...peers, ...dealings],
    reactiveVar: market.prosumers.map(() => [0, 0, 0, 0]),
  };
}

describe("trades of a posted result", () => {
  it("stay within the parts of the trade graph, each with a price of its own", function () {
    this.timeout(300_000);
    const day = takeHours(loadScenario("ieee15"), 3);
    const ids = day.prosumers.map(({ id }) => id);
    // Every second bus with every second, and the last with nobody.
    const parity = new Map(ids.slice(0, -1).map((id, k) => [id, k % 2]));
    const together = (a: number, b: number): boolean => parity.has(a) && parity.get(a) === parity.get(b);
    const pairs = ids.flatMap((a) => ids.filter((b) => a < b && together(a, b)).map((b): [number, number] => [a, b]));
    const cleared = clear(
      { ...day, pairs },
      { method: "central", market: defaultSettings(day), trade: true, rhoScale: 1, maxIterations: 1 },
    );
    const posted = cleared.outcome!.quantised.result;
    const peers = posted.trades.filter(
      ({ product, seller, buyer }) => product !== "reserve" && Math.max(seller, buyer) < ids.length,
    );
    expect(peers.length).to.be.above(10);
    const across = peers.filter(({ seller, buyer }) => !together(ids[seller], ids[buyer]));
    expect(across).to.deep.equal([]);
    expect(checkPosted(cleared.market, gridOf(cleared.market).places, posted)).to.deep.equal({ kind: "valid" });
  });
});

describe("prices of a posted result", () => {
  it("are not the utility's where all it takes is what whole Wh leave over", () => {
    expect(checkPosted(market, places, result(1))).to.deep.equal({ kind: "valid" });
  });

  it("are one for all who can trade with one another, whoever else can trade with nobody", () => {
    const last = market.prosumers.length - 1;
    const apart = { ...market, pairs: market.pairs.filter((pair) => !pair.includes(last)) };
    const honest = result(0);
    const [one, ...rest] = honest.trades.filter(({ quantity }) => quantity > 0);
    const halves = [20, 20].map((quantity, k) => ({ ...one, quantity, price: one.price + (k === 0 ? 300 : -300) }));
    const of = (trades: ClearingResult["trades"]): ClearingResult => ({ ...honest, trades });
    expect(checkPosted(apart, places, of([one, ...rest]))).to.deep.equal({ kind: "valid" });
    // Two buyers of one seller.
    const buyers = [halves[0], { ...halves[1], buyer: one.buyer + 1 }];
    for (const among of [market, apart])
      expect(checkPosted(among, places, of([...buyers, ...rest]))).to.include({ predicate: "priceNotUniform" });
    const alone = { ...market, pairs: market.pairs.filter((pair) => !pair.includes(one.buyer)) };
    expect(checkPosted(alone, places, of([one, ...rest]))).to.include({ predicate: "noSuchPair" });
  });

  it("are the utility's where it takes more", () => {
    expect(checkPosted(market, places, result(20))).to.include({ kind: "invalid", predicate: "priceOutsideTariff" });
  });

  it("are not the utility's where what is lost by selling to it is what a certified result may lose", () => {
    const { buyPerMwh, sellPerMwh } = market.scenario.tariff;
    const lostPerMwh = (buyPerMwh[0] - sellPerMwh[0]) / 2;
    const wh = 6;
    const lost = (14 * wh * lostPerMwh) / 1e6;
    // Regrets may be 1e-5 of the turnover, and 1e-4 may be open between plans and trades; the trade is most of it here.
    const enough = Math.ceil((lost * 1e6) / 1.1e-4 / ((buyPerMwh[0] + sellPerMwh[0]) / 2));
    expect(checkPosted(market, places, result(wh, enough))).to.deep.equal({ kind: "valid" });
    const found = checkPosted(market, places, result(wh, enough / 2));
    expect(found).to.include({ kind: "invalid", predicate: "priceOutsideTariff" });
    expect(found)
      .to.have.property("detail")
      .that.contains(`$${lost.toPrecision(4)} lost`);
  });
});
