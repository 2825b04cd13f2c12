import { expect } from "chai";
import * as fc from "fast-check";
import { DESK, OPERATOR, SESSION_PERIOD, type Trade, UTILITY } from "../market/result/clearingResult.ts";
import { byTariff, ownBill } from "./ownBill.ts";

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
