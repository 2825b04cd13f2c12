import type { Kind } from "./meters.ts";
import type { MeterSeries } from "./meterSeries.ts";
import { addDays, dateAt, dayOf, instantsOf, wallOf, type ZoneClock } from "./zoneClock.ts";

const DAY_MS = 86_400_000;
/** Load repeats by the week: the mean of so many of the same weekday. */
const WEEKS = 4;
/** Generation repeats by the day: the mean of so many days. */
const PERSISTENCE_DAYS = 7;

/**
 * Mean power of the period, kW, each interval by how much of it lies in the period; NaN where the series has not all of
 * it. Intervals and periods need not begin together: 10 minutes in a market of quarter-hours, hours of UTC where the
 * clock is half an hour off.
 */
export function meanKw({ kw, startMs, stepMs }: MeterSeries, fromMs: number, periodMs: number): number {
  const [from, until] = [(fromMs - startMs) / stepMs, (fromMs + periodMs - startMs) / stepMs];
  let sum = 0;
  for (let k = Math.floor(from); k < until; k++) sum += (Math.min(until, k + 1) - Math.max(from, k)) * (kw[k] ?? NaN);
  return sum / (until - from);
}

/** Mean of what is known; NaN where nothing is. */
function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.length === 0 ? NaN : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** How a member's load or generation is forecast, and what of it may be known. */
export type Forecaster = {
  readonly kind: Kind;
  readonly history: MeterSeries | undefined;
  /** A forecast that was brought; periods that it lacks have none. */
  readonly given: MeterSeries | undefined;
  readonly clock: ZoneClock;
  readonly periodMs: number;
  /** The last whole day known is so many days before. */
  readonly lagDays: number;
};

/**
 * Forecast of the period that starts at `ms`, kW, from what was known when its day was cleared; NaN where nothing was.
 * One that was brought, else of load the mean of up to four same weekdays at the same time by the clock, or of seven
 * days where there is no week; of generation, which follows the sun and no clock, the mean of seven days at the same
 * instant.
 */
export function forecastKw(forecaster: Forecaster, ms: number): number {
  const { kind, history, given, periodMs, lagDays } = forecaster;
  if (given !== undefined) return meanKw(given, ms, periodMs);
  if (history === undefined) return NaN;
  const at = (before: number): number => meanKw(history, before, periodMs);
  const days = Array.from({ length: PERSISTENCE_DAYS }, (_, k) => lagDays + k);
  if (kind === "pv") return meanOf(days.map((day) => at(ms - day * DAY_MS)));
  const back = (day: number): number => {
    const before = sameClock(forecaster.clock, ms, day);
    return before === undefined ? NaN : at(before);
  };
  const weeks = Array.from({ length: WEEKS + 2 }, (_, k) => 7 * (k + 1)).filter((day) => day >= lagDays);
  const weekly = meanOf(weeks.slice(0, WEEKS).map(back));
  return Number.isNaN(weekly) ? meanOf(days.map(back)) : weekly;
}

/** The instant so many days before with the same time on the wall; none in the hour that spring leaves out. */
function sameClock(clock: ZoneClock, ms: number, days: number): number | undefined {
  const wall = wallOf(clock, ms);
  const then = instantsOf(clock, wall - days * DAY_MS);
  const occurrence = instantsOf(clock, wall).indexOf(ms);
  return then[occurrence] ?? then[0];
}

/** The last local day of which every series has all periods, YYYY-MM-DD; undefined where there is none. */
export function lastWholeDay(clock: ZoneClock, series: readonly MeterSeries[]): string | undefined {
  if (series.length === 0) return undefined;
  const endMs = Math.min(...series.map(({ startMs, stepMs, kw }) => startMs + stepMs * kw.length));
  const startMs = Math.max(...series.map((one) => one.startMs));
  const day = addDays(dateAt(clock, endMs), -1);
  return dayOf(clock, day).startMs >= startMs ? day : undefined;
}
