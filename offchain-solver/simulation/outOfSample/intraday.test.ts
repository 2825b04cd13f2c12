import { expect } from "chai";
import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import { uniquenessCost } from "../../market/result/cost.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import { restOfDay } from "../../scenarios/restOfDay.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { firstSession, playIntraday } from "./intraday.ts";
import { answeringOf, errorsOf, playDay } from "./replay.ts";

const DAY = 2;
/** A day with errors that fill batteries up. */
const FULL = 3;

describe("a day cleared again and again", function () {
  this.timeout(300_000);
  const whole = withSustain(takeHours(loadScenario("ieee15"), 6), 2);
  const first = firstSession(whole);
  const market = createMarket(whole, defaultSettings(whole));

  it("is the day itself where nothing is cleared again", () => {
    const [own, replayed]: string[][] = [[], []];
    const into = (list: string[]) => (limit: string, i: number, t: number, beyond: number) => {
      if (limit === "battery power" || limit === "generator power")
        list.push(`${limit} ${i} ${t} ${beyond.toFixed(9)}`);
    };
    playIntraday(whole, { day: DAY, every: 6, first }, into(own));
    playDay(market, answeringOf(market, first), errorsOf(market, "testErrors", DAY), 6, into(replayed));
    expect(own.length).to.be.above(20);
    expect(own.sort()).to.deep.equal(replayed.sort());
  });

  it("costs what was cleared where the day goes as forecast, and no more when cleared again", () => {
    const { uncertainty } = whole;
    const still = {
      ...whole,
      uncertainty: { ...uncertainty, testErrors: uncertainty.testErrors.map((days) => [days[0].map(() => 0)]) },
    };
    const play = (every: number) => playIntraday(still, { day: 0, every, first }, () => undefined);
    const [once, again] = [play(6), play(2)];
    const planned = first.objective - uniquenessCost(market, first.solution);
    // Allowances are settled for all together here: nobody buys from the desk what another sells to it.
    expect(once.cost).to.be.within(0.99 * planned, planned + 1e-3);
    // What is known by then makes forecasts better, and less has to be booked.
    expect(again.cost).to.be.within(0.8 * once.cost, once.cost + 1e-3);
    for (const { refused, missingMwh } of [once, again]) {
      expect(refused).to.deep.equal([]);
      expect(missingMwh).to.be.below(1e-6);
    }
  });

  it("asks batteries for nothing that the next session knows they cannot give", () => {
    const beyond = (every: number): number => {
      let broken = 0;
      playIntraday(whole, { day: FULL, every, first }, (limit, _i, _t, by) => {
        if (limit === "stored energy" && by > 1e-5) broken++;
      });
      return broken;
    };
    expect(beyond(6)).to.be.above(5);
    expect(beyond(2)).to.equal(0);
  });

  it("counts the first ramp from what a generator ran at before", () => {
    const morning = takeHours(loadScenario("ieee15"), 2);
    const running = withSustain(
      {
        ...morning,
        prosumers: morning.prosumers.map(({ generator, ...rest }) =>
          generator ? { ...rest, generator: { ...generator, initialMw: 0.6 * generator.maxMw } } : rest,
        ),
      },
      2,
    );
    const firstRamps = (of: typeof running): number => {
      let looked = 0;
      playIntraday(of, { day: DAY, every: 2, first: firstSession(of) }, (limit, _i, t) => {
        if (limit === "ramp" && t === 0) looked++;
      });
      return looked;
    };
    expect(firstRamps(running)).to.be.above(0);
    expect(firstRamps(withSustain(morning, 2))).to.equal(0);
  });

  it("has forecasts that know how it went, and moments of what they still leave", () => {
    const reached = whole.prosumers.map(({ battery }) => ({ storedMwh: battery?.initialMwh }));
    const rest = restOfDay(whole, { day: DAY, from: 3, plans: first.solution.schedules, reached });
    const later = createMarket(rest, defaultSettings(rest));
    const [before, after] = [errorsOf(market, "testErrors", DAY), errorsOf(later, "testErrors", 0)];
    let narrower = 0;
    whole.prosumers.forEach(({ renewable }, i) => {
      if (renewable === undefined) return;
      for (let t = 0; t < rest.hours; t++) {
        const forecast = rest.prosumers[i].renewable!.forecastMw[t];
        // The day itself is the same, whatever was forecast.
        if (forecast > 0)
          expect(forecast + after[t][i]).to.be.closeTo(renewable.forecastMw[t + 3] + before[t + 3][i], 1e-12);
      }
      if (market.sigma[3][i] > 0) {
        expect(later.sigma[0][i]).to.be.below(market.sigma[3][i] * 1.01);
        if (later.sigma[0][i] < 0.9 * market.sigma[3][i]) narrower++;
      }
    });
    expect(narrower).to.be.above(0);
  });
});
