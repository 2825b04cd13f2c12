/** Numbers and times as people read them, each with its unit. */
import type { Config } from "../config.ts";

const MINUS = "\u2212";
const signed = (text: string): string => text.replace("-", MINUS);

export const number = (value: number, digits: number): string =>
  Number.isFinite(value) ? signed(value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1")) : "–";

/** Dollars: cents where they suffice, more digits below a cent. */
export function dollars(value: number): string {
  const size = Math.abs(value);
  const shown = number(value, size >= 1 || size === 0 ? 2 : 4);
  return shown.startsWith(MINUS) ? `${MINUS}$${shown.slice(1)}` : `$${shown}`;
}
export const ofNano = (nano: bigint): number => Number(nano) / 1e9;
export const ofTokens = (tokens: bigint): number => Number(tokens) / 1e6;

export const kwh = (wh: number): string => `${number(wh / 1e3, Math.abs(wh) >= 1e5 ? 0 : 2)} kWh`;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(timeZone: string, kind: "moment" | "clock"): Intl.DateTimeFormat {
  const key = `${timeZone} ${kind}`;
  const found = formats.get(key);
  if (found !== undefined) return found;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const date = { day: "numeric", month: "short", year: "numeric" } as const;
  const made = new Intl.DateTimeFormat("en-GB", { timeZone, ...clock, ...(kind === "moment" && date) });
  formats.set(key, made);
  return made;
}

/** Unix seconds by the community's clock, "29 Oct 2026, 02:30". */
export const moment = ({ timeZone }: Pick<Config, "timeZone">, seconds: number): string =>
  format(timeZone, "moment").format(1000 * seconds);
export const clock = ({ timeZone }: Pick<Config, "timeZone">, seconds: number): string =>
  format(timeZone, "clock").format(1000 * seconds);

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

/** What a member is called: its name where the host knows one. */
export const called = ({ names }: Pick<Config, "names">, id: number): string => {
  if (id === 0xffffffff) return "utility";
  if (id === 0xfffffffe) return "operator";
  if (id === 0xfffffffd) return "allowance desk";
  const name = names[`${id}`];
  return typeof name === "string" && name !== "" ? name : `no. ${id}`;
};

export const shortHash = (hash: string): string => `${hash.slice(0, 10)}…${hash.slice(-6)}`;
