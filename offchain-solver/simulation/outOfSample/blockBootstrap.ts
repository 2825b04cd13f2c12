import type { Scenario } from "../../market/scenario/scenario.ts";
import { seeded } from "../../scenarios/prng.ts";

/** So many hours stay together: errors persist, and what breaks a limit of stored energy is a stretch of them. */
const BLOCK_HOURS = 6;

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
