/** A utility's portal: tables of comma separated values, or Excel workbooks, to intervals. */
import { worse, type Quality } from "../codec/meterReading.ts";
import { complainAbout, type Findings } from "../scenarios/community/findings.ts";
import { columnsOf, type ValueColumn } from "../scenarios/community/meterColumns.ts";
import {
  checkGrid,
  ESTIMATED,
  GOOD,
  MISSING,
  stampsOf,
  stepOf,
  type SeriesOptions,
} from "../scenarios/community/meterSeries.ts";
import { readSheet, type Sheet } from "../scenarios/community/sheet.ts";
import type { ZoneClock } from "../scenarios/community/zoneClock.ts";
import { cellComplaint, decimalSign, IN_DOUBT, numberIn, thousandsInDoubt } from "../scenarios/table.ts";
import { absurd, microOfKwh, MOST_KW, type Interval } from "./intervals.ts";
import { countedIn } from "./portalColumns.ts";

/**
 * Reads every register of a portal's table. Whatever is wrong with it (a time twice, out of order, or of the hour that
 * spring leaves out; a value below zero, absurd or no number; a flag that nobody knows; a counter's reading) is noted
 * with line and column, and nothing of the file is used then. A blank cell, and a row flagged so, are missing; a row
 * that isn't there is noticed when readings are made.
 */
export async function readPortal(
  file: string,
  options: SeriesOptions,
  clock: ZoneClock,
  found: Findings,
): Promise<Interval[]> {
  const sheet = await readSheet(file, options.headLine);
  const columns = columnsOf(sheet, options.unit, options.stamps === "end");
  const complaints: string[] = [];
  const refused = (): Interval[] => {
    complainAbout(found, file, complaints);
    return [];
  };
  const stamps = stampsOf(file, sheet, columns.time, { options, clock }, complaints);
  const stepMs = complaints.length === 0 ? stepOf(file, stamps, complaints) : 0;
  const time = { file, column: sheet.columns[columns.time[0]], clock };
  if (complaints.length === 0) checkGrid(time, stamps, stepMs, complaints);
  // Without intervals no value can be judged.
  if (complaints.length > 0) return refused();
  const flagColumns = new Set(columns.values.flatMap(({ quality }) => quality));
  const flags = new Map([...flagColumns].map((column) => [column, qualitiesOf(sheet, column, complaints)]));
  const numeric = new Set(columns.values.map(({ index }) => sheet.columns[index]));
  const decimal = decimalSign(sheet.rows, sheet.columns, (name) => (numeric.has(name) ? "number" : "text"), file);
  const read = columns.values.map((column) => valuesOf(sheet, column, { decimal, flags, stepMs }, complaints));
  const all = columns.values.map((column, c) => ({ column, energies: { kwh: read[c].kwh, stepMs } }));
  const counted = countedIn(file, sheet.rows[0].line - 1, all, { complaints, assumed: found.assumed });
  // Of a column that is none of these no value can be judged either.
  if (complaints.length > 0) return refused();
  const mostKw = options.most ?? MOST_KW;
  const back = options.stamps === "end" ? stepMs : 0;
  const intervals = counted.flatMap(({ columns: own, ...owner }) => {
    const values = own.map((column) => ({ column, ...read[columns.values.indexOf(column)] }));
    return stamps.map(({ ms, row }, k): Interval => {
      const span = { startMs: ms - back, endMs: ms - back + stepMs };
      for (const { column, microWh } of values) {
        const fault = absurd(microWh[k], span.startMs, span.endMs, mostKw);
        const cell = row.cells[column.index];
        if (fault !== undefined) complaints.push(cellComplaint(file, row.line, column.name, cell, fault).message);
      }
      const quality = values.map((one) => one.quality[k]).reduce(worse);
      const microWh = quality === "missing" ? 0n : values.reduce((sum, one) => sum + one.microWh[k], 0n);
      return { ...owner, ...span, microWh, quality, place: `${file}: line ${row.line}: ${own[0].name}` };
    });
  });
  return complaints.length === 0 ? intervals : refused();
}

/** [row] what a column of flags says. */
function qualitiesOf({ file, columns, rows }: Sheet, column: number, complaints: string[]): Quality[] {
  return rows.map(({ cells, line }): Quality => {
    const flag = cells[column];
    if (GOOD.test(flag)) return "measured";
    if (ESTIMATED.test(flag)) return "estimated";
    const reason = "is no flag known: V, W, G or L1 measured, E or L2 estimated, F missing";
    if (!MISSING.test(flag)) complaints.push(cellComplaint(file, line, columns[column], flag, reason).message);
    return "missing";
  });
}

type Reader = {
  readonly decimal: "." | ",";
  readonly flags: ReadonlyMap<number, readonly Quality[]>;
  readonly stepMs: number;
};
/** [row] of one column; NaN and 0 where there is no value. */
type Values = { readonly kwh: Float64Array; readonly microWh: readonly bigint[]; readonly quality: readonly Quality[] };

function valuesOf(
  { file, rows }: Sheet,
  { index, name, unit, quality: flagColumns }: ValueColumn,
  { decimal, flags, stepMs }: Reader,
  complaints: string[],
): Values {
  const factor = (unit.startsWith("k") ? 1 : 1e-3) * (unit.endsWith("h") ? 1 : stepMs / 3_600_000);
  const doubt = unit.startsWith("k") ? undefined : thousandsInDoubt(rows, index);
  if (doubt !== undefined) complaints.push(cellComplaint(file, doubt.line, name, doubt.cells[index], IN_DOUBT).message);
  const kwh = new Float64Array(rows.length).fill(NaN);
  const quality = rows.map(({ cells, line }, k): Quality => {
    const flag = flagColumns.map((column) => flags.get(column)![k]).reduce(worse, "measured");
    const cell = cells[index];
    if (flag === "missing" || cell === "") return "missing";
    const value = numberIn(cell, decimal);
    const fault = typeof value === "string" ? value : Math.abs(value) < 1e12 ? "" : "is no energy of an interval";
    if (fault === "") kwh[k] = Number(value) * factor;
    else complaints.push(cellComplaint(file, line, name, cell, fault).message);
    return fault === "" ? flag : "missing";
  });
  return { kwh, microWh: Array.from(kwh, (value) => (Number.isNaN(value) ? 0n : microOfKwh(value))), quality };
}
