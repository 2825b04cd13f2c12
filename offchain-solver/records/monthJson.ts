/** month.json: what a run of days came to for every member, money in the community's currency. Private. */
import * as z from "zod";

const amount = z.number();

export const MonthJsonSchema = z.strictObject({
  name: z.string().min(1),
  currency: z.string().length(3),
  timeZone: z.string().min(1),
  from: z.string(),
  to: z.string(),
  days: z.array(
    z.strictObject({
      date: z.string(),
      /** How the audit ended, or why nothing was settled. */
      verdict: z.string().min(1),
      /** All of it. */
      settled: z.boolean(),
      /** Of a day in several sessions of which the last did not settle: how much of it did; figures are of that. */
      settledHours: z.number().positive().optional(),
      sharedKwh: z.number().nonnegative(),
      loadKwh: z.number().nonnegative(),
      emissionsKg: z.number(),
    }),
  ),
  /** Sums over what was settled, parts of days too. */
  members: z.array(
    z.strictObject({
      id: z.string().min(1),
      name: z.string().min(1),
      /** What was paid on chain, in 1e-9 of the currency, as an integer in decimal digits. */
      paidNano: z.string().regex(/^-?\d+$/),
      paid: amount,
      deviceCost: amount,
      /**
       * The same days each cleared alone: own devices, no trade. Payments and devices together; null where some day has
       * no such answer.
       */
      noTrade: amount.nullable(),
      /** The utility's tariff on the same forecasts, without market, battery or generator. */
      plainTariff: amount,
    }),
  ),
});

export type MonthJson = z.infer<typeof MonthJsonSchema>;
