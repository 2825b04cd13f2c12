/** What the charts of one session are drawn from. */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Units } from "./units.ts";
import { unitsOf } from "./units.ts";

export type Day = { readonly clearing: ClearingJson; readonly scenario: Scenario; readonly units: Units };

export const dayFrom = (clearing: ClearingJson, scenario: Scenario): Day => ({
  clearing,
  scenario,
  units: unitsOf(clearing, scenario),
});
