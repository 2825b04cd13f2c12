import { expect } from "chai";
import * as fc from "fast-check";
import { DESK, OPERATOR, SESSION_PERIOD, type Trade, UTILITY } from "../market/result/clearingResult.ts";
import { byTariff, ownBill } from "./ownBill.ts";
import { netWh, priceParts } from "./priceParts.ts";

const PERIODS = 3;
const trade = fc.record({
  product: fc.constantFrom("energy" as const, "reserve" as const, "network" as const, "carbon" as const),
  period: fc.integer({ min: 0, max: PERIODS - 1 }),
  seller: fc.constantFrom(0, 1, 2, DESK, OPERATOR, UTILITY),
  buyer: fc.constantFrom(0, 1, 2, DESK, OPERATOR, UTILITY),
  quantity: fc.integer({ min: 1, max: 1e6 }),
  price: fc.integer({ min: -1e6, max: 1e6 }),
});
/** Allowances are of the whole session. */
const sound = (trades: readonly Trade[]): Trade[] =>
  trades
    .filter(({ seller, buyer }) => seller !== buyer)
    .map((one) => (one.product === "carbon" ? { ...one, period: SESSION_PERIOD } : one));

describe("an account's own bill", () => {
  it("is what its money moved by, and all bills together are nothing", () => {
    fc.assert(
      fc.property(fc.array(trade, { maxLength: 40 }), (drawn) => {
        const trades = sound(drawn);
        const bills = [0, 1, 2, DESK, OPERATOR, UTILITY].map((party) => ownBill({ trades }, PERIODS, party));
        bills.forEach((bill, k) => {
          const party = [0, 1, 2, DESK, OPERATOR, UTILITY][k];
          let moved = 0n;
          for (const { seller, buyer, quantity, price } of trades)
            moved += BigInt(quantity) * BigInt(price) * BigInt(Number(buyer === party) - Number(seller === party));
          expect(bill.paidNano).to.equal(moved);
          expect(bill.energyNano + bill.reserveNano + bill.carbonNano + bill.networkNano).to.equal(moved);
        });
        expect(bills.reduce((sum, { paidNano }) => sum + paidNano, 0n)).to.equal(0n);
      }),
    );
  });

  it("has a price whose parts are all of it, to the nano-dollar", () => {
    fc.assert(
      fc.property(fc.array(trade, { maxLength: 40 }), fc.integer({ min: -300, max: 300 }), (drawn, buy) => {
        const { periods } = ownBill({ trades: sound(drawn) }, PERIODS, 0);
        const parts = priceParts(periods, () => ({ buy, allowance: 25 }));
        const net = periods.reduce((sum, one) => sum + netWh(one), 0);
        if (parts === undefined) {
          expect(Math.abs(net)).to.be.below(1);
          return;
        }
        const { all, ...each } = parts;
        const paid = periods.reduce((sum, { paidNano }) => sum + Number(paidNano), 0);
        expect(Math.abs(all * net * 1e6 - paid)).to.be.at.most(1e-9 * Math.abs(paid));
        const sum = Object.values(each).reduce((total, part) => total + part, 0);
        const largest = Math.max(...Object.values(each).map(Math.abs));
        expect(Math.abs(sum - all)).to.be.at.most(1e-12 * (1 + largest));
      }),
    );
  });

  it("holds the allowance's worth where energy costs more than the utility's, and the limits' and errors' beside it", () => {
    const trades: Trade[] = [
      { product: "energy", period: 0, seller: 1, buyer: 0, quantity: 2_000, price: 120_000 },
      { product: "network", period: 0, seller: OPERATOR, buyer: 0, quantity: 2_000, price: 10_000 },
      { product: "reserve", period: 0, seller: 1, buyer: 0, quantity: 500, price: 20_000 },
    ];
    const parts = priceParts(ownBill({ trades }, 1, 0).periods, () => ({ buy: 100, allowance: 15 }));
    // 0.12 $/kWh: 0.1 the utility's, 0.015 an allowance's worth, 0.005 beyond both; 1e-2 $ of reserve on 2 kWh.
    const expected = { all: 0.135, energy: 0.105, carbon: 0.015, network: 0.01, risk: 0.005 };
    for (const [name, value] of Object.entries(expected))
      expect(parts![name as keyof typeof expected], name).to.be.closeTo(value, 1e-12);
    const sold = ownBill({ trades: trades.slice(0, 1) }, 1, 1).periods;
    expect(priceParts(sold, () => ({ buy: 100, allowance: 50 }))!.carbon).to.be.closeTo(0.02, 1e-12);
  });

  it("is compared with what the same net energy costs from the utility, allowances beyond the free ones included", () => {
    const trades: Trade[] = [
      { product: "energy", period: 0, seller: UTILITY, buyer: 0, quantity: 3_000_000, price: 100_000 },
      { product: "energy", period: 1, seller: 0, buyer: 1, quantity: 1_000_000, price: 90_000 },
    ];
    const bill = ownBill({ trades }, 2, 0);
    const scenario = {
      tariff: { buyPerMwh: [100, 100], sellPerMwh: [40, 40], reserveUpPerMw: 0, reserveDownPerMw: 0 },
      carbon: { gridTPerMwh: [0.5, 0.5], quotaTPerMwh: 0, deskBuyPerT: 20, deskSellPerT: 10 },
      prosumers: [{ id: 7, allowanceT: 0.5 } as never],
    };
    const plain = byTariff(bill, scenario, { id: 7, carbon: true });
    // 3 MWh at 100 $, 1 MWh sold at 40 $; 1.5 t emitted, .5 t free, 1 t at 20 $.
    expect(plain.periods.map(({ dollars }) => dollars)).to.deep.equal([300, -40]);
    expect(plain.dollars).to.equal(280);
    expect(plain.periods.map(({ why }) => why)).to.deep.equal(["none", "below"]);
    expect(byTariff(bill, scenario, { id: 7, carbon: false }).dollars).to.equal(260);
  });
});
