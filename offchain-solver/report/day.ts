/** What the charts of one session are drawn from. */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { Labelled } from "./labels.ts";
import type { Units } from "./units.ts";
import { unitsOf } from "./units.ts";

export type Day = { readonly clearing: ClearingJson; readonly scenario: Labelled; readonly units: Units };

export const dayFrom = (clearing: ClearingJson, scenario: Labelled): Day => ({
  clearing,
  scenario,
  units: unitsOf(clearing, scenario),
});
