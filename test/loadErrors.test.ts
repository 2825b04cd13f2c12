import { expect } from "chai";
import { createMarket, defaultSettings } from "../offchain-solver/market/scenario/market.ts";
import { leaveOut } from "../offchain-solver/market/scenario/leaveOut.ts";
import { publicScenario } from "../offchain-solver/market/scenario/publicScenario.ts";
import { scenarioFaults } from "../offchain-solver/market/scenario/scenarioFaults.ts";
import type { Prosumer, Scenario } from "../offchain-solver/market/scenario/scenario.ts";
import { loadScenario, takeHours } from "../offchain-solver/scenarios/loadScenario.ts";
import { restOfDay } from "../offchain-solver/scenarios/restOfDay.ts";
import { withSustain } from "../offchain-solver/scenarios/withSustain.ts";
import { clear, type ClearMethod } from "../offchain-solver/simulation/clear.ts";
import { errorsOf } from "../offchain-solver/simulation/outOfSample/replay.ts";

/** The threshold below which a source has nothing to answer, p.u. of rating (docs/model.md). */
const NEGLIGIBLE = 0.004;

function objectiveOf(scenario: Scenario, method: ClearMethod): number {
  const market = defaultSettings(scenario);
  const session = clear(scenario, { method, trade: true, rhoScale: 1, maxIterations: 3000, market, reserve: "joint" });
  if (session.outcome === undefined) throw new Error(`${method}: ${session.reason}`);
  return session.outcome.objective;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** [day] MW that a prosumer injects more than forecast in an hour: panels' and load's errors, told one by one. */
function daysOf({ uncertainty }: Scenario, { renewable, load }: Prosumer, hour: number): number[] {
  const days = uncertainty.fitErrors[hour];
  const errs = (source: number): boolean => {
    const values = days.map((row) => row[source]);
    const square = values.reduce((sum, value) => sum + (value - mean(values)) ** 2, 0);
    return Math.sqrt(square / (values.length - 1)) > NEGLIGIBLE;
  };
  return days.map((row) => {
    const sun = renewable && errs(renewable.source) ? renewable.ratingMw * row[renewable.source] : 0;
    return errs(load.errorSource!) ? sun + load.errorMw! * row[load.errorSource!] : sun;
  });
}

describe("loads that err", function () {
  this.timeout(120_000);
  const whole = loadScenario("ieee15-loads");
  const plain = loadScenario("ieee15");
  const day = takeHours(whole, 3);

  it("are the day without them but for what errs", () => {
    const bare = (scenario: Scenario) => ({
      ...scenario,
      name: "",
      source: "",
      uncertainty: {},
      prosumers: scenario.prosumers.map(({ load: { errorMw: _mw, errorSource: _source, ...load }, ...rest }) => ({
        ...rest,
        load,
      })),
    });
    expect(bare(whole)).to.deep.equal(bare(plain));
    expect(whole.uncertainty.uncertain).to.have.length(whole.prosumers.length);
    whole.uncertainty.fitErrors.forEach((days, hour) =>
      days.forEach((row, k) => expect(row.slice(0, 16)).to.deep.equal(plain.uncertainty.fitErrors[hour][k])),
    );
  });

  it("count with the renewables beside them, covariance and all, in one hour and over several", () => {
    const lasting = withSustain(whole, 3);
    const { joint, factor, uncertain } = lasting.uncertainty;
    expect(joint!.column!.length).to.be.above(uncertain.length);
    for (const [hour, later] of [
      [3, 3],
      [12, 12],
      [12, 13],
    ])
      for (const [i, j] of [
        [0, 0],
        [0, 5],
        [2, 9],
      ]) {
        const [a, b] = [daysOf(whole, whole.prosumers[i], hour), daysOf(whole, whole.prosumers[j], later)];
        const expected = a.reduce((sum, x, k) => sum + (x - mean(a)) * (b[k] - mean(b)), 0) / (a.length - 1);
        const product = factor[hour].reduce((sum, row) => sum + row[i] * row[j], 0);
        if (later === hour) expect(product).to.be.closeTo(expected, 1e-9);
        // Of two hours the fitted days have .7, the rest is that of processes that carry over.
        const parts = (column: number): number[] => joint!.column!.flatMap((c, k) => (c === column ? [k] : []));
        const at = (row: readonly number[], column: number): number =>
          parts(column).reduce((sum, k) => sum + joint!.ratingMw[k] * row[joint!.source[k]], 0);
        const days = joint!.days[hour].reduce((sum, row, k) => sum + at(row, i) * at(joint!.days[later][k], j), 0);
        expect(days).to.be.closeTo(0.7 * expected, 1e-7);
      }
  });

  it("cost the same distributed as at once, by the hour and lasting, and more than loads that are as forecast", () => {
    for (const scenario of [day, withSustain(day, 3)]) {
      const [central, distributed] = [objectiveOf(scenario, "central"), objectiveOf(scenario, "anderson")];
      expect(Math.abs(distributed / central - 1)).to.be.below(1e-5);
      if (scenario === day) expect(objectiveOf(takeHours(plain, 3), "central")).to.be.below(central * (1 - 1e-3));
    }
  });

  it("leave with whoever is left out, and their law follows", () => {
    const open = publicScenario(withSustain(day, 2));
    const [first, , third] = open.uncertainty.uncertain;
    const { joint, uncertain, factor } = leaveOut(open, [first, third]).uncertainty;
    const before = open.uncertainty.joint!;
    expect([...new Set(joint!.column)]).to.deep.equal(uncertain.map((_, c) => c));
    joint!.column!.forEach((c, k) => {
      const was = open.uncertainty.uncertain.indexOf(uncertain[c]);
      const same = before.column!.flatMap((column, at) => (column === was ? [at] : []));
      const [mw, source] = [joint!.ratingMw[k], joint!.source[k]];
      expect(same.some((at) => before.ratingMw[at] === mw && before.source[at] === source)).to.equal(true);
    });
    expect(factor[0][0]).to.have.length(uncertain.length);
  });

  it("are forecast anew as the day goes: the day itself stays the same", () => {
    const market = createMarket(day, defaultSettings(day));
    const plans = market.prosumers.map(
      () => new Proxy({}, { get: () => new Float64Array(day.hours) }) as Record<string, Float64Array>,
    );
    const rest = restOfDay(day, { day: 4, from: 1, plans: plans as never, reached: [] });
    const later = createMarket(rest, defaultSettings(rest));
    const [before, after] = [errorsOf(market, "testErrors", 4), errorsOf(later, "testErrors", 0)];
    day.prosumers.forEach(({ renewable, load }, i) => {
      for (const t of [0, 1]) {
        const [sun, newer] = [renewable?.forecastMw[t + 1] ?? 0, rest.prosumers[i].renewable?.forecastMw[t] ?? 0];
        if (renewable && !(newer > 0)) continue;
        const drawn = load.fixedMw[t + 1] - rest.prosumers[i].load.fixedMw[t];
        expect(newer - sun + drawn + after[t][i]).to.be.closeTo(before[t + 1][i], 1e-12);
      }
    });
  });

  it("are refused by halves, without their source, and where their law has none of somebody", () => {
    const put = (change: (scenario: Scenario) => void): string => {
      const scenario = structuredClone(withSustain(day, 2));
      change(scenario);
      const [fault] = scenarioFaults(scenario);
      return fault === undefined ? "" : `${fault.field}: ${fault.reason}`;
    };
    expect(put(() => {})).to.equal("");
    expect(put((s) => delete s.prosumers[0].load.errorSource)).to.match(/load\.errorMw: errorMw and errorSource/);
    expect(put((s) => (s.prosumers[0].load.errorSource = 19))).to.match(
      /prosumers\[0\]\.load\.errorSource: there are 19/,
    );
    expect(put((s) => (s.uncertainty.joint!.column![0] = 14))).to.match(/joint\.column\[0\]: there are 14/);
    expect(put((s) => s.uncertainty.joint!.column!.pop())).to.match(/joint\.ratingMw\.length: must be/);
    expect(put((s) => s.uncertainty.joint!.column!.fill(0))).to.match(/joint\.column: has no part of prosumer 2/);
  });
});
