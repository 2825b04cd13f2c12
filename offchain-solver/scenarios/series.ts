import { readFileSync } from "node:fs";
import { InputError } from "../io/inputError.ts";
import { cellComplaint, readTable } from "./table.ts";

export const HOUR_MS = 3_600_000;

/** Hourly series on one clock: values[column][k] belongs to the hour starting at startMs + k hours, UTC. */
export interface Series {
  readonly name: string;
  readonly startMs: number;
  readonly values: ReadonlyMap<string, Float64Array>;
}

/** The project's real series (cases/series): regional loads, PV and wind in p.u., grid carbon intensity in gCO2/kWh. */
export interface SeriesSet {
  readonly load: Series;
  readonly pv: Series;
  readonly wind: Series;
  readonly carbon: Series;
}

/**
 * Reads hourly rows: a column `utc` of stamps, every other column numbers of `unit`. `name` stands in messages.
 * Throws InputError on a gap, a repeated hour and whatever `readTable` refuses.
 */
export function parseSeries(name: string, text: string, unit: number): Series {
  const { numbers, lines } = readTable(text, name, { columns: { utc: "stamp" }, others: "number", offsetMinutes: 0 });
  const stamps = numbers.get("utc")!;
  stamps.forEach((ms, k) => {
    const right = stamps[0] + k * HOUR_MS;
    if (ms === right) return;
    const iso = (time: number): string => new Date(time).toISOString();
    throw cellComplaint(name, lines[k], "utc", iso(ms), `is out of order: ${iso(right)} was expected`);
  });
  const values = new Map([...numbers].filter(([column]) => column !== "utc"));
  for (const column of values.values()) column.forEach((value, k) => (column[k] = value * unit));
  return { name, startMs: stamps[0], values };
}

/** The value of one column in the hour starting at `ms`. */
export function at(series: Series, column: string, ms: number): number {
  const value = series.values.get(column)?.[(ms - series.startMs) / HOUR_MS];
  if (value === undefined)
    throw new InputError(`${series.name}: no value of ${column} for ${new Date(ms).toISOString()}`);
  return value;
}

let shipped: SeriesSet | undefined;

/** The series that ship with the project, read once. */
export function readSeries(): SeriesSet {
  const read = (name: string, unit: number): Series => {
    const file = `${name}.csv`;
    return parseSeries(file, readFileSync(new URL(`../../cases/series/${file}`, import.meta.url), "utf8"), unit);
  };
  shipped ??= { load: read("load", 1e-4), pv: read("pv", 1e-4), wind: read("wind", 1e-4), carbon: read("carbon", 1) };
  return shipped;
}
