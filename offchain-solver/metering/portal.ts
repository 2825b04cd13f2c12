/** A utility's portal: tables of comma separated values, or Excel workbooks, to intervals. */
import { basename, extname } from "node:path";
import type { Quality } from "../codec/meterReading.ts";
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
import { cellComplaint, decimalSign, numberIn, type Row } from "../scenarios/table.ts";
import { absurd, microOfKwh, MOST_KW, type Interval, type Register } from "./intervals.ts";

const REGISTER_NAMES: readonly (readonly [RegExp, Register])[] = [
  [/einspeis|export|feed|r(ü|ue)cklief/i, "export"],
  [/erzeug|generat|produ[ck]t|pv|solar|wind/i, "generation"],
  [/verbrauch|bezug|consum|import|load|demand|last/i, "import"],
];
const registerNamed = (name: string): Register | undefined => REGISTER_NAMES.find(([like]) => like.test(name))?.[1];

/**
 * Whose register a column is. `home.csv` or `home-load.csv` is of one metering point and its columns say which
 * register; `load.csv` is of one register and its columns say which point.
 */
function ownerOf(file: string, column: string): Pick<Interval, "point" | "register"> | undefined {
  const stem = basename(file, extname(file));
  const tail = /^(.+)[-_](\w+)$/.exec(stem);
  const ofTail = tail === null ? undefined : registerNamed(tail[2]);
  if (tail !== null && ofTail !== undefined) return { point: tail[1], register: registerNamed(column) ?? ofTail };
  const own = registerNamed(column);
  if (own !== undefined) return { point: stem, register: own };
  const all = registerNamed(stem);
  return all && { point: column, register: all };
}

/**
 * Reads every register of a portal's table. Whatever is wrong with it (a time twice, out of order, or of the hour that
 * spring leaves out; a value below zero, absurd or no number; a flag that nobody knows) is noted with line and column,
 * and nothing of the file is used then. A blank cell, and a row flagged so, are missing; a row that isn't there is
 * noticed when readings are made.
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
  const stamps = stampsOf(file, sheet, columns.time, { options, clock }, complaints);
  const stepMs = complaints.length === 0 ? stepOf(file, stamps, complaints) : 0;
  const time = { file, column: sheet.columns[columns.time[0]], clock };
  if (complaints.length === 0) checkGrid(time, stamps, stepMs, complaints);
  const quality = sheet.rows.map((row) => qualityOf(sheet, row, columns.quality, complaints));
  const numeric = new Set(columns.values.map(({ index }) => sheet.columns[index]));
  const decimal = decimalSign(sheet.rows, sheet.columns, (name) => (numeric.has(name) ? "number" : "text"), file);
  const back = options.stamps === "end" ? stepMs : 0;
  const mostKw = options.most ?? MOST_KW;
  const intervals = columns.values.flatMap((column): Interval[] => {
    const owner = ownerOf(file, column.name);
    if (owner === undefined) {
      complaints.push(
        `${file}: line ${sheet.rows[0].line - 1}: column ${column.name}: import, export or generation? Name it, or the file, after one`,
      );
      return [];
    }
    return stamps.map(({ ms, row }, k): Interval => {
      const place = `${file}: line ${row.line}: ${column.name}`;
      const span = { startMs: ms - back, endMs: ms - back + stepMs };
      const value = valueOf(sheet, row, column, { decimal, mostKw, quality: quality[k], ...span }, complaints);
      return { ...owner, ...span, ...value, place };
    });
  });
  if (complaints.length === 0) return intervals;
  complainAbout(found, file, complaints);
  return [];
}

function qualityOf(sheet: Sheet, { cells, line }: Row, column: number | undefined, complaints: string[]): Quality {
  const flag = column === undefined ? "" : cells[column];
  if (column === undefined || GOOD.test(flag)) return "measured";
  if (ESTIMATED.test(flag)) return "estimated";
  const reason = "is no flag known: V, W, G or L1 measured, E or L2 estimated, F missing";
  if (!MISSING.test(flag))
    complaints.push(cellComplaint(sheet.file, line, sheet.columns[column], flag, reason).message);
  return "missing";
}

type Cell = {
  readonly decimal: "." | ",";
  readonly mostKw: number;
  readonly quality: Quality;
  readonly startMs: number;
  readonly endMs: number;
};

function valueOf(
  { file }: Sheet,
  { cells, line }: Row,
  { index, name, unit }: ValueColumn,
  { decimal, mostKw, quality, startMs, endMs }: Cell,
  complaints: string[],
): Pick<Interval, "microWh" | "quality"> {
  const cell = cells[index];
  const none = { microWh: 0n, quality: "missing" } as const;
  if (quality === "missing" || cell === "") return none;
  const value = numberIn(cell, decimal);
  const factor = (unit.startsWith("k") ? 1 : 1e-3) * (unit.endsWith("h") ? 1 : (endMs - startMs) / 3_600_000);
  const microWh = typeof value === "number" && Math.abs(value) < 1e12 ? microOfKwh(value * factor) : undefined;
  const fault =
    microWh === undefined
      ? typeof value === "string"
        ? value
        : "is no energy of an interval"
      : absurd(microWh, startMs, endMs, mostKw);
  if (fault === undefined) return { microWh: microWh!, quality };
  complaints.push(cellComplaint(file, line, name, cell, fault).message);
  return none;
}
