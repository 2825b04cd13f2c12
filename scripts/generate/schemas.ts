/** Writes the JSON Schemas of the files that gridpact reads and writes: `node scripts/generate/schemas.ts DIR`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { TermsSchema } from "../../offchain-solver/codec/terms.ts";
import { WitnessSchema } from "../../offchain-solver/codec/witness.ts";
import { FeederSchema } from "../../offchain-solver/grid/feeder.ts";
import { BillJsonSchema } from "../../offchain-solver/records/billJson.ts";
import { ClearingJsonSchema } from "../../offchain-solver/records/clearingJson.ts";
import { PrivatePartSchema } from "../../offchain-solver/market/scenario/publicScenario.ts";
import { CommunityJsonSchema } from "../../offchain-solver/records/communityJson.ts";
import { DeliveryJsonSchema, MetersJsonSchema } from "../../offchain-solver/records/deliveryJson.ts";
import { FallbackJsonSchema } from "../../offchain-solver/records/fallbackJson.ts";
import { ReadingsJsonSchema } from "../../offchain-solver/records/meterJson.ts";
import { MonthJsonSchema } from "../../offchain-solver/records/monthJson.ts";
import { CommunitySchema } from "../../offchain-solver/scenarios/community/terms.ts";
import { ScenarioSchema } from "../../offchain-solver/market/scenario/scenario.ts";
import { ReceiptJsonSchema } from "../../offchain-solver/records/receiptJson.ts";
import { AuditJsonSchema, SettlementJsonSchema } from "../../offchain-solver/records/sessionJson.ts";

const SCHEMAS = {
  feeder: FeederSchema,
  scenario: ScenarioSchema,
  clearing: ClearingJsonSchema,
  settlement: SettlementJsonSchema,
  audit: AuditJsonSchema,
  receipt: ReceiptJsonSchema,
  witness: WitnessSchema,
  terms: TermsSchema,
  party: PrivatePartSchema,
  communityNames: CommunityJsonSchema,
  month: MonthJsonSchema,
  readings: ReadingsJsonSchema,
  delivery: DeliveryJsonSchema,
  meters: MetersJsonSchema,
  bill: BillJsonSchema,
  fallback: FallbackJsonSchema,
};
/** Files that people write: what has a default may be left out. */
const WRITTEN = { community: CommunitySchema };

const directory = process.argv[2] ?? "docs/schemas";
mkdirSync(directory, { recursive: true });
const write = (name: string, schema: object): void => {
  const json = { title: `gridpact ${name}`, ...schema };
  writeFileSync(join(directory, `${name}.schema.json`), `${JSON.stringify(json, null, 2)}\n`);
};
for (const [name, schema] of Object.entries(SCHEMAS)) write(name, z.toJSONSchema(schema));
for (const [name, schema] of Object.entries(WRITTEN)) write(name, z.toJSONSchema(schema, { io: "input" }));
