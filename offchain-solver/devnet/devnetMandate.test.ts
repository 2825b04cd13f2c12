import { expect } from "chai";
import { loadScenario } from "../scenarios/loadScenario.ts";
import { devnetMandate } from "./devnetMandate.ts";

describe("a devnet mandate", () => {
  const scenario = loadScenario("ieee15");
  const { tariff, prosumers } = scenario;

  it("has prices of the tariff's order: twice the highest, a little below the lowest", () => {
    const { maxBuy, minSell, minReservePrice, maxReservePrice } = devnetMandate(scenario, prosumers[0].id, 0n);
    expect(Number(maxBuy) / 1e3).to.equal(2 * Math.max(...tariff.buyPerMwh));
    expect(minSell).to.equal(-1_000n);
    const reserve = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
    expect(Number(minReservePrice) / 1e3).to.be.closeTo(-0.5 * reserve, 1e-3);
    expect(Number(maxReservePrice) / 1e3).to.be.closeTo(2.5 * reserve, 1e-3);
  });

  it("sells below zero where the tariff does, and only then by more than a tenth of a cent", () => {
    const negative = { ...scenario, tariff: { ...tariff, sellPerMwh: tariff.sellPerMwh.map((p, t) => (t ? p : -40)) } };
    expect(devnetMandate(negative, prosumers[0].id, 0n).minSell).to.equal(-41_000n);
  });

  it("leaves room above prices that are all below zero, and for lines whose worth follows a scarcity price", () => {
    const all = (price: number): number[] => tariff.buyPerMwh.map(() => price);
    const priced = (buy: number, sell: number) =>
      devnetMandate(
        { ...scenario, tariff: { ...tariff, buyPerMwh: all(buy), sellPerMwh: all(sell) } },
        prosumers[0].id,
        0n,
      );
    expect(priced(-100, -150).maxBuy).to.equal(50_000n);
    expect(priced(-100, -150).minSell).to.equal(-151_875n);
    expect(priced(5000, 4000).maxReservePrice).to.equal(3_125_000n);
    expect(priced(5000, 4000).minReservePrice).to.equal(-625_000n);
  });

  it("limits power by what the devices can do, and fits its fields for every account", () => {
    for (const { id, load, battery } of prosumers) {
      const mandate = devnetMandate(scenario, id, 5_000n);
      const peakW = (Math.max(...load.fixedMw) * (1 + load.flexibleShare) + (battery?.powerMw ?? 0)) * 1e6;
      expect(Number(mandate.maxBuyW)).to.be.within(peakW, peakW + 101);
      expect(mandate.maxCarbonG >= 5_000n && mandate.maxSpendPerDay <= 10n ** 12n).to.equal(true);
      for (const field of ["maxBuyW", "maxSellW", "maxReserveW", "maxCarbonG"] as const) {
        expect(mandate[field] < 2n ** 32n, field).to.equal(true);
      }
    }
    expect(devnetMandate(scenario, 0xffffffff, 0n).maxBuyW).to.equal(2n ** 32n - 1n);
  });
});
