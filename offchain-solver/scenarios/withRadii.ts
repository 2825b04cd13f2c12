import type { Scenario } from "../market/scenario/scenario.ts";
import { InputError } from "../io/inputError.ts";

/**
 * The scenario with its moments counted as estimates, within the bootstrap radii it carries, or as known (both radii
 * 0). The radii become part of the scenario, so everybody who gets it clears and audits with the same ones.
 */
export function withRadii(scenario: Scenario, on: boolean): Scenario {
  const none = Array.from({ length: scenario.hours }, () => 0);
  const { bootstrapMeanRadius, bootstrapStdRadius } = scenario.uncertainty;
  if (on && (bootstrapMeanRadius === undefined || bootstrapStdRadius === undefined))
    throw new InputError(
      `${scenario.name}: uncertainty.bootstrapMeanRadius: absent, so there are no radii to switch on`,
    );
  return {
    ...scenario,
    risk: {
      ...scenario.risk,
      meanRadius: (on && bootstrapMeanRadius) || none,
      stdRadius: (on && bootstrapStdRadius) || none,
    },
  };
}
