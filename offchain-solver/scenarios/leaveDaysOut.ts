import type { Scenario } from "../market/scenario/scenario.ts";
import { uncertainParts } from "../market/scenario/errorParts.ts";
import { hourMoments } from "./moments.ts";
import { withSustain } from "./withSustain.ts";

/**
 * The scenario as it would have been fitted without the days from `from` up to, not including, `to`, which become its
 * held-out days: moments, joint law and the mean that errors are counted from are those of the days that stay.
 * Forecasts stay as they are, so the errors of days that were left out are what a new day's would be.
 */
export function leaveDaysOut(scenario: Scenario, from: number, to: number): Scenario {
  const { uncertainty, risk } = scenario;
  const uncertain = uncertainParts(scenario);
  const stays = uncertainty.fitErrors.map((days) => days.filter((_, day) => day < from || day >= to));
  const mean = stays.map((days) => days[0].map((_, s) => days.reduce((sum, row) => sum + row[s], 0) / days.length));
  const counted = (days: readonly (readonly number[])[], t: number): number[][] =>
    days.map((row) => row.map((error, s) => error - mean[t][s]));
  const fitErrors = stays.map(counted);
  const moments = fitErrors.map((days) => hourMoments(days, uncertain));
  const { joint: _, ...rest } = uncertainty;
  const without: Scenario = {
    ...scenario,
    uncertainty: {
      ...rest,
      factor: moments.map(({ factor }) => factor),
      robustRadius: moments.map(({ robustRadius }) => robustRadius),
      fitErrors,
      testErrors: uncertainty.fitErrors.map((days, t) => counted(days.slice(from, to), t)),
    },
  };
  return risk.sustainHours === undefined ? without : withSustain(without, risk.sustainHours);
}
