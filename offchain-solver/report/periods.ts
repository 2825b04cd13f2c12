/**
 * Names of a session's periods, whatever their length, and the time axis that all figures share: by the community's
 * clock, or UTC.
 */
import type * as Plot from "@observablehq/plot";
import type { Scenario } from "../market/scenario/scenario.ts";
import { zoneOf, type Labelled } from "./labels.ts";

type Times = Pick<Scenario, "startUtc" | "hours" | "periodHours" | "timeZone"> & Pick<Labelled, "community">;

const HOUR_MS = 3_600_000;
const MONTHS = "January February March April May June July August September October November December".split(" ");

/** A moment `hours` after the start, ms since 1970. A second is the finest a session knows. */
const momentOf = ({ startUtc }: Times, hours: number): number =>
  Date.parse(startUtc) + 1000 * Math.round((hours * HOUR_MS) / 1000);

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the wall shows `hours` after the start, ms since 1970 as if it were UTC: zones shift by whole minutes. */
function wallOf(times: Times, hours: number): number {
  const moment = momentOf(times, hours);
  const timeZone = zoneOf(times);
  if (timeZone === "UTC") return moment;
  let format = formats.get(timeZone);
  if (format === undefined) {
    const numeric = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
    format = new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...numeric });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute) + (moment % 60_000);
}

export function clockOf(times: Times, hours: number): string {
  const clock = new Date(wallOf(times, hours)).toISOString().slice(11, 19);
  return clock.endsWith(":00") ? clock.slice(0, 5) : clock;
}

export function dayOf(times: Times, hours: number): string {
  const day = new Date(wallOf(times, hours));
  return `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`;
}

/** The year that the session starts in. */
export const yearOf = (times: Times): string => new Date(wallOf(times, 0)).toISOString().slice(0, 4);

/** "08:00–08:30", with the date where the session runs over midnight. */
export function periodName(times: Times, t: number): string {
  const { hours, periodHours } = times;
  const days = dayOf(times, 0) !== dayOf(times, hours * periodHours - 1e-3);
  const name = `${clockOf(times, t * periodHours)}–${clockOf(times, (t + 1) * periodHours)}`;
  return days ? `${dayOf(times, t * periodHours)}, ${name}` : name;
}

/** "30 min", "1 h". */
export function lengthName(periodHours: number): string {
  const minutes = Math.round(60 * periodHours * 1e6) / 1e6;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`;
}

/** Hours after the start at which period `t` begins and ends. */
export const beginOf = ({ periodHours }: Times, t: number): number => t * periodHours;
export const endOf = ({ periodHours }: Times, t: number): number => (t + 1) * periodHours;

const STEPS = [0.25, 0.5, 1, 2, 3, 4, 6, 12, 24];

/** Time from the session's start to its end; ticks at round times of the clock, as many as have room. */
export function timeAxis(times: Times, width: number): Plot.ScaleOptions {
  const length = times.hours * times.periodHours;
  const most = Math.max(2, Math.floor(width / 62));
  const step = STEPS.find((hours) => length / hours <= most) ?? Math.ceil(length / most / 24) * 24;
  const quarter = STEPS[0] * HOUR_MS;
  const first = ((quarter - (wallOf(times, 0) % quarter)) % quarter) / HOUR_MS;
  const round: number[] = [];
  for (let hours = first; hours <= length + 1e-9; hours += STEPS[0])
    if (wallOf(times, hours) % (Math.min(step, 24) * HOUR_MS) === 0) round.push(hours);
  // Of many days not every midnight has room.
  const ticks = round.filter((_, k) => k % Math.max(1, step / 24) === 0);
  return {
    label: `time, ${zoneOf(times)}, from ${dayOf(times, 0)}, ${clockOf(times, 0)}`,
    labelAnchor: "center",
    labelArrow: "none",
    domain: [0, length],
    ticks,
    tickFormat: (hours: number) => clockOf(times, hours),
  };
}
