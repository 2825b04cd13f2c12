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
import { readTable } from "../../offchain-solver/scenarios/table.ts";
import type { Table, TableSpec } from "../../offchain-solver/scenarios/table.ts";

const dir = process.argv[2] ?? "";
if (dir === "") throw new Error("usage: node scripts/generate/retabulateSeries.ts DIR");
const out = new URL("../../cases/series/", import.meta.url);
mkdirSync(out, { recursive: true });

const RTS_UTC_OFFSET_HOURS = 7;
const HOUR_MS = 3_600_000;
const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 13) + "Z";

const table = (file: string, spec: TableSpec): Table => readTable(readFileSync(join(dir, file), "utf8"), file, spec);

function write(name: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const text = [["utc", ...head], ...rows].map((row) => row.join(",")).join("\n") + "\n";
  writeFileSync(new URL(name, out), text);
}

for (const kind of ["load", "wind", "pv"]) {
  const { numbers, lines } = table(`${kind}-2020-hourly.csv`, {
    columns: { month: "number", day: "number", hour: "number" },
    others: "number",
  });
  const [months, days, hours, ...values] = numbers.values();
  const start = (k: number): number =>
    Date.UTC(2021, months[k] - 1, days[k]) + (hours[k] - 1 + RTS_UTC_OFFSET_HOURS) * HOUR_MS;
  const kept = lines.map((_, k) => k).filter((k) => !(months[k] === 2 && days[k] === 29));
  write(
    `${kind}.csv`,
    [...numbers.keys()].slice(3),
    kept.map((k) => [stamp(start(k)), ...values.map((column) => Math.round(column[k] * 1e4))]),
  );
}

const [stamps, ...intensities] = table("grid-carbon-intensity-caiso-2021-hourly.csv", {
  columns: { datetime_utc: "stamp" },
  others: "number",
  offsetMinutes: 0,
}).numbers.values();
write(
  "carbon.csv",
  ["direct", "lifeCycle"],
  Array.from(stamps, (ms, k) => [stamp(ms), ...intensities.map((column) => column[k])]),
);
