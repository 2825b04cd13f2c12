import { expect } from "chai";
import fc from "fast-check";
import { clear } from "../../simulation/clear.ts";
import { loadScenario } from "../../scenarios/loadScenario.ts";
import { takeHours } from "../../scenarios/periods.ts";
import { defaultSettings } from "../scenario/market.ts";
import type { Prosumer, Scenario } from "../scenario/scenario.ts";
import { oneWay } from "./battery.ts";
import type { Schedule } from "./solution.ts";

const BATTERY = { powerMw: 1, minMwh: 0.2, maxMwh: 2, initialMwh: 1, efficiency: 0.9, wearPerMwh: 0 };
const prosumer = { battery: BATTERY } as Prosumer;

function scheduleOf(chargeMw: number[], dischargeMw: number[], reserveDownMw = chargeMw.map(() => 0)): Schedule {
  const stored: number[] = [];
  chargeMw.reduce(
    (before, charge, t) => (stored[t] = before + 0.9 * charge - dischargeMw[t] / 0.9),
    BATTERY.initialMwh,
  );
  const array = (values: number[]): Float64Array => Float64Array.from(values);
  return {
    chargeMw: array(chargeMw),
    dischargeMw: array(dischargeMw),
    storedMwh: array(stored),
    reserveDownMw: array(reserveDownMw),
    generatorMw: array(chargeMw.map(() => 0)),
  } as unknown as Schedule;
}

describe("a battery that charges and discharges at once", () => {
  it("runs one way with the same net power, and ends fuller, where that fits", () => {
    const power = fc.double({ min: 0, max: 0.15, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(power, power), { minLength: 1, maxLength: 5 }), (steps) => {
        const given = scheduleOf(
          steps.map(([charge]) => charge),
          steps.map(([, discharge]) => discharge),
        );
        const { schedule, both } = oneWay(prosumer, given, 1);
        expect(both).to.deep.equal([]);
        let stored = BATTERY.initialMwh;
        steps.forEach(([charge, discharge], t) => {
          expect(Math.min(schedule.chargeMw[t], schedule.dischargeMw[t])).to.equal(0);
          expect(schedule.dischargeMw[t] - schedule.chargeMw[t]).to.be.closeTo(discharge - charge, 1e-15);
          stored += 0.9 * schedule.chargeMw[t] - schedule.dischargeMw[t] / 0.9;
          expect(schedule.storedMwh[t])
            .to.be.closeTo(stored, 1e-12)
            .and.at.least(given.storedMwh[t] - 1e-12);
        });
      }),
    );
  });

  it("is named where the battery would overflow, by energy or by what is booked", () => {
    expect(oneWay(prosumer, scheduleOf([0.1, 0.6], [0, 0.5]), 1).both).to.deep.equal([]);
    const full = scheduleOf([1, 1, 1], [0, 0.8, 0.8]);
    expect(oneWay({ battery: { ...BATTERY, maxMwh: 1.91 } } as Prosumer, full, 1)).to.deep.equal({
      schedule: full,
      both: [1, 2],
    });
    const booked = scheduleOf([0.6, 0.6], [0.5, 0.5], [0.9, 0.9]);
    expect(oneWay(prosumer, booked, 1).both).to.deep.equal([]);
    expect(oneWay(prosumer, scheduleOf([0.6, 0.6], [0.5, 0.5], [1.2, 1.2]), 1).both).to.deep.equal([0, 1]);
  });
});

/** Prices below zero all day and half-full batteries: wasting energy pays. */
function paidToTake(): Scenario {
  const day = takeHours(loadScenario("ieee15"), 3);
  const all = (price: number): number[] => day.tariff.buyPerMwh.map(() => price);
  return {
    ...day,
    prosumers: day.prosumers.slice(0, 5),
    pairs: [
      [1, 2],
      [1, 3],
      [2, 4],
      [3, 5],
    ],
    uncertainty: {
      ...day.uncertainty,
      uncertain: day.uncertainty.uncertain.filter((id) => id <= 5),
      factor: day.uncertainty.factor.map((rows) =>
        rows.map((row) => row.filter((_, c) => day.uncertainty.uncertain[c] <= 5)),
      ),
    },
    tariff: { ...day.tariff, buyPerMwh: all(-100), sellPerMwh: all(-150) },
  };
}

describe("prices below zero all day", function () {
  this.timeout(300_000);

  it("make no battery run both ways, by any method, at about the same cost", () => {
    const scenario = paidToTake();
    const objectives = (["central", "anderson"] as const).map((method) => {
      const session = clear(scenario, {
        method,
        market: defaultSettings(scenario),
        trade: true,
        rhoScale: 1,
        maxIterations: 5000,
      });
      expect(session.status, session.reason).to.equal("solved");
      const { solution, objective } = session.outcome!;
      solution.schedules.forEach(({ chargeMw, dischargeMw, storedMwh }, i) => {
        const { battery } = scenario.prosumers[i];
        if (battery === undefined) return;
        let stored = battery.initialMwh;
        chargeMw.forEach((charge, t) => {
          expect(Math.min(charge, dischargeMw[t])).to.equal(0);
          stored += battery.efficiency * charge - dischargeMw[t] / battery.efficiency;
          expect(storedMwh[t]).to.be.closeTo(stored, 1e-5).and.at.most(battery.maxMwh);
        });
      });
      const held = session.market.scenario.prosumers.some(({ battery }) => battery?.direction !== undefined);
      expect(held, "wasting energy pays here").to.equal(true);
      return objective;
    });
    // Which way is taken from an optimum that is not unique, so the methods may hold a battery differently.
    expect(objectives[1]).to.be.closeTo(objectives[0], 2e-3 * Math.abs(objectives[0]));
  });
});
