/** Writes the JSON Schemas of the files that gridpact reads and writes: `node scripts/generate/schemas.ts DIR`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { TermsSchema } from "../../offchain-solver/codec/terms.ts";
import { WitnessSchema } from "../../offchain-solver/codec/witness.ts";
import { FeederSchema } from "../../offchain-solver/grid/feeder.ts";
import { ClearingJsonSchema } from "../../offchain-solver/records/clearingJson.ts";
import { PrivatePartSchema } from "../../offchain-solver/market/scenario/publicScenario.ts";
import { ScenarioSchema } from "../../offchain-solver/market/scenario/scenario.ts";
import { AuditJsonSchema, SettlementJsonSchema } from "../../offchain-solver/records/sessionJson.ts";

const SCHEMAS = {
  feeder: FeederSchema,
  scenario: ScenarioSchema,
  clearing: ClearingJsonSchema,
  settlement: SettlementJsonSchema,
  audit: AuditJsonSchema,
  witness: WitnessSchema,
  terms: TermsSchema,
  party: PrivatePartSchema,
};

const directory = process.argv[2] ?? "docs/schemas";
mkdirSync(directory, { recursive: true });
for (const [name, schema] of Object.entries(SCHEMAS)) {
  const json = { title: `gridpact ${name}`, ...z.toJSONSchema(schema) };
  writeFileSync(join(directory, `${name}.schema.json`), `${JSON.stringify(json, null, 2)}\n`);
}
