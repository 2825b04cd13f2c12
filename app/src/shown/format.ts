/** Numbers and times as people read them, each with its unit. */

/** IANA name of the zone whose clock is told. */
type Clocked = { readonly timeZone: string };
/** What members are called, by id. */
type Named = { readonly names: Readonly<Record<string, string>> };

const MINUS = "\u2212";
const signed = (text: string): string => text.replace("-", MINUS);

export const number = (value: number, digits: number): string =>
  Number.isFinite(value) ? signed(value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1")) : "–";

/** Dollars: cents where they suffice, more digits the less it is. */
export function dollars(value: number): string {
  const size = Math.abs(value);
  const shown = number(value, size >= 1 || size === 0 ? 2 : size >= 1e-3 ? 4 : size >= 1e-6 ? 6 : 9);
  return shown.startsWith(MINUS) ? `${MINUS}$${shown.slice(1)}` : `$${shown}`;
}
export const ofNano = (nano: bigint): number => Number(nano) / 1e9;
export const ofTokens = (tokens: bigint): number => Number(tokens) / 1e6;

export const kwh = (wh: number): string => `${number(wh / 1e3, Math.abs(wh) >= 1e5 ? 0 : 2)} kWh`;

type Kind = "moment" | "clock" | "zoned";
const formats = new Map<string, Intl.DateTimeFormat>();
function format(timeZone: string, kind: Kind): Intl.DateTimeFormat {
  const key = `${timeZone} ${kind}`;
  const found = formats.get(key);
  if (found !== undefined) return found;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const date = { day: "numeric", month: "short", year: "numeric" } as const;
  const more = kind === "moment" ? date : kind === "zoned" ? ({ timeZoneName: "short" } as const) : {};
  const made = new Intl.DateTimeFormat("en-GB", { timeZone, ...clock, ...more });
  formats.set(key, made);
  return made;
}

/** Unix seconds by the community's clock, "29 Oct 2026, 02:30". */
export const moment = ({ timeZone }: Clocked, seconds: number): string =>
  format(timeZone, "moment").format(1000 * seconds);

type Span = { readonly start: bigint; readonly periodSeconds: number; readonly periods: number };

/** Clocks are set by two hours at most. */
const NEAR_S = 7_200;

/**
 * When a session's periods begin, and after them its end, by the community's clock. What a day of 25 hours has twice
 * says which it is: "02:00 CEST", "02:00 CET".
 */
export function boundaries({ timeZone }: Clocked, { start, periodSeconds, periods }: Span): string[] {
  const at = (k: number): number => 1000 * (Number(start) + k * periodSeconds);
  const plain = Array.from({ length: periods + 1 }, (_, k) => format(timeZone, "clock").format(at(k)));
  const near = Math.floor(NEAR_S / periodSeconds);
  const again = (k: number): boolean =>
    plain.some((text, other) => other !== k && Math.abs(other - k) <= near && text === plain[k]);
  return plain.map((text, k) => (again(k) ? format(timeZone, "zoned").format(at(k)) : text));
}

/** When each period begins. */
export const beginnings = (clocked: Clocked, span: Span): string[] => boundaries(clocked, span).slice(0, -1);

/** "2 days 3 h", "12 min", "40 s". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor((whole % 86_400) / 3_600),
    Math.floor((whole % 3_600) / 60),
  ];
  if (days > 0) return `${days} ${days === 1 ? "day" : "days"} ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${whole} s`;
}

/** Letters that run from right to left, or say that what follows does. */
const TURNS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u200f\u202a-\u202e\u2066-\u2069\u{10800}-\u{10fff}]/u;
const TURNERS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LONGEST_NAME = 120;

/** A name that turns nothing around but itself: a number after it stays as it is. */
function kept(name: string): string {
  const whole = [...name];
  const short = whole.length > LONGEST_NAME ? `${whole.slice(0, LONGEST_NAME).join("")}…` : name;
  return TURNS.test(short) ? `\u2068${short.replace(TURNERS, "")}\u2069` : short;
}

/** What a member is called: its name where the host knows one. */
export const called = ({ names }: Named, id: number): string => {
  if (id === 0xffffffff) return "utility";
  if (id === 0xfffffffe) return "operator";
  if (id === 0xfffffffd) return "allowance desk";
  const name = names[`${id}`];
  return typeof name === "string" && name !== "" ? kept(name) : `no. ${id}`;
};

export const shortHash = (hash: string): string => `${hash.slice(0, 10)}…${hash.slice(-6)}`;
