import { readFileSync } from "node:fs";
import { FeederSchema } from "../../offchain-solver/grid/feeder.ts";
import type { Feeder } from "../../offchain-solver/grid/feeder.ts";

/** A feeder of cases/feeders by name. */
export function readFeeder(name: string): Feeder {
  const file = new URL(`../../cases/feeders/${name}.json`, import.meta.url);
  return FeederSchema.parse(JSON.parse(readFileSync(file, "utf8")));
}
