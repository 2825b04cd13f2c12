/** readings.json: what meters said, as files and messages of any kind are turned into. Private. */
import * as z from "zod";
import { QUALITIES } from "../codec/meterReading.ts";

/** Beyond this no connection of a distribution feeder is: 16.7 GWh in a period. */
const MOST_WH = 2 ** 24 * 1000;

export const MeterReadingSchema = z
  .strictObject({
    prosumer: z.int().positive().max(0xffffffff),
    start: z.int().nonnegative(),
    seconds: z.int().min(60).max(3600),
    meteredWh: z.int().min(-MOST_WH).max(MOST_WH),
    renewableWh: z.int().nonnegative().max(MOST_WH),
    quality: z.enum(QUALITIES),
  })
  .refine(({ quality, meteredWh, renewableWh }) => quality !== "missing" || (meteredWh === 0 && renewableWh === 0), {
    error: "a reading that is missing has no energy",
  })
  .refine(({ start, seconds }) => start % seconds === 0, { error: "starts on a boundary of its own length" });

export const ReadingsJsonSchema = z.strictObject({
  /** By prosumer, then by start; a period that no file has is there as missing. */
  readings: z.array(MeterReadingSchema),
  /** What was wrong or assumed on the way, with file, line and column. */
  notes: z.array(z.string()),
});

export type ReadingsJson = z.infer<typeof ReadingsJsonSchema>;
