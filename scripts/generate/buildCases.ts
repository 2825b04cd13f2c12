/**
 * Writes cases/scenarios/*.json, fully resolved, from cases/definitions, cases/feeders and cases/series:
 * `node scripts/generate/buildCases.ts [DIR]`.
 *
 * Everything that needs statistics or randomness happens here, once (fixed seeds), so that a session starts from frozen
 * numbers: debiased forecasts, covariance factors, robust and bootstrap radii (market-model: section 5).
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { ScenarioSchema } from "../../offchain-solver/market/scenario/scenario.ts";
import { loadFeeder } from "../../offchain-solver/scenarios/loadScenario.ts";
import { readJson } from "../../offchain-solver/io/readJson.ts";
import { caseText } from "../../offchain-solver/scenarios/caseText.ts";
import { DefinitionSchema, PopulatedSchema } from "../../offchain-solver/scenarios/definition.ts";
import { drawDefinition } from "../../offchain-solver/scenarios/populate.ts";
import { resolveScenario } from "../../offchain-solver/scenarios/resolveScenario.ts";
import { readSeries } from "../../offchain-solver/scenarios/series.ts";

const cases = fileURLToPath(new URL("../../cases/", import.meta.url));
const directory = process.argv[2] ?? join(cases, "scenarios");
const series = readSeries();
mkdirSync(directory, { recursive: true });

for (const file of readdirSync(join(cases, "definitions")).sort()) {
  const written = readJson(join(cases, "definitions", file), z.union([DefinitionSchema, PopulatedSchema]));
  const feeder = loadFeeder(written.feeder);
  const definition = "population" in written ? drawDefinition(written, feeder, series) : written;
  const scenario = ScenarioSchema.parse(resolveScenario(definition, feeder, series));
  const text = caseText(scenario);
  writeFileSync(join(directory, `${definition.name}.json`), text);
  const { prosumers, pairs } = scenario;
  console.log(`${definition.name}: ${prosumers.length} prosumers, ${pairs.length} pairs, ${text.length} bytes`);
}
