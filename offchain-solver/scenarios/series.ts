import { readFileSync } from "node:fs";
import { InputError } from "../io/inputError.ts";

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

/** Parses `utc,column,...` with rows an hour apart; whole numbers of `unit`. Throws InputError on a gap or a bad number. */
export function parseSeries(name: string, text: string, unit: number): Series {
  const [head, ...rows] = text
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const columns = head!.slice(1);
  const values = columns.map(() => new Float64Array(rows.length));
  const time = (row: string[]): number => Date.parse(row[0].replace("Z", ":00:00Z"));
  const startMs = time(rows[0]);
  rows.forEach((row, k) => {
    if (time(row) !== startMs + k * HOUR_MS)
      throw new InputError(`series ${name}: row ${k + 2}: ${row[0]} is out of order`);
    columns.forEach((column, c) => {
      const value = Number(row[c + 1]);
      if (row[c + 1] === "" || !Number.isFinite(value))
        throw new InputError(`series ${name}: row ${k + 2}: ${column} = ${row[c + 1]} is not a number`);
      values[c][k] = value * unit;
    });
  });
  return { name, startMs, values: new Map(columns.map((column, c) => [column, values[c]])) };
}

/** The value of one column in the hour starting at `ms`. */
export function at(series: Series, column: string, ms: number): number {
  const value = series.values.get(column)?.[(ms - series.startMs) / HOUR_MS];
  if (value === undefined)
    throw new InputError(`series ${series.name}: no value of ${column} for ${new Date(ms).toISOString()}`);
  return value;
}

/** Reads the series that ship with the project. */
export function readSeries(): SeriesSet {
  const read = (name: string, unit: number): Series =>
    parseSeries(name, readFileSync(new URL(`../../cases/series/${name}.csv`, import.meta.url), "utf8"), unit);
  return { load: read("load", 1e-4), pv: read("pv", 1e-4), wind: read("wind", 1e-4), carbon: read("carbon", 1) };
}
