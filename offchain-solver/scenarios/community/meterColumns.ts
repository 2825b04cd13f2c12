import { InputError } from "../../io/inputError.ts";
import type { Sheet } from "./sheet.ts";

/** What a column of a portal's file is, by its name. */
export type Columns = {
  /** One stamp, or a date and a time of day beside it. */
  readonly time: readonly number[];
  readonly values: readonly ValueColumn[];
};
export type ValueColumn = {
  readonly index: number;
  readonly name: string;
  readonly unit: Unit;
  /** Columns of its flags: a value is as good as the worst of them. */
  readonly quality: readonly number[];
};

export const UNITS = ["kWh", "kW", "Wh", "W"] as const;
export type Unit = (typeof UNITS)[number];

const DATE =
  /^(fra_dato|datum|date|zeitstempel|timestamp|zeitpunkt|datetime|start|beginn|begin|von|from|utc|zeit|time)\b/i;
const CLOCK = /^(uhrzeit|zeit|time|von|from)\b/i;
const END = /^(bis|til_dato|to|ende|end|(datum|date|zeit|uhrzeit|time)[ _-]*(bis|to|end\w*))\b/i;
const QUALITY = /kvalit|qualit|status|flag|g[üu]te|validit/i;
const QUALITY_WORD = new RegExp(String.raw`[^\s_:-]*(?:${QUALITY.source})[^\s_:-]*`, "gi");
const OF_THE_METER = /z(ä|ae)hlpunkt|m(å|aa)lepunkt|metering ?point|meter ?(id|number)|obis/i;
const UNIT_IN_NAME = /(?:\s+|\s*[[(]\s*)(kWh|kW|Wh|W)\s*[\])]?\s*$/i;

const unitNamed = (text: string): Unit => UNITS.find((unit) => unit.toLowerCase() === text.toLowerCase())!;

/**
 * Tells columns apart by their names, English or German: stamps (a date with its time of day in the same column or in
 * one of its own), the end of an interval, quality flags and numbers of meters, which are not values; all others are
 * values, with their unit in the name (`Verbrauch [kWh]`) or said for the file. Throws InputError.
 */
export function columnsOf({ file, columns, rows }: Sheet, unit: Unit | undefined, ends: boolean): Columns {
  const head = rows[0].line - 1;
  const at = columns.map((name, index) => ({ name, index }));
  const isEnd = ({ name }: { name: string }): boolean => END.test(name);
  const stamps = at.filter(({ name }) => DATE.test(name) || CLOCK.test(name) || END.test(name));
  const wanted = stamps.filter((column) => !isEnd(column));
  const chosen = ends && stamps.some(isEnd) ? [...wanted.slice(0, 1), ...stamps.filter(isEnd)] : wanted;
  const [date, ...others] =
    ends && chosen.some((c) => isEnd(c) && hasDate(rows, c.index)) ? stamps.filter(isEnd) : chosen;
  if (date === undefined)
    throw new InputError(
      `${file}: line ${head}: no column is a time: name one Time, Date, Zeitstempel, Datum or Von; there are: ${columns.join(", ")}`,
    );
  const clock = /\d:\d\d/.test(rows[0].cells[date.index]) ? undefined : others[0];
  const qualities = at.filter(({ name }) => QUALITY.test(name));
  const besides = at.filter(
    (column) =>
      !stamps.includes(column) &&
      !QUALITY.test(column.name) &&
      (!OF_THE_METER.test(column.name) || UNIT_IN_NAME.test(column.name)),
  );
  // What describes a row, such as a type, a note or a price with its sign, holds no number.
  const rest = besides.filter(({ name, index }) => UNIT_IN_NAME.test(name) || !isText(rows, index));
  if (rest.length === 0) throw new InputError(`${file}: no column holds values beside ${columns.join(", ")}`);
  const plain = rest.map((column) => valueColumn(file, column, unit));
  const values = plain.map((column) => ({ ...column, quality: flagsOf(column.name, plain, qualities) }));
  const twice = values.find(({ name }, k) => values.findIndex((one) => one.name === name) < k);
  if (twice !== undefined)
    throw new InputError(`${file}: line ${head}: there are two columns ${twice.name}, but for the unit`);
  return {
    time: clock === undefined ? [date.index] : [date.index, clock.index],
    values,
  };
}

function valueColumn(
  file: string,
  { name, index }: { readonly name: string; readonly index: number },
  unit: Unit | undefined,
): Omit<ValueColumn, "quality"> {
  const said = UNIT_IN_NAME.exec(name);
  const own = said && said.index > 0 ? unitNamed(said[1]) : undefined;
  const known = own ?? unit;
  if (known === undefined)
    throw new InputError(
      `${file}: column ${name}: is this kWh an interval or kW? Write it behind the name, as in ${name} [kWh], or as unit in community.yaml, under series`,
    );
  return { index, name: own ? name.slice(0, said!.index).trim() : name, unit: known };
}

/** What a column of flags is about, in small letters: `Status Bezug` is about bezug, `Status` about all. */
const subject = (name: string): string =>
  name
    .replaceAll(QUALITY_WORD, " ")
    .replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "")
    .toLowerCase();

type Named = { readonly name: string; readonly index: number };

/** The flags that are named after a column, else those that are after none, else all there are. */
function flagsOf(name: string, values: readonly { readonly name: string }[], qualities: readonly Named[]): number[] {
  const isAbout = (value: string, { name: flags }: Named): boolean => {
    const [about, own] = [subject(flags), value.toLowerCase()];
    if (about === "") return false;
    // Netzbezug is Bezug, but M15 is not M1.
    return own.includes(about) && !/^[\p{L}\p{N}]/u.test(own.slice(own.indexOf(about) + about.length));
  };
  const exact = qualities.filter((one) => subject(one.name) === name.toLowerCase());
  const own = exact.length > 0 ? exact : qualities.filter((one) => isAbout(name, one));
  const general = qualities.filter((one) => !values.some((value) => isAbout(value.name, one)));
  return (own.length > 0 ? own : general.length > 0 ? general : qualities).map(({ index }) => index);
}

/** Whether a column holds words, and nothing that could be a number. */
function isText(rows: Sheet["rows"], index: number): boolean {
  const cells = rows.map((row) => row.cells[index]).filter((cell) => cell !== "");
  return cells.length === 0 || cells.every((cell) => /[^\d.,eE+'’\s-]/.test(cell));
}

const hasDate = (rows: Sheet["rows"], index: number): boolean => /\d{4}/.test(rows[0].cells[index]);
