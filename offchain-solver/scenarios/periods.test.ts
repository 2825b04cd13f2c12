import { expect } from "chai";
import { InputError } from "../io/inputError.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import { loadScenario } from "./loadScenario.ts";
import { populate } from "./populate.ts";
import { splitHours, takeHours, takePeriods } from "./periods.ts";

const day = loadScenario("ieee15");
const quarters = splitHours(day, 15);

describe("periods of less than an hour", () => {
  it("makes a day of 96 quarter-hours that is as sound as the day", () => {
    expect([quarters.hours, quarters.periodHours]).to.deep.equal([96, 0.25]);
    expect(scenarioFaults(ScenarioSchema.parse(quarters))).to.deep.equal([]);
    expect(quarters.tariff.buyPerMwh.slice(0, 4)).to.deep.equal(new Array(4).fill(day.tariff.buyPerMwh[0]));
    expect(quarters.uncertainty.factor[95]).to.deep.equal(day.uncertainty.factor[23]);
  });

  it("runs straight from the middle of one hour to the middle of the next", () => {
    const [first, second] = day.prosumers[0].load.fixedMw;
    const load = quarters.prosumers[0].load.fixedMw;
    expect(load[0]).to.equal(first);
    expect(load[2]).to.be.closeTo(first + (second - first) / 8, 1e-12);
    expect(load[3]).to.be.closeTo(first + (3 * (second - first)) / 8, 1e-12);
    expect(load[4]).to.be.closeTo(first + (5 * (second - first)) / 8, 1e-12);
    expect(load[95]).to.equal(day.prosumers[0].load.fixedMw[23]);
    // A third of an hour has its middle in the hour's own middle once.
    expect(splitHours(day, 20).prosumers[0].load.fixedMw[4]).to.equal(second);
  });

  it("keeps an hour as it is, and refuses what does not divide it", () => {
    expect(splitHours(day, 60)).to.deep.equal(day);
    expect(() => splitHours(day, 7)).to.throw(InputError, "ieee15: minutes = 7: must be one of 5, 6, 10");
    expect(() => splitHours(quarters, 15)).to.throw(InputError, "ieee15: periodHours = 0.25: only hours can be split");
  });

  it("counts hours by the clock and periods one by one", () => {
    expect(takeHours(quarters, 6).hours).to.equal(24);
    expect(takeHours(quarters, 0.75)).to.deep.equal(takePeriods(quarters, 3));
    expect(takeHours(splitHours(day, 5), 1).hours).to.equal(12);
    expect(() => takeHours(quarters, 0.8)).to.throw(
      InputError,
      "hours = 0.8: must be a multiple of the period, 0.25 h,",
    );
    expect(() => takeHours(quarters, 25)).to.throw(InputError, "from 0.25 to 24");
    expect(() => takePeriods(quarters, 97)).to.throw(InputError, "periods = 97: must be a whole number from 1 to 96");
  });

  it("draws a population for a scenario of quarter-hours", () => {
    const drawn = populate(takeHours(quarters, 1.5), 3, 1);
    expect([drawn.hours, drawn.periodHours]).to.deep.equal([6, 0.25]);
    expect(scenarioFaults(ScenarioSchema.parse(drawn))).to.deep.equal([]);
    expect(drawn.tariff.buyPerMwh).to.deep.equal(quarters.tariff.buyPerMwh.slice(0, 6));
    expect(() => populate({ ...takeHours(day, 2), periodHours: 0.9 }, 3, 1)).to.throw(InputError, "periodHours = 0.9");
  });
});
