import { stampMs } from "../stamps.ts";
import { instantsOf, wallOf, type ZoneClock } from "./zoneClock.ts";

/** How a file writes its dates; the first two are known from the text alone. */
export const DATE_FORMATS = [
  "YYYY-MM-DD",
  "DD.MM.YYYY",
  "DD/MM/YYYY",
  "MM/DD/YYYY",
  "DD-MM-YYYY",
  "MM-DD-YYYY",
] as const;
export type DateFormat = (typeof DATE_FORMATS)[number];

const CLOCK = String.raw`(?:[T ]\s*(\d{1,2}):(\d\d)(?::(\d\d)(?:\.0+)?)?(?:\s*([ap])\.?m\.?)?)?`;
const ISO = new RegExp(String.raw`^(\d{4})-(\d\d)-(\d\d)${CLOCK}$`, "i");
const POINTS = new RegExp(String.raw`^(\d{1,2})\.(\d{1,2})\.(\d{4})${CLOCK}$`, "i");
/** Day or month first, with either mark. */
const EITHER = new RegExp(String.raw`^(\d{1,2})([/-])(\d{1,2})\2(\d{4})${CLOCK}$`, "i");
const ZONED = /(Z|UTC|[+-]\d\d:?\d\d)$/i;

/** Year, month, day, hour, minute, second of a local stamp; or why it is none. */
function partsOf(text: string, format: DateFormat | undefined): number[] | string {
  const iso = ISO.exec(text);
  if (iso) return [...iso.slice(1, 4).map(Number), ...clockOf(iso.slice(4))];
  const points = POINTS.exec(text);
  if (points) return [Number(points[3]), Number(points[2]), Number(points[1]), ...clockOf(points.slice(4))];
  const either = EITHER.exec(text);
  if (!either) return "is not a time such as 2026-07-15 07:00, 15.07.2026 07:00 or 07/15/2026 7:00 AM";
  const [, a, mark, b, year, ...clock] = either;
  const [dayFirst, monthFirst] = [`DD${mark}MM${mark}YYYY`, `MM${mark}DD${mark}YYYY`];
  if (format !== dayFirst && format !== monthFirst)
    return `day or month first? Say dates: ${dayFirst} or dates: ${monthFirst} in community.yaml, under series`;
  const [day, month] = format === dayFirst ? [a, b] : [b, a];
  return [Number(year), Number(month), Number(day), ...clockOf(clock)];
}

/** Hour, minute and second; 12 AM is midnight and 12 PM noon. An hour that no half of a day has is none of a day. */
function clockOf([hour, minute, second, half]: readonly (string | undefined)[]): number[] {
  const [shown, ...rest] = [hour, minute, second].map((part) => Number(part ?? 0));
  if (half === undefined) return [shown, ...rest];
  const fits = shown >= 1 && shown <= 12;
  return [fits ? (shown % 12) + (/p/i.test(half) ? 12 : 0) : NaN, ...rest];
}

/**
 * The instant that a stamp of a portal names, ms since 1970, or why it names none. A stamp with its own zone is taken
 * at its word; one without belongs to `zone`: a community's clock, or minutes east of UTC all year. In the hour that
 * autumn doubles it is the first that lies after `previousMs`, the row before: rows are in the order of time.
 */
export function instantOf(
  text: string,
  zone: ZoneClock | number,
  format: DateFormat | undefined,
  previousMs: number,
): number | string {
  if (ZONED.test(text) && ISO.test(text.replace(ZONED, "").trim())) return stampMs(text);
  const parts = partsOf(text, format);
  if (typeof parts === "string") return parts;
  const [year, month, day, hour, minute, second] = parts;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const midnight = new Date(Date.UTC(year, month - 1, day));
  const endOfDay = hour === 24 && minute === 0 && second === 0;
  if (midnight.getUTCMonth() !== month - 1 || !(hour <= 23 || endOfDay) || minute > 59 || second > 59)
    return "is not a time that there is";
  if (typeof zone === "number") return wall - 60_000 * zone;
  const found = instantsOf(zone, wall);
  if (found.length === 0)
    return (
      `there is no such time in ${zone.timeZone}: the clocks go forward over it; ` +
      "a file that keeps standard time all year needs zone: +01:00, or whatever it is, under series"
    );
  return found.find((ms) => ms > previousMs) ?? found[0];
}

/** "15.07.2026 07:00" of a community's clock, for messages, and which of two where the hour is doubled. */
export function wallText(clock: ZoneClock, ms: number): string {
  const wall = wallOf(clock, ms);
  const text = new Date(wall).toISOString().slice(0, 16).replace("T", " ");
  const twice = instantsOf(clock, wall);
  return twice.length < 2 ? text : `${text} (${twice[0] === ms ? "first" : "second"} time)`;
}
