/** What is left of a day as a session of its own: forecasts that know how it went so far, devices where they are. */
import { HAIR } from "../market/devices/device.ts";
import { uncertainParts } from "../market/scenario/errorParts.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { hourMoments, NEGLIGIBLE_SIGMA } from "./moments.ts";
import { stretchOf, type Plans } from "./stretch.ts";
import { withSustain } from "./withSustain.ts";

/** Where the devices of a prosumer have got to by the end of the period before. */
export type Reached = {
  /** Of its battery, if it has one. */
  readonly storedMwh?: number | undefined;
  /** Of its generator, answers included. */
  readonly outputMw?: number | undefined;
};

/** A day under way. */
export type UnderWay = {
  /** The held-out day whose errors it has. */
  readonly day: number;
  /** The first period that is left. */
  readonly from: number;
  /** What was done and what was last planned, of the whole day. */
  readonly plans: Plans;
  /** [prosumer] */
  readonly reached: readonly Reached[];
};

/**
 * Forecasts are corrected by what the last error says of those to come, which persist: by the product of the lags in
 * between and the ratio of the deviations. The fitted days are corrected in the same way, so moments and joint law are
 * those of what a corrected forecast leaves. Allowances follow the load that is left.
 */
export function restOfDay(whole: Scenario, { day, from, plans, reached }: UnderWay): Scenario {
  const { uncertainty, risk, hours } = whole;
  const said = foreseen(whole, from);
  const corrected = (days: readonly (readonly number[])[], t: number, before: readonly (readonly number[])[]) =>
    days.map((row, k) => row.map((error, s) => error - said[t][s] * before[k][s]));
  const known = from === 0 ? uncertainty.fitErrors[0] : uncertainty.fitErrors[from - 1];
  const seen = uncertainty.testErrors[Math.max(0, from - 1)][day];
  const newer: Scenario = {
    ...withSustain(whole, 0),
    prosumers: whole.prosumers.map((prosumer) => newerForecasts(prosumer, (t, s) => said[t][s] * seen[s])),
    uncertainty: {
      ...withSustain(whole, 0).uncertainty,
      fitErrors: uncertainty.fitErrors.map((days, t) => corrected(days, t, known)),
      testErrors: uncertainty.testErrors.map((days, t) => corrected([days[day]], t, [seen])),
    },
  };
  const rest = withReached(stretchOf(refitted(newer), plans, { from, to: hours }), reached);
  return risk.sustainHours === undefined ? rest : withSustain(rest, risk.sustainHours);
}

/** `expected`: error of a source in a period, p.u. of rating; positive where more is injected, so less is drawn. */
function newerForecasts(
  { renewable, load, ...prosumer }: Prosumer,
  expected: (t: number, source: number) => number,
): Prosumer {
  const { errorMw = 0, errorSource } = load;
  const forecast = renewable && {
    ...renewable,
    forecastMw: renewable.forecastMw.map((mw, t) =>
      Math.max(0, mw + renewable.ratingMw * expected(t, renewable.source)),
    ),
  };
  const fixedMw = load.fixedMw.map((mw, t) =>
    errorSource === undefined ? mw : Math.max(0, mw - errorMw * expected(t, errorSource)),
  );
  return { ...prosumer, ...(forecast && { renewable: forecast }), load: { ...load, fixedMw } };
}

/** [period][source] what of the error in the period before `from` is to be expected in period t; 0 before it. */
function foreseen(whole: Scenario, from: number): number[][] {
  const { fitErrors, sources } = whole.uncertainty;
  const { lag } = withSustain(whole, whole.periodHours).uncertainty.joint!;
  const deviation = (t: number, s: number): number => {
    const mean = fitErrors[t].reduce((sum, row) => sum + row[s], 0) / fitErrors[t].length;
    return Math.sqrt(
      fitErrors[t].reduce((sum, row) => sum + (row[s] - mean) * (row[s] - mean), 0) / (fitErrors[t].length - 1),
    );
  };
  let carried = 1;
  return fitErrors.map((_, t) => {
    if (from === 0 || t < from) return sources.map(() => 0);
    carried *= lag[t];
    return sources.map((_source, s) => {
      const before = deviation(from - 1, s);
      return before > NEGLIGIBLE_SIGMA ? (carried * deviation(t, s)) / before : 0;
    });
  });
}

/** The scenario with the moments of its fitted errors. */
function refitted(scenario: Scenario): Scenario {
  const { uncertainty } = scenario;
  const uncertain = uncertainParts(scenario);
  const moments = uncertainty.fitErrors.map((days) => hourMoments(days, uncertain));
  return {
    ...scenario,
    uncertainty: {
      ...uncertainty,
      factor: moments.map(({ factor }) => factor),
      robustRadius: moments.map(({ robustRadius }) => robustRadius),
    },
  };
}

/**
 * Devices begin where they are, which answers have moved them to, and not where the plan had them. A battery has to
 * hold at the end what the day asked for, or what it can still be filled to.
 */
function withReached(rest: Scenario, reached: readonly Reached[]): Scenario {
  return {
    ...rest,
    prosumers: rest.prosumers.map(({ battery, generator, ...prosumer }, i) => {
      const { storedMwh, outputMw } = reached[i] ?? {};
      return {
        ...prosumer,
        ...(generator && { generator: outputMw === undefined ? generator : { ...generator, initialMw: outputMw } }),
        ...(battery && { battery: storedMwh === undefined ? battery : begun(battery, storedMwh, rest) }),
      };
    }),
  };
}

type Battery = NonNullable<Scenario["prosumers"][number]["battery"]>;

function begun(battery: Battery, storedMwh: number, { hours, periodHours }: Scenario): Battery {
  const { minMwh, maxMwh, powerMw, efficiency, initialMwh, finalMwh = initialMwh } = battery;
  const initial = Math.min(maxMwh, Math.max(minMwh, storedMwh));
  const reach = initial + efficiency * powerMw * periodHours * hours - HAIR * (maxMwh - minMwh);
  return { ...battery, initialMwh: initial, finalMwh: Math.max(minMwh, Math.min(finalMwh, reach)) };
}
