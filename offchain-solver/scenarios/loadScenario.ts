import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FeederSchema } from "../grid/feeder.ts";
import type { Feeder } from "../grid/feeder.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { feederFaults, scenarioFaults } from "../market/scenario/scenarioFaults.ts";
import type { Fault } from "../market/scenario/scenarioFaults.ts";
import { withSizes } from "../market/scenario/size.ts";
import { InputError } from "../io/inputError.ts";
import { checkShape, complaint, readJson } from "../io/readJson.ts";
import { refuseForeignFormat } from "./foreignFormats.ts";

export { takeHours } from "./periods.ts";

const CASES = fileURLToPath(new URL("../../cases/", import.meta.url));

/** Where a case of this name ships, if one does. */
export const shippedFile = (kind: "scenarios" | "feeders", name: string): string => `${CASES}${kind}/${name}.json`;

/** Names of the cases that ship. */
export const shippedNames = (kind: "scenarios" | "feeders"): string[] =>
  readdirSync(`${CASES}${kind}`)
    .map((name) => name.replace(".json", ""))
    .sort();

/** A bare word is the name of a case that ships with the project; anything with a dot or a slash is a file. */
function fileOf(kind: "scenarios" | "feeders", nameOrFile: string): string {
  if (/[./\\]/.test(nameOrFile)) return nameOrFile;
  const file = shippedFile(kind, nameOrFile);
  if (existsSync(file)) return file;
  const known = shippedNames(kind).join(", ");
  throw new InputError(`${nameOrFile}: there is no such ${kind.slice(0, -1)}; known: ${known}, or a file`);
}

/**
 * Reads a scenario by name (`ieee15`) or file, and checks it whole: shape, lengths, references, limits, radial feeder.
 * Throws InputError with one message that names file, field and value.
 */
export function loadScenario(nameOrFile: string): Scenario {
  const file = fileOf("scenarios", nameOrFile);
  refuseForeignFormat(file);
  const scenario = readJson(file, ScenarioSchema);
  complainOfFirst(file, scenarioFaults(scenario));
  return withSizes(scenario);
}

/** A scenario that was made rather than read: the checks of a file, in its name. Throws InputError. */
export function checkScenario(scenario: Scenario): Scenario {
  checkShape(scenario.name, scenario, ScenarioSchema);
  complainOfFirst(scenario.name, scenarioFaults(scenario));
  return scenario;
}

function complainOfFirst(file: string, [fault]: readonly Fault[]): void {
  if (fault) throw complaint(file, fault.field, fault.value, fault.reason);
}

/** Reads a feeder by name (`case141`) or file and checks that it is radial. Throws InputError. */
export function loadFeeder(nameOrFile: string): Feeder {
  const file = fileOf("feeders", nameOrFile);
  refuseForeignFormat(file);
  const feeder = readJson(file, FeederSchema);
  complainOfFirst(file, feederFaults(feeder));
  return feeder;
}

/** The same scenario with every forecast of wind and sun, MW by hour, as `change` makes it; nothing is checked. */
export function changeForecasts(scenario: Scenario, change: (mw: number, ratingMw: number) => number): Scenario {
  return {
    ...scenario,
    prosumers: scenario.prosumers.map(({ renewable, ...rest }) =>
      renewable === undefined
        ? rest
        : {
            ...rest,
            renewable: { ...renewable, forecastMw: renewable.forecastMw.map((mw) => change(mw, renewable.ratingMw)) },
          },
    ),
  };
}

/**
 * The same scenario with every forecast of wind and sun times `factor`. Throws InputError where one rises above its
 * rating.
 */
export function scaleForecasts(scenario: Scenario, factor: number): Scenario {
  const scaled = changeForecasts(scenario, (mw) => mw * factor);
  complainOfFirst(`${scenario.name}, forecasts x ${factor}`, scenarioFaults(scaled));
  return scaled;
}
