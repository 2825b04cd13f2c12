import * as z from "zod";

/**
 * From here on, a terawatt, a rating limits nothing: no line carries that, the grid model on chain cannot say it, and
 * the solver's arithmetic has nothing to gain from it. Cases bring such numbers, or 0 or Inf, to say "unlimited".
 */
export const UNLIMITED_MVA = 1e6;

/**
 * Largest figure of a feeder or scenario, whatever its unit, and smallest of one that must be above zero. Nothing that
 * is built, paid or measured comes near them; beyond them squares overflow and a result would be arithmetic, not a
 * market.
 */
export const LARGEST = 1e12;
export const SMALLEST = 1e-9;

/** A number, one that is not below zero, one that is above zero: within what `LARGEST` and `SMALLEST` leave. */
export const figure = z.number().min(-LARGEST).max(LARGEST);
export const nonnegative = z.number().nonnegative().max(LARGEST);
export const positive = z.number().positive().min(SMALLEST).max(LARGEST);

/**
 * A radial distribution feeder: the first bus is the root (substation, voltage 1 p.u.), every branch points away from
 * it. Impedances are p.u. on `baseMva`, ratings MVA (`null` = unlimited), base loads MW and Mvar.
 */
export const FeederSchema = z.strictObject({
  name: z.string().min(1),
  source: z.string().min(1),
  baseMva: positive,
  baseKv: positive,
  buses: z
    .array(
      z.strictObject({
        bus: z.int().positive(),
        loadMw: figure,
        loadMvar: figure,
        vMinPu: positive,
        vMaxPu: positive,
      }),
    )
    .min(1),
  branches: z.array(
    z.strictObject({
      from: z.int().positive(),
      to: z.int().positive(),
      rPu: nonnegative,
      xPu: nonnegative,
      ratingMva: z
        .number()
        .positive("must be above 0; null says unlimited")
        .min(SMALLEST, `must be at least ${SMALLEST}; null says unlimited`)
        .lt(UNLIMITED_MVA, `must be below ${UNLIMITED_MVA}; null says unlimited`)
        .nullable(),
    }),
  ),
});

export type Feeder = z.infer<typeof FeederSchema>;
export type Bus = Feeder["buses"][number];
export type Branch = Feeder["branches"][number];
