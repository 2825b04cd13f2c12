import { expect } from "chai";
import type { Scenario } from "../market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../scenarios/loadScenario.ts";
import { publicScenario } from "../market/scenario/publicScenario.ts";
import { unsettleable, untellable } from "./settleable.ts";

describe("what no batch could carry", () => {
  const base = takeHours(loadScenario("ieee15"), 2);
  const first = (change: Partial<Scenario["prosumers"][number]>): Partial<Scenario> => ({
    prosumers: [{ ...base.prosumers[0], ...change }, ...base.prosumers.slice(1)],
  });
  const { tariff, carbon } = base;
  const { load } = base.prosumers[0];

  it("is nothing of the shipped cases, scarcity and negative prices, quarter-hours", () => {
    for (const change of [
      {},
      { tariff: { ...tariff, buyPerMwh: [5000, 8388.606], sellPerMwh: [4000, -8388.606] } },
      { tariff: { ...tariff, buyPerMwh: [-100, -100], sellPerMwh: [-150, -150] } },
      first({ id: 1 }),
    ])
      expect(unsettleable({ ...base, ...change }), JSON.stringify(change).slice(0, 80)).to.deep.equal([]);
    expect(unsettleable(loadScenario("ieee141"))).to.deep.equal([]);
    for (const [periods, periodHours] of [
      [4, 0.25],
      [12, 1 / 12],
    ]) {
      const short = { ...takeHours(loadScenario("ieee15"), periods), periodHours };
      expect(unsettleable(short), `${periodHours}`).to.deep.equal([]);
    }
  });

  it("is named by field and value", () => {
    const cases: [Partial<Scenario>, string, unknown][] = [
      [{ periodHours: 2 }, "periodHours", 2],
      [{ periodHours: 1 / 60 }, "periodHours", 1 / 60],
      [{ periodHours: 0.7 }, "periodHours", 0.7],
      [{ periodHours: 0.25 }, "hours", 2],
      [{ startUtc: "1970-01-01T23:00:00Z" }, "startUtc", "1970-01-01T23:00:00Z"],
      [{ startUtc: "2021-07-15T08:00:30Z" }, "startUtc", "2021-07-15T08:00:30Z"],
      [{ tariff: { ...tariff, buyPerMwh: [35, 8388.607] } }, "tariff.buyPerMwh[1]", 8388.607],
      [{ tariff: { ...tariff, sellPerMwh: [-9000, 20] } }, "tariff.sellPerMwh[0]", -9000],
      [{ tariff: { ...tariff, reserveUpPerMw: 9000 } }, "tariff.reserveUpPerMw", 9000],
      [{ carbon: { ...carbon, deskBuyPerT: 10_000 } }, "carbon.deskBuyPerT", 10_000],
      [{ standing: [{ id: 9, bus: 2, mw: [-1, -1], mvar: [0, 0] }] }, "standing", "9"],
      [first({ id: 0xfffffffd }), "prosumers[0].id", 0xfffffffd],
      [first({ id: 0xfffffffc }), "prosumers[0].id", 0xfffffffc],
      [first({ load: { ...load, mvarPerMw: 1000 } }), "prosumers[0].load.mvarPerMw", 1000],
      [first({ load: { ...load, fixedMw: [5000, 0] } }), "prosumers[0].load.fixedMw", undefined],
    ];
    for (const [change, field, value] of cases) {
      const [fault] = unsettleable({ ...base, ...change });
      expect(fault?.field, field).to.equal(field);
      if (value !== undefined) expect(fault.value).to.equal(value);
    }
  });

  it("is a profile a home and period beyond what the chain holds of them: 36 homes in 96, and not 37", () => {
    const periods = 96;
    const quarters = { ...takeHours(loadScenario("ieee141"), 24), hours: periods, periodHours: 0.25 };
    const street = (homes: number, mw: (t: number) => number): Scenario => ({
      ...quarters,
      prosumers: quarters.prosumers.slice(0, homes).map((home) => ({
        ...home,
        fallback: { mw: Array.from({ length: periods }, (_, t) => mw(t)), mvar: new Array<number>(periods).fill(0) },
      })),
    });
    const faults = (homes: number, mw: (t: number) => number) => untellable(publicScenario(street(homes, mw)));
    const uneven = (t: number): number => -0.001 * (1 + t);
    expect(faults(36, uneven)).to.deep.equal([]);
    const [fault] = faults(37, uneven);
    expect([fault.field, fault.value]).to.deep.equal(["prosumers.fallback", 37 * (5 + 7 * periods)]);
    expect(fault.reason).to.include("of 36 homes with 96 values each");
    expect(faults(84, () => -0.001)).to.deep.equal([]);
  });
});
