import * as z from "zod";
import { COMMODITIES } from "../market/result/commodities.ts";
import { METHODS } from "../market/result/methods.ts";
import type { Settings } from "./settings.ts";

const positive = z.number().positive();
const nonneg = z.number().nonnegative();

/** Settings as part of a session's terms: what every agent iterates with, in JSON. */
export const SettingsTermsSchema = z.strictObject({
  rho: z.array(positive).length(COMMODITIES.length),
  relaxation: positive.max(2),
  acceleration: z.strictObject({
    method: z.enum(METHODS),
    memory: z.int().nonnegative().max(64),
    decay: positive,
    vanishing: z.strictObject({
      start: nonneg,
      keeps: nonneg.max(1),
      plain: z.boolean().optional(),
      reference: nonneg.optional(),
      centre: z.number().optional(),
    }),
  }),
  maxIterations: z.int().positive(),
  patienceMs: positive,
  tolerance: z.strictObject({
    primalAbsolute: nonneg,
    primalRelative: nonneg,
    dualAbsolute: nonneg,
    dualRelative: nonneg,
  }),
});
export type SettingsTerms = z.infer<typeof SettingsTermsSchema>;

export const settingsTerms = (settings: Settings): SettingsTerms =>
  SettingsTermsSchema.parse({ ...settings, rho: [...settings.rho] });

/** Throws ZodError on terms that no agent can iterate with. */
export function settingsFrom(terms: unknown): Settings {
  const { rho, acceleration, ...rest } = SettingsTermsSchema.parse(terms);
  const { plain, reference, centre, ...vanishing } = acceleration.vanishing;
  return {
    ...rest,
    rho: Float64Array.from(rho),
    acceleration: {
      ...acceleration,
      vanishing: {
        ...vanishing,
        ...(plain !== undefined && { plain }),
        ...(reference !== undefined && { reference }),
        ...(centre !== undefined && { centre }),
      },
    },
  };
}
