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
  const faults = scenarioFaults({
    ...whole,
    uncertainty: { ...whole.uncertainty, fitErrors: unseen, testErrors: unseen },
    prosumers: whole.prosumers.map((prosumer, i) => ({
      ...prosumer,
      fallback: open.prosumers[i].fallback,
      load: { ...prosumer.load, fixedMw: zeros },
    })),
  }).filter(({ field }) => field !== "uncertainty.uncertain");
  return [...faults, ...uncertainFaults(open), ...standingFaults(open)];
}

/** Who has a renewable is not public: whoever errs is a member, and named once, in order. */
function uncertainFaults({ uncertainty: { uncertain }, prosumers }: PublicScenario): Fault[] {
  const ids = new Set(prosumers.map(({ id }) => id));
  return uncertain.flatMap((id, column): Fault[] => {
    const field = `uncertainty.uncertain[${column}]`;
    if (!ids.has(id)) return [{ field, value: id, reason: `no prosumer has id ${id}` }];
    if (column > 0 && id <= uncertain[column - 1])
      return [{ field, value: id, reason: `must be above the id before it, ${uncertain[column - 1]}` }];
    return [];
  });
}

/** A load at no bus would weigh on nothing. */
function standingFaults({ standing = [], feeder }: PublicScenario): Fault[] {
  const buses = new Set(feeder.buses.map(({ bus }) => bus));
  return standing.flatMap(({ bus }, k): Fault[] =>
    buses.has(bus)
      ? []
      : [{ field: `standing[${k}].bus`, value: bus, reason: `is not a bus of feeder ${feeder.name}` }],
  );
}
