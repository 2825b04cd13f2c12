/** The sessions of a devnet: one day after the other, of the real series where the scenario's definition ships. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { readJson } from "../io/readJson.ts";
import { withCapabilities } from "../market/scenario/capability.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { DefinitionSchema, PopulatedSchema } from "../scenarios/definition.ts";
import { loadFeeder } from "../scenarios/loadScenario.ts";
import { drawDefinition } from "../scenarios/populate.ts";
import { resolveScenario } from "../scenarios/resolveScenario.ts";
import { readSeries } from "../scenarios/series.ts";

const DAY_MS = 86_400_000;
const iso = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");

const definitionFile = (name: string): string =>
  fileURLToPath(new URL(`../../cases/definitions/${name}.json`, import.meta.url));

/**
 * The same market on the `count` days from its own on. `shorten`: makes what is asked for of a whole day. Without a
 * definition there are no other days' series: the same ones run under the following dates. `from`: the first day, if
 * not the scenario's own.
 */
export function daysOf(
  scenario: Scenario,
  count: number,
  shorten: (day: Scenario) => Scenario,
  from = scenario.startUtc,
): Scenario[] {
  const start = Date.parse(from);
  const starts = Array.from({ length: count }, (_, k) => iso(start + k * DAY_MS));
  const file = definitionFile(scenario.name);
  if (!existsSync(file)) return withCapabilities(starts.map((startUtc) => shorten({ ...scenario, startUtc })));
  const series = readSeries();
  const written = readJson(file, z.union([DefinitionSchema, PopulatedSchema]));
  const feeder = loadFeeder(written.feeder);
  const definition = "population" in written ? drawDefinition(written, feeder, series) : written;
  return withCapabilities(
    starts.map((startUtc) =>
      shorten(startUtc === scenario.startUtc ? scenario : resolveScenario({ ...definition, startUtc }, feeder, series)),
    ),
  );
}
