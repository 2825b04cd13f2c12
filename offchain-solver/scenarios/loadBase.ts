import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Feeder } from "../grid/feeder.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { isFile, readText } from "../io/readJson.ts";
import { importCase } from "./importCase.ts";
import { loadFeeder, loadScenario } from "./loadScenario.ts";

/** The keys a feeder has and a scenario has not. */
const isFeederText = (text: string): boolean => /"branches"\s*:/.test(text) && !/"prosumers"\s*:/.test(text);

/**
 * What a population can be drawn on: a scenario or a feeder, by name or file, or a MATPOWER case (*.m).
 * `note` hears what the import of a case did. Throws InputError naming file, field and value.
 */
export function loadBase(nameOrFile: string, note: (text: string) => void = () => undefined): Scenario | Feeder {
  if (/\.m$/i.test(nameOrFile)) {
    const { feeder, notes } = importCase(nameOrFile);
    for (const text of notes) note(`${nameOrFile}: ${text}`);
    return feeder;
  }
  const shipped = fileURLToPath(new URL(`../../cases/feeders/${nameOrFile}.json`, import.meta.url));
  const isName = !/[./\\]/.test(nameOrFile);
  if (isName && existsSync(shipped)) return loadFeeder(nameOrFile);
  if (!isName && isFile(nameOrFile) && isFeederText(readText(nameOrFile))) return loadFeeder(nameOrFile);
  return loadScenario(nameOrFile);
}
