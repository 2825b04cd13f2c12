import type { Scenario } from "../../market/scenario/scenario.ts";
import { seeded } from "../../scenarios/prng.ts";

/** So many hours stay together: errors persist, and what breaks a limit of stored energy is a stretch of them. */
const BLOCK_HOURS = 6;

/**
 * The share of days put together anew in which some period is broken, where a period breaks by its own errors alone
 * (reserve by the hour): each block is as likely to hold as it held in the days seen. [low, high]: 95 % of the shares
 * that as many days, drawn from those with replacement, come to; how few days were seen is in it.
 * `broken`: [day][period].
 */
export function blockShare(
  broken: readonly (readonly boolean[])[],
  periodHours: number,
  { draws, seed }: { readonly draws: number; readonly seed: number },
): { readonly share: number; readonly low: number; readonly high: number } {
  const length = Math.max(1, Math.round(BLOCK_HOURS / periodHours));
  const blocks = Array.from({ length: Math.ceil(broken[0].length / length) }, (_, b) =>
    broken.map((day) => day.slice(b * length, (b + 1) * length).some(Boolean)),
  );
  const shareOf = (days: readonly number[]): number =>
    1 - blocks.reduce((held, block) => held * (1 - days.filter((day) => block[day]).length / days.length), 1);
  const random = seeded(seed);
  const all = broken.map((_, day) => day);
  const drawn = Array.from({ length: draws }, () => shareOf(all.map(() => Math.floor(random() * all.length)))).sort(
    (a, b) => a - b,
  );
  const at = (part: number): number => drawn[Math.min(draws - 1, Math.floor(part * draws))];
  return { share: shareOf(all), low: at(0.025), high: at(0.975) };
}

/**
 * The scenario with `days` held-out days put together anew: every six hours of a day are those same hours of a held-out
 * day drawn for them (block bootstrap, Kuensch 1989). They say how what was seen adds up, not what was never seen.
 */
export function blockBootstrap(scenario: Scenario, days: number, seed: number): Scenario {
  const { testErrors } = scenario.uncertainty;
  const random = seeded(seed);
  const length = Math.max(1, Math.round(BLOCK_HOURS / scenario.periodHours));
  const drawn: number[][] = Array.from({ length: Math.ceil(testErrors.length / length) }, () =>
    Array.from({ length: days }, () => Math.floor(random() * testErrors[0].length)),
  );
  return {
    ...scenario,
    uncertainty: {
      ...scenario.uncertainty,
      testErrors: testErrors.map((samples, t) => drawn[Math.floor(t / length)].map((day) => samples[day])),
    },
  };
}
