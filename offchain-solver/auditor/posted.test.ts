import { expect } from "chai";
import { resized } from "../scenarios/resized.ts";
import { transport } from "../codec/transport.ts";
import { UTILITY, type ClearingResult } from "../market/result/clearingResult.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { splitHours, takeHours } from "../scenarios/periods.ts";
import { gridOf } from "../simulation/clear.ts";
import { checkPosted } from "./posted.ts";

/** A hundredth of the 15-bus day, in quarter-hours: homes of one to five kW. */
const market = createMarket(
  resized(splitHours(takeHours(loadScenario("ieee15"), 1), 15), 0.01),
  defaultSettings(loadScenario("ieee15")),
);
const { places } = gridOf(market);

/**
 * One period in which the first sells to the second at a price between the utility's two, and all sell it `wh` each.
 */
function result(wh: number): ClearingResult {
  const n = market.prosumers.length;
  const { tariff } = market.scenario;
  const price = Math.round(500 * (tariff.buyPerMwh[0] + tariff.sellPerMwh[0]));
  const net = Array.from({ length: n }, (_, i) => (i === 0 ? 40 : i === 1 ? -40 : 0));
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

describe("prices of a posted result", () => {
  it("are not the utility's where all it takes is what whole Wh leave over", () => {
    expect(checkPosted(market, places, result(1))).to.deep.equal({ kind: "valid" });
  });

  it("are the utility's where it takes more", () => {
    expect(checkPosted(market, places, result(2))).to.include({ kind: "invalid", predicate: "priceOutsideTariff" });
  });
});
