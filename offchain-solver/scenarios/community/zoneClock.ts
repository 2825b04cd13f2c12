import { Temporal } from "temporal-polyfill";

/** A time as a clock on the wall shows it, ms since 1970 as if it were UTC. */
export type WallMs = number;

/**
 * The clock of one time zone from 1990 to 2060: the zone's own rules, never the machine's. A library says when the
 * clocks change; between two changes local time is UTC plus a constant, so that a year of quarter-hours is read fast.
 */
export type ZoneClock = {
  readonly timeZone: string;
  /** Ascending: from `fromMs` on the wall is `offsetMs` ahead of UTC. */
  readonly segments: readonly { readonly fromMs: number; readonly offsetMs: number }[];
};

const FIRST = Date.UTC(1990, 0, 1);
const LAST = Date.UTC(2060, 0, 1);

/** Undefined where there is no such time zone. */
export function zoneClock(timeZone: string): ZoneClock | undefined {
  let at: Temporal.ZonedDateTime | null;
  try {
    at = Temporal.Instant.fromEpochMilliseconds(FIRST).toZonedDateTimeISO(timeZone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
  const segments: { fromMs: number; offsetMs: number }[] = [];
  for (; at !== null && at.epochMilliseconds < LAST; at = at.getTimeZoneTransition("next"))
    segments.push({ fromMs: at.epochMilliseconds, offsetMs: at.offsetNanoseconds / 1e6 });
  return { timeZone, segments };
}

function segmentAt({ segments }: ZoneClock, ms: number): ZoneClock["segments"][number] {
  let [low, high] = [0, segments.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].fromMs <= ms) low = middle;
    else high = middle - 1;
  }
  return segments[low];
}

/** What the wall shows at an instant. */
export const wallOf = (clock: ZoneClock, ms: number): WallMs => ms + segmentAt(clock, ms).offsetMs;

/**
 * The instants at which the wall shows a time, ascending: one on most days, none in the hour that spring leaves out,
 * two in the hour that autumn doubles.
 */
export function instantsOf(clock: ZoneClock, wall: WallMs): number[] {
  const offsets = new Set([-1, 0, 1].map((days) => segmentAt(clock, wall + days * 86_400_000).offsetMs));
  return [...offsets]
    .map((offset) => wall - offset)
    .filter((ms) => wallOf(clock, ms) === wall)
    .sort((a, b) => a - b);
}

const DAY_MS = 86_400_000;

/** Start and end of a local day (YYYY-MM-DD), ms since 1970: 23, 24 or 25 hours apart. */
export function dayOf(clock: ZoneClock, date: string): { readonly startMs: number; readonly endMs: number } {
  const wall = Date.parse(`${date}T00:00:00Z`);
  return { startMs: firstOf(clock, wall), endMs: firstOf(clock, wall + DAY_MS) };
}

/** Where midnight itself is left out, the day starts when the clocks have gone forward. */
function firstOf(clock: ZoneClock, wall: WallMs): number {
  const [first] = instantsOf(clock, wall);
  if (first !== undefined) return first;
  const before = segmentAt(clock, wall - DAY_MS).offsetMs;
  return segmentAt(clock, wall - before).fromMs;
}

/** The local date at an instant, YYYY-MM-DD. */
export const dateAt = (clock: ZoneClock, ms: number): string => new Date(wallOf(clock, ms)).toISOString().slice(0, 10);

/** A date so many days on. */
export const addDays = (date: string, days: number): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** Whether a text is a date that there is, as YYYY-MM-DD. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text);
}
