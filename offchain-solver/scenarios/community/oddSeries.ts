/** What numbers alone show of a series that is not what its file says it is. */
import type { MeterSeries } from "./meterSeries.ts";

const DAY_MS = 86_400_000;
/** Values that must be there to tell a counter from a load: no home draws more from hour to hour for so long. */
const LEAST_VALUES = 30;
/** From one day to the next: an empty home draws a tenth, a cloudy day brings a tenth; Wh are a thousand times kWh. */
const JUMP = 200;

/**
 * Whether a series is the reading of a counter, not what was counted in each interval: it never falls, and is mostly
 * higher than before.
 */
export function isCounter({ kw }: Pick<MeterSeries, "kw">): boolean {
  const known = kw.filter((value) => !Number.isNaN(value));
  const steps = Array.from(known.subarray(1), (value, k) => value - known[k]);
  return (
    known.length >= LEAST_VALUES &&
    steps.every((step) => step >= 0) &&
    2 * steps.filter((step) => step > 0).length > steps.length
  );
}

/**
 * The first interval of a day whose middle value is hundreds of times that of the day before, or as many times less,
 * and the ratio; values of nothing and gaps aside. Days are of 24 hours from the first interval on.
 */
export function jumpIn({ kw, stepMs }: Pick<MeterSeries, "kw" | "stepMs">): { at: number; ratio: number } | undefined {
  const length = DAY_MS / stepMs;
  let before = NaN;
  for (let at = 0; at + length <= kw.length; at += length) {
    const values = kw.subarray(at, at + length).filter((value) => value > 0);
    // A few minutes of sun, or of power, are no day.
    if (values.length < length / 4) continue;
    const middle = values.sort()[values.length >> 1];
    const ratio = middle / before;
    if (ratio >= JUMP || ratio <= 1 / JUMP) return { at, ratio };
    before = middle;
  }
  return undefined;
}
