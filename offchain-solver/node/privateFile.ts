/** A party's private file: its own devices, costs, loads and forecasts, for every session that it knows of already. */
import * as z from "zod";
import { PrivatePartSchema, type PrivatePart } from "../market/scenario/publicScenario.ts";
import { readJson } from "../io/readJson.ts";
import type { Terms } from "../codec/terms.ts";
import { MAX_PERIODS } from "../market/scenario/scenario.ts";

export const PrivateFileSchema = z.strictObject({
  sessions: z.array(
    z.strictObject({
      /** Start of the session's first period. */
      startUtc: z.iso.datetime(),
      periods: z.int().min(1).max(MAX_PERIODS),
      part: PrivatePartSchema,
    }),
  ),
});
export type PrivateFile = z.infer<typeof PrivateFileSchema>;

/**
 * The own part of the session that these terms are for; a text says why there is none. Reads the file anew each time.
 */
export function partFor(file: string, { scenario }: Terms): PrivatePart | string {
  const { sessions } = readJson(file, PrivateFileSchema);
  const start = Date.parse(scenario.startUtc);
  const found = sessions.find((one) => Date.parse(one.startUtc) === start && one.periods === scenario.hours);
  if (found !== undefined) return found.part;
  return `${file}: sessions: none starts at ${scenario.startUtc} and has ${scenario.hours} periods`;
}
