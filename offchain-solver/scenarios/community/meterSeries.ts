import { cellComplaint, decimalSign, IN_DOUBT, numberIn, thousandsInDoubt, type Row } from "../table.ts";
import { columnsOf, type Unit, type ValueColumn } from "./meterColumns.ts";
import { complainAbout, type Findings } from "./findings.ts";
import { instantOf, wallText, type DateFormat } from "./portalStamps.ts";
import { jumpIn, LOAD_PROFILE, readingSign } from "./oddSeries.ts";
import { readSheet, type Sheet } from "./sheet.ts";
import type { ZoneClock } from "./zoneClock.ts";

/** How the files of a portal are to be read, where they do not say it themselves. */
export type SeriesOptions = {
  readonly unit?: Unit | undefined;
  /** Whether a row's stamp is the start or the end of its interval. */
  readonly stamps: "start" | "end";
  readonly dates?: DateFormat | undefined;
  /** Minutes east of UTC all year; absent: the community's clock. */
  readonly offsetMinutes?: number | undefined;
  readonly headLine: number;
  /** Beyond this no value can be right. */
  readonly most?: number;
};

/** One meter's mean power: kw[k] belongs to the interval from startMs + k stepMs; NaN where there is no value. */
export type MeterSeries = {
  readonly file: string;
  /** Name of the column, without its unit. */
  readonly column: string;
  readonly startMs: number;
  readonly stepMs: number;
  readonly kw: Float64Array;
  /** [k] the line of the file it stands in; 0 where there is none. */
  readonly lines: Int32Array;
};

const MINUTE_MS = 60_000;
const STEPS = [5, 10, 15, 20, 30, 60].map((minutes) => minutes * MINUTE_MS);
/** Beyond a megawatt is no home: the file counts in Wh or W. */
const MOST_KW = 1000;
/** Gaps up to this long are bridged by a straight line. */
export const BRIDGED_MS = 120 * MINUTE_MS;

/** Flags of portals: measured, replaced by the utility's estimate, and no value. */
export const GOOD = /^(|v|w|g|valid|ok|good|measured|true|l1|gemessen|målt|wahrer wert)$/i;
export const ESTIMATED = /^(e|estimated|ersatzwert|l2|l3|geschätzt|estimeret|interpolated)$/i;
export const MISSING = /^(f|missing|invalid|fehlwert|fehlt|ungültig|n\/a|false|no value)$/i;

type Reading = { readonly ms: number; readonly row: Row };

/**
 * Reads all meters of one file. What is wrong with it is noted with line and column, and nothing of the file is used
 * then. Blank cells, rows that are missing and values flagged as missing are gaps: up to two hours are bridged by a
 * straight line, longer ones stay gaps, and both are noted as assumptions.
 */
export async function readMeters(
  file: string,
  options: SeriesOptions,
  clock: ZoneClock,
  found: Findings,
): Promise<MeterSeries[]> {
  const sheet = await readSheet(file, options.headLine);
  const columns = columnsOf(sheet, options.unit, options.stamps === "end");
  const complaints: string[] = [];
  const readings = stampsOf(file, sheet, columns.time, { options, clock }, complaints);
  const stepMs = complaints.length === 0 ? stepOf(file, readings, complaints) : 0;
  if (complaints.length === 0)
    checkGrid({ file, column: sheet.columns[columns.time[0]], clock }, readings, stepMs, complaints);
  const isValue = new Set(columns.values.map(({ index }) => sheet.columns[index]));
  const kindOf = (name: string): "number" | "text" => (isValue.has(name) ? "number" : "text");
  const decimal = decimalSign(sheet.rows, sheet.columns, kindOf, file);
  const flagColumns = [...new Set(columns.values.flatMap(({ quality }) => quality))];
  const lacking = new Map(flagColumns.map((column) => [column, lackingBy(sheet, column, complaints)]));
  const read = columns.values.map((column) => valuesOf(file, sheet.rows, column, { decimal, lacking }, complaints));
  if (complaints.length > 0) {
    complainAbout(found, file, complaints);
    return [];
  }
  for (const column of flagColumns) noteEstimates(found, file, sheet.rows, column);
  const startMs = readings[0].ms - (options.stamps === "end" ? stepMs : 0);
  const all = columns.values.map((column, c) => gridded(file, column, { readings, values: read[c], startMs, stepMs }));
  return countingUp(all, found).map((series) => {
    noteJump(series, clock, found);
    return bridged(series, { clock, found, most: options.most ?? MOST_KW });
  });
}

