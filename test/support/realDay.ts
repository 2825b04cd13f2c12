/**
 * Days that were cleared, in the integers that were settled (see scripts/generate/dayVector.ts): that of the 84
 * prosumers of the 141-bus feeder in hours, and that of the 15-bus feeder in quarter-hours.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import type { ClearingResult } from "../../offchain-solver/market/result/clearingResult.ts";
import { capabilityOf } from "../../offchain-solver/market/scenario/capability.ts";
import type { Prosumer } from "../../offchain-solver/market/scenario/scenario.ts";
import { createWorld, type World } from "./world.ts";

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url);

export type DayName = "ieee141-day" | "ieee15-quarters";

export function readDay(name: DayName = "ieee141-day"): ClearingResult {
  return JSON.parse(gunzipSync(readFileSync(at(`test/vectors/${name}.json.gz`))).toString());
}

/** Its prosumers on its feeder, with the largest committee there is. */
export async function createDayWorld(daysBefore = 1, name: DayName = "ieee141-day"): Promise<World> {
  const scenario = `cases/scenarios/${name.slice(0, name.indexOf("-"))}.json`;
  const { feeder, prosumers } = JSON.parse(readFileSync(at(scenario), "utf8"));
  const placed: Grid.Placed[] = prosumers.map((one: Prosumer) => ({ id: one.id, bus: one.bus, ...capabilityOf(one) }));
  return createWorld({
    prosumers: placed.length,
    ids: placed.map(({ id }) => id),
    grid: Grid.fromFeeder(feeder, placed),
    grams: 10n ** 9n,
    clock: readDay(name).sessionStart - daysBefore * 86_400,
  });
}
