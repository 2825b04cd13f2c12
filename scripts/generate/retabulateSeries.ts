/**
 * Writes cases/series/*.csv from the public files they come from: `node scripts/generate/retabulateSeries.ts DIR`.
 *
 * DIR holds load-2020-hourly.csv, wind-2020-hourly.csv, pv-2020-hourly.csv (RTS-GMLC: month, day, hour 1..24 ending,
 * local standard time UTC-7, leap year) and grid-carbon-intensity-caiso-2021-hourly.csv (start of hour, UTC).
 * Every row is put on one clock, the start of the hour in UTC of 2021; 29 February is dropped. Per-unit values become
 * whole numbers of 1e-4, the resolution they were published with, so nothing is lost and the files stay small.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const dir = process.argv[2];
if (!dir) throw new Error("usage: node scripts/generate/retabulateSeries.ts DIR");
const out = new URL("../../cases/series/", import.meta.url);
mkdirSync(out, { recursive: true });

const RTS_UTC_OFFSET_HOURS = 7;
const HOUR_MS = 3_600_000;
const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 13) + "Z";

function table(file: string): { head: string[]; rows: string[][] } {
  const [head, ...rows] = readFileSync(join(dir as string, file), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.trim().split(","));
  return { head: head as string[], rows };
}

function write(name: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = [["utc", ...head], ...rows].map((row) => row.join(",")).join("\n") + "\n";
  writeFileSync(new URL(name, out), text);
}

for (const kind of ["load", "wind", "pv"]) {
  const { head, rows } = table(`${kind}-2020-hourly.csv`);
  const kept = rows.filter((row) => !(row[0] === "2" && row[1] === "29"));
  write(
    `${kind}.csv`,
    head.slice(3),
    kept.map((row) => {
      const [month, day, hourEnding] = row.slice(0, 3).map(Number) as [number, number, number];
      const start = Date.UTC(2021, month - 1, day) + (hourEnding - 1 + RTS_UTC_OFFSET_HOURS) * HOUR_MS;
      return [stamp(start), ...row.slice(3).map((value) => Math.round(Number(value) * 1e4))];
    }),
  );
}

const carbon = table("grid-carbon-intensity-caiso-2021-hourly.csv");
write(
  "carbon.csv",
  ["direct", "lifeCycle"],
  carbon.rows.map((row) => [stamp(Date.parse(row[0].replace(" ", "T") + "Z")), ...row.slice(1).map(Number)]),
);
