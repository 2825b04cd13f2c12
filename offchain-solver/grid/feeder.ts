import * as z from "zod";

/**
 * From here on, a terawatt, a rating limits nothing: no line carries that, the grid model on chain cannot say it, and the
 * solver's arithmetic has nothing to gain from it. Cases bring such numbers, or 0 or Inf, to say "unlimited".
 */
export const UNLIMITED_MVA = 1e6;

/**
 * A radial distribution feeder: the first bus is the root (substation, voltage 1 p.u.), every branch points away from it.
 * Impedances are p.u. on `baseMva`, ratings MVA (`null` = unlimited), base loads MW and Mvar.
 */
export const FeederSchema = z.strictObject({
  name: z.string().min(1),
  source: z.string().min(1),
  baseMva: z.number().positive(),
  baseKv: z.number().positive(),
  buses: z
    .array(
      z.strictObject({
        bus: z.int().positive(),
        loadMw: z.number(),
        loadMvar: z.number(),
        vMinPu: z.number().positive(),
        vMaxPu: z.number().positive(),
      }),
    )
    .min(1),
  branches: z.array(
    z.strictObject({
      from: z.int().positive(),
      to: z.int().positive(),
      rPu: z.number().nonnegative(),
      xPu: z.number().nonnegative(),
      ratingMva: z
        .number()
        .positive("must be above 0; null says unlimited")
        .lt(UNLIMITED_MVA, `must be below ${UNLIMITED_MVA}; null says unlimited`)
        .nullable(),
    }),
  ),
});

export type Feeder = z.infer<typeof FeederSchema>;
export type Bus = Feeder["buses"][number];
export type Branch = Feeder["branches"][number];
