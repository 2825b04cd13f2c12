import { expect } from "chai";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import { checkBill } from "./deliveryBill.ts";

describe("the bill of a delivery", () => {
  /** 1 kWh beyond what was promised, at $0.03: the utility owes it, and pays nothing. */
  const told = (paid: number, shortfall: DeliveryJson["shortfall"], sides = ["insurance", "desk", "utility"]) => {
    const values = [{ dueWh: 0, meteredWh: 1_000, quality: 0, renewableWh: 0 }];
    const readings = {
      allowancePrice: 50_000,
      prices: [{ shortPrice: 110_000, longPrice: 30_000, responsePrice: 70_000 }],
      rows: [{ id: 1, released: 0, emissionsG: 0, values }],
      responses: [],
    };
    const limits = new Map([[1, { feedW: 5_000, takeW: 5_000, renewableW: 0, maxPrice: 1_000_000 }]]);
    const none = { shortNano: 0, responsesNano: 0, penaltyNano: 0, allowancesNano: 0, boundNano: 0 };
    const member = {
      ...{ id: 1, parts: { ...none, longNano: 30_000_000 }, dueNano: 30_000_000, takenUpNano: 0 },
      ...{ surrenderedG: 0, boughtG: 0, releasedMilli: 0, arrearsNano: 0, cutNano: 30_000_000 - paid, movedNano: paid },
    };
    const systems = [
      { account: "insurance", takenUpNano: 0, movedNano: -shortfall.byFundNano },
      { account: "desk", takenUpNano: 0, movedNano: 0 },
      { account: "utility", takenUpNano: 0, movedNano: shortfall.byFundNano - paid },
    ];
    const shown = systems.filter(({ account }) => sides.includes(account));
    const about = { periods: 1, periodSeconds: 3_600, multiple: 3, kind: "final" };
    const delivery = { ...about, members: [member], systems: shown, shortfall } as unknown as DeliveryJson;
    return checkBill(readings, delivery, { limits, imbalancePrice: 120_000 });
  };

  it("is right where the utility cannot pay, and the fund and then the receiver bear it", () => {
    expect(told(30_000_000, { byFundNano: 0, byReceiversNano: 0 })).to.deep.equal({ kind: "valid" });
    expect(told(0, { byFundNano: 0, byReceiversNano: 30_000_000 })).to.deep.equal({ kind: "valid" });
    expect(told(10_000_000, { byFundNano: 10_000_000, byReceiversNano: 20_000_000 })).to.deep.equal({ kind: "valid" });
  });

  it("is refused where one of the three systems is not told of", () => {
    const without = told(30_000_000, { byFundNano: 0, byReceiversNano: 0 }, ["desk", "utility"]);
    expect(without).to.include({ kind: "invalid", predicate: "billNotTheReadings" });
  });

  it("is refused where a receiver is cut and nobody is told to have borne it", () => {
    const untold = told(0, { byFundNano: 0, byReceiversNano: 0 });
    expect(untold).to.include({ kind: "invalid", predicate: "billNotTheReadings" });
    const less = told(0, { byFundNano: 0, byReceiversNano: 1 });
    expect(less).to.include({ kind: "invalid", predicate: "billNotTheReadings" });
  });
});