/** Without the readings of counters that stand beside what was counted; a file of nothing else is wrong. */
function countingUp(all: readonly MeterSeries[], { wrong, assumed }: Findings): readonly MeterSeries[] {
  const signs = all.map(({ column, kw, stepMs }) =>
    readingSign(column, { kwh: kw.map((value) => (value * stepMs) / (60 * MINUTE_MS)), stepMs }),
  );
  const only = signs.every((sign) => sign !== undefined);
  all.forEach(({ file, column }, k) => {
    if (signs[k] === undefined) return;
    const told = `${file}: ${column}: ${signs[k]}: it is a counter's reading`;
    (only ? wrong : assumed).push(only ? `${told}, ${LOAD_PROFILE}` : `${told} and is not used`);
  });
  return all.filter((_, k) => signs[k] === undefined);
}

function noteJump(series: MeterSeries, clock: ZoneClock, { assumed }: Findings): void {
  const jump = jumpIn(series);
  if (jump === undefined) return;
  const { file, column, lines, startMs, stepMs } = series;
  const times = Number((jump.ratio > 1 ? jump.ratio : 1 / jump.ratio).toPrecision(2));
  assumed.push(
    `${file}: line ${lines[jump.at]}: ${column}: from ${wallText(clock, startMs + jump.at * stepMs)} on its values are some ` +
      `${times} times ${jump.ratio > 1 ? "more" : "less"} than on the day before: taken as they are; is it another unit?`,
  );
}

type Context = { readonly options: SeriesOptions; readonly clock: ZoneClock };

export function stampsOf(
  file: string,
  { columns, rows }: { readonly columns: readonly string[]; readonly rows: readonly Row[] },
  time: readonly number[],
  { options, clock }: Context,
  complaints: string[],
): Reading[] {
  let previous = -Infinity;
  return rows.flatMap((row) => {
    const text = time
      .map((c) => row.cells[c])
      .join(" ")
      .trim();
    const ms =
      text === ""
        ? "is blank: a time was expected"
        : instantOf(text, options.offsetMinutes ?? clock, options.dates, previous);
    if (typeof ms === "string") {
      complaints.push(cellComplaint(file, row.line, columns[time[0]], text, ms).message);
      return [];
    }
    previous = ms;
    return [{ ms, row }];
  });
}

/** Steps back come last. */
const forwards = (step: number): number => (step > 0 ? step : Number.MAX_SAFE_INTEGER);

/** The commonest distance between rows, the shorter of two. */
export function stepOf(file: string, readings: readonly Reading[], complaints: string[]): number {
  const counts = new Map<number, number>();
  readings.slice(1).forEach(({ ms }, k) => {
    const step = ms - readings[k].ms;
    counts.set(step, (counts.get(step) ?? 0) + 1);
  });
  if (counts.size > 0 && [...counts.keys()].every((one) => one < 0)) {
    complaints.push(`${file}: its rows begin with the newest: sort them by their time, the oldest first`);
    return 0;
  }
  const [step] = [...counts].sort((a, b) => b[1] - a[1] || forwards(a[0]) - forwards(b[0]))[0] ?? [0];
  if (!STEPS.includes(step))
    complaints.push(
      `${file}: its rows are ${readings.length < 2 ? "too few to tell" : `${step / MINUTE_MS} minutes`} apart: intervals of 5, 10, 15, 20, 30 or 60 minutes were expected, in order of time`,
    );
  return step;
}

export function checkGrid(
  { file, column, clock }: { readonly file: string; readonly column: string; readonly clock: ZoneClock },
  readings: readonly Reading[],
  stepMs: number,
  complaints: string[],
): void {
  readings.forEach(({ ms, row }, k) => {
    const fail = (reason: string): void => {
      complaints.push(cellComplaint(file, row.line, column, wallText(clock, ms), reason).message);
    };
    if (k === 0) return;
    if (ms === readings[k - 1].ms) fail(`line ${readings[k - 1].row.line} has this time already`);
    else if (ms < readings[k - 1].ms) fail(`comes before line ${readings[k - 1].row.line}: rows are in order of time`);
    else if ((ms - readings[0].ms) % stepMs !== 0) fail(`is off the file's intervals of ${stepMs / MINUTE_MS} minutes`);
  });
}

/** [row] whether a value is missing by its flag. */
function lackingBy({ file, columns, rows }: Sheet, quality: number, complaints: string[]): boolean[] {
  return rows.map(({ cells, line }) => {
    const flag = cells[quality];
    if (GOOD.test(flag) || ESTIMATED.test(flag)) return false;
    if (!MISSING.test(flag))
      complaints.push(
        cellComplaint(
          file,
          line,
          columns[quality],
          flag,
          "is no flag known: V, W, G or L1 measured, E or L2 estimated, F missing",
        ).message,
      );
    return true;
  });
}

