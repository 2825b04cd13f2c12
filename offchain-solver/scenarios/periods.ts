import { InputError } from "../io/inputError.ts";
import type { Course } from "../market/devices/device.ts";
import { withDevices } from "../market/devices/devices.ts";
import type { Scenario } from "../market/scenario/scenario.ts";

/** How a list of one value a period becomes one of other periods. */
type Resample = <T>(series: readonly T[]) => T[];

/** How each course of a series becomes one of other periods; all that is no device's, and no power, is held. */
export type Resampling = { readonly held: Resample } & Readonly<
  Record<Exclude<Course, "held">, (series: readonly number[]) => number[]>
>;

/** The same scenario with other periods. */
export function resampled(scenario: Scenario, courses: Resampling): Scenario {
  const { straight: amounts, held: others } = courses;
  const { tariff, carbon, risk, uncertainty } = scenario;
  const { bootstrapMeanRadius, bootstrapStdRadius, joint } = uncertainty;
  return {
    ...scenario,
    hours: others(tariff.buyPerMwh).length,
    tariff: { ...tariff, buyPerMwh: others(tariff.buyPerMwh), sellPerMwh: others(tariff.sellPerMwh) },
    carbon: { ...carbon, gridTPerMwh: others(carbon.gridTPerMwh) },
    risk: { ...risk, meanRadius: others(risk.meanRadius), stdRadius: others(risk.stdRadius) },
    ...(scenario.standing && {
      standing: scenario.standing.map((one) => ({ ...one, mw: amounts(one.mw), mvar: amounts(one.mvar) })),
    }),
    prosumers: scenario.prosumers.map((prosumer) => ({
      ...withDevices(prosumer, ({ device, part }) => ({ ...part, ...seriesIn(courses, device.courses, part) })),
      ...(prosumer.fallback && {
        fallback: { mw: amounts(prosumer.fallback.mw), mvar: amounts(prosumer.fallback.mvar) },
      }),
    })),
    uncertainty: {
      ...uncertainty,
      factor: others(uncertainty.factor),
      robustRadius: others(uncertainty.robustRadius),
      ...(bootstrapMeanRadius && { bootstrapMeanRadius: others(bootstrapMeanRadius) }),
      ...(bootstrapStdRadius && { bootstrapStdRadius: others(bootstrapStdRadius) }),
      fitErrors: others(uncertainty.fitErrors),
      testErrors: others(uncertainty.testErrors),
      ...(joint && {
        joint: {
          ...joint,
          days: others(joint.days),
          persistent: others(joint.persistent),
          lag: lagged(others(joint.lag), others(joint.lag.map((_, t) => t))),
        },
      }),
    },
  };
}

function seriesIn(
  courses: Resampling,
  of: Readonly<Record<string, Course | undefined>>,
  part: Record<string, unknown>,
) {
  const given = Object.entries(of).filter(([field]) => part[field] !== undefined);
  return Object.fromEntries(given.map(([field, course]) => [field, courses[course!](part[field] as number[])]));
}

/** An error is the same throughout the hour that its periods lie in. `hour`: of each period. */
const lagged = (lag: readonly number[], hour: readonly number[]): number[] =>
  lag.map((value, t) => (t > 0 && hour[t] === hour[t - 1] ? 1 : value));

/** The same scenario with its first `periods` periods only. Allowances follow the fixed load that is left. */
export function takePeriods(scenario: Scenario, periods: number): Scenario {
  if (!Number.isInteger(periods) || periods < 1 || periods > scenario.hours)
    throw new InputError(`${scenario.name}: periods = ${periods}: must be a whole number from 1 to ${scenario.hours}`);
  const cut: Resample = (series) => series.slice(0, periods);
  return resampled(scenario, { straight: cut, held: cut, reached: cut });
}

/**
 * The same scenario with its first `hours` hours by the clock only: four periods an hour where they are quarter-hours.
 */
export function takeHours(scenario: Scenario, hours: number): Scenario {
  const { name, periodHours } = scenario;
  const periods = Math.round(hours / periodHours);
  const whole = Math.abs(periods * periodHours - hours) <= 1e-9 * hours;
  if (!whole || periods < 1 || periods > scenario.hours) {
    const most = Number((scenario.hours * periodHours).toPrecision(12));
    const step = periodHours === 1 ? "a whole number" : `a multiple of the period, ${periodHours} h,`;
    throw new InputError(`${name}: hours = ${hours}: must be ${step} from ${Math.min(1, periodHours)} to ${most}`);
  }
  return takePeriods(scenario, periods);
}

/** Lengths of a period that divide an hour, minutes. */
export const PERIOD_MINUTES = [5, 6, 10, 12, 15, 20, 30, 60] as const;

/**
 * An hourly scenario in periods of `minutes`. Loads, forecasts and actuals run straight from the middle of one hour to
 * the middle of the next (level before the first and after the last); prices, carbon intensities and the errors'
 * moments are those of the hour that a period lies in. An hour's energy therefore changes a little where a series
 * bends. Throws InputError where the scenario is not hourly or the periods do not divide an hour.
 */
export function splitHours(scenario: Scenario, minutes: number): Scenario {
  if (scenario.periodHours !== 1)
    throw new InputError(`${scenario.name}: periodHours = ${scenario.periodHours}: only hours can be split`);
  if (!PERIOD_MINUTES.some((known) => known === minutes))
    throw new InputError(`${scenario.name}: minutes = ${minutes}: must be one of ${PERIOD_MINUTES.join(", ")}`);
  const parts = 60 / minutes;
  const held: Resample = (series) => series.flatMap((value) => Array.from({ length: parts }, () => value));
  const straight = (series: readonly number[]): number[] =>
    Array.from({ length: series.length * parts }, (_, k) => {
      // Twice `parts` times the way from the middle of the hour, so that it is a whole number.
      const way = 2 * (k % parts) + 1 - parts;
      const hour = Math.floor(k / parts);
      const next = series[hour + (way < 0 ? -1 : 1)] ?? series[hour];
      const share = Math.abs(way) / (2 * parts);
      return Number(((1 - share) * series[hour] + share * next).toPrecision(12));
    });
  // A sum is reached when the hour has passed; until then what was reached before is enough.
  const reached = (series: readonly number[]): number[] =>
    series.flatMap((value, hour) => [...Array.from({ length: parts - 1 }, () => series[hour - 1] ?? 0), value]);
  return { ...resampled(scenario, { straight, held, reached }), periodHours: minutes / 60 };
}
