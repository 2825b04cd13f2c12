import { expect } from "chai";
import { defaultSettings } from "../../market/scenario/market.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { atEpsilon, calibrate } from "./dayPromise.ts";

describe("a promise for the day", function () {
  this.timeout(120_000);
  const day = takeHours(loadScenario("ieee15"), 3);
  const settings = defaultSettings(day);

  it("is kept on the fitted days by the eps found, and broken by the next larger one", () => {
    const tried: [epsilon: number, broken: number][] = [];
    const found = calibrate(day, settings, 0, (epsilon, at) => tried.push([epsilon, at ? at.fitted.any : Infinity]));
    expect(found!.fitted).to.include({ any: 0, days: 32 });
    const larger = tried.filter(([epsilon]) => epsilon > found!.epsilon);
    expect(larger.length).to.be.above(0);
    for (const [, broken] of larger) expect(broken).to.be.above(0);
    // Asked for less, it costs less.
    expect(calibrate(day, settings, 0.5)!.objective).to.be.below(found!.objective);
  });

  it("counts a day whose errors were ten times as large as broken, and none where nothing erred", () => {
    const scaled = (factor: number) => ({
      ...day,
      uncertainty: {
        ...day.uncertainty,
        testErrors: day.uncertainty.testErrors.map((days) => days.map((row) => row.map((error) => factor * error))),
      },
    });
    expect(atEpsilon(scaled(10), settings, 0.05)!.heldOut.any).to.be.above(20);
    expect(atEpsilon(scaled(0), settings, 0.05)!.heldOut).to.deep.equal({ network: 0, devices: 0, any: 0, days: 28 });
  });

  it("holds ramps and stored energy to it where reserve has to last", () => {
    const lasting = withSustain(day, 3);
    const [wide, narrow] = [0.2, 0.02].map((epsilon) => atEpsilon(lasting, settings, epsilon)!.fitted.devices);
    expect(wide).to.be.above(narrow);
  });
});