/** What the utility estimated is taken as it is, and told. */
function noteEstimates(found: Findings, file: string, rows: readonly Row[], quality: number): void {
  const estimated = rows.filter(({ cells }) => ESTIMATED.test(cells[quality]));
  if (estimated.length > 0)
    found.assumed.push(
      `${file}: line ${estimated[0].line}: flagged as estimated, ${estimated.length} rows in all: taken as they are`,
    );
}

type Reader = {
  readonly decimal: "." | ",";
  /** By column of flags, [row] whether there is no value. */
  readonly lacking: ReadonlyMap<number, readonly boolean[]>;
};

/** [row] the number in the file's unit; NaN where there is none. */
function valuesOf(
  file: string,
  rows: readonly Row[],
  { index, name, unit, quality }: ValueColumn,
  { decimal, lacking }: Reader,
  complaints: string[],
): Float64Array {
  const doubt = unit.startsWith("k") ? undefined : thousandsInDoubt(rows, index);
  if (doubt !== undefined) complaints.push(cellComplaint(file, doubt.line, name, doubt.cells[index], IN_DOUBT).message);
  return Float64Array.from(rows, ({ cells, line }, k) => {
    const cell = cells[index];
    if (cell === "" || quality.some((flags) => lacking.get(flags)![k])) return NaN;
    const value = numberIn(cell, decimal);
    const fault =
      typeof value === "string"
        ? value
        : value < 0
          ? "is below zero: load and generation are both counted upwards"
          : "";
    if (fault !== "") complaints.push(cellComplaint(file, line, name, cell, fault).message);
    return Number(value);
  });
}

type Read = {
  readonly readings: readonly Reading[];
  readonly values: Float64Array;
  readonly startMs: number;
  readonly stepMs: number;
};

function gridded(file: string, { name, unit }: ValueColumn, { readings, values, startMs, stepMs }: Read): MeterSeries {
  const count = Math.round((readings.at(-1)!.ms - readings[0].ms) / stepMs) + 1;
  const kw = new Float64Array(count).fill(NaN);
  const lines = new Int32Array(count);
  const factor = (unit.startsWith("k") ? 1 : 1e-3) * (unit.endsWith("h") ? (60 * MINUTE_MS) / stepMs : 1);
  readings.forEach(({ ms, row }, k) => {
    const at = Math.round((ms - readings[0].ms) / stepMs);
    kw[at] = values[k] * factor;
    lines[at] = row.line;
  });
  return { file, column: name, startMs, stepMs, kw, lines };
}

/** Bridges short gaps and notes all; refuses what no home draws. */
function bridged(
  series: MeterSeries,
  { clock, found, most }: { clock: ZoneClock; found: Findings; most: number },
): MeterSeries {
  const { file, column, kw, startMs, stepMs, lines } = series;
  const large = kw.findIndex((value) => value > most);
  if (large >= 0)
    found.wrong.push(
      cellComplaint(
        file,
        lines[large],
        column,
        String(kw[large]),
        `is more than ${most}: does the file count in another unit?`,
      ).message,
    );
  const full = Float64Array.from(kw);
  const gaps: { text: string; short: boolean; count: number }[] = [];
  for (let k = 0; k < kw.length; k++) {
    if (!Number.isNaN(kw[k])) continue;
    const from = k;
    while (k < kw.length && Number.isNaN(kw[k])) k++;
    const inside = from > 0 && k < kw.length;
    const short = inside && (k - from) * stepMs <= BRIDGED_MS;
    for (let j = from; short && j < k; j++)
      full[j] = kw[from - 1] + ((kw[k] - kw[from - 1]) * (j - from + 1)) / (k - from + 1);
    const line = lines[from] || lines[Math.max(0, from - 1)];
    const span = `${wallText(clock, startMs + from * stepMs)} to ${wallText(clock, startMs + k * stepMs)}`;
    gaps.push({ text: `line ${line}: ${column}: no value from ${span}`, short, count: k - from });
  }
  noteGaps(found, file, column, gaps);
  return { ...series, kw: full };
}

function noteGaps(
  found: Findings,
  file: string,
  column: string,
  gaps: readonly { text: string; short: boolean; count: number }[],
): void {
  for (const { text, short } of gaps.slice(0, 3))
    found.assumed.push(
      `${file}: ${text}: ${short ? "bridged by a straight line" : "left out of forecasts and errors"}`,
    );
  const rest = gaps.slice(3);
  if (rest.length > 0) {
    const values = rest.reduce((sum, { count }) => sum + count, 0);
    found.assumed.push(`${file}: ${column}: ${rest.length} more gaps, ${values} values, treated alike`);
  }
}
