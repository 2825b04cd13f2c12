import type { PublicScenario } from "./publicScenario.ts";
import { scenarioWith } from "./publicScenario.ts";
import { scenarioFaults, type Fault } from "./scenarioFaults.ts";

/**
 * What is wrong with the part of a scenario that is public, devices apart, that a schema cannot say: lengths,
 * references and limits that contradict each other. Whatever is reckoned from it may rely on the rest.
 */
export function publicFaults(open: PublicScenario): Fault[] {
  const { hours } = open;
  const whole = scenarioWith(open, []);
  const zeros = Array.from({ length: hours }, () => 0);
  const unseen = Array.from({ length: hours }, () => []);
  return scenarioFaults({
    ...whole,
    uncertainty: { ...whole.uncertainty, fitErrors: unseen, testErrors: unseen },
    prosumers: whole.prosumers.map((prosumer) => ({ ...prosumer, load: { ...prosumer.load, fixedMw: zeros } })),
  }).filter(({ field }) => field !== "uncertainty.uncertain");
}
