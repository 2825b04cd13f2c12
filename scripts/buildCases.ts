/**
 * Writes cases/scenarios/*.json, fully resolved, from cases/definitions, cases/feeders and cases/series:
 * `node scripts/buildCases.ts [--check]`. With `--check` nothing is written and a stale file is an error.
 *
 * Everything that needs statistics or randomness happens here, once (fixed seeds), so that a session starts from frozen
 * numbers: debiased forecasts, covariance factors, robust and bootstrap radii (market-model: section 5).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { FeederSchema } from "../offchain-solver/grid/feeder.ts";
import { ScenarioSchema } from "../offchain-solver/market/scenario.ts";
import { caseText } from "../offchain-solver/node/resolve/caseText.ts";
import { DefinitionSchema } from "../offchain-solver/node/resolve/definition.ts";
import { resolveScenario } from "../offchain-solver/node/resolve/resolveScenario.ts";
import { readSeries } from "../offchain-solver/node/resolve/series.ts";

const cases = new URL("../cases/", import.meta.url);
const json = (path: string): unknown => JSON.parse(readFileSync(new URL(path, cases), "utf8"));
const check = process.argv.includes("--check");
const series = readSeries();

for (const file of readdirSync(new URL("definitions/", cases)).sort()) {
  const definition = DefinitionSchema.parse(json(`definitions/${file}`));
  const feeder = FeederSchema.parse(json(`feeders/${definition.feeder}.json`));
  const scenario = ScenarioSchema.parse(resolveScenario(definition, feeder, series));
  const target = new URL(`scenarios/${definition.name}.json`, cases);
  const text = caseText(scenario);
  const fresh = existsSync(target) && readFileSync(target, "utf8") === text;
  if (check && !fresh) {
    console.error(`cases/scenarios/${definition.name}.json is stale: run node scripts/buildCases.ts`);
    process.exitCode = 1;
  } else if (!check) {
    writeFileSync(target, text);
    console.log(
      `cases/scenarios/${definition.name}.json: ${scenario.prosumers.length} prosumers, ${text.length} bytes`,
    );
  }
}
