import { CsvError, parse } from "csv-parse/sync";
import { InputError } from "../io/inputError.ts";
import { stampMs } from "./stamps.ts";

/** `number`: finite. `stamp`: ISO 8601, kept as milliseconds since 1970. `text`: as it stands, never blank. */
export type Kind = "number" | "stamp" | "text";

/** What a table must hold, and may. */
export type TableSpec = {
  /** Columns that must be there, by name. */
  readonly columns: Readonly<Record<string, Kind>>;
  /** What all other columns are; absent: there may be none. */
  readonly others?: Kind;
  /** Minutes east of UTC of stamps that do not say their zone; absent: such stamps are refused. */
  readonly offsetMinutes?: number;
};

/** A table by columns, all of the same length. */
export type Table = {
  readonly name: string;
  /** [row] the line of the file it stands in, from 1. */
  readonly lines: readonly number[];
  /** Numbers, and stamps in ms, by column, in the order of the file. */
  readonly numbers: ReadonlyMap<string, Float64Array>;
  readonly texts: ReadonlyMap<string, readonly string[]>;
};

/** A line of a table as it stands: its cells, trimmed, and its number in the file, from 1. */
export type Row = { readonly cells: readonly string[]; readonly line: number };

const DELIMITERS = [",", ";", "\t"] as const;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const COMMA_NUMBER = /^[+-]?\d+,\d+$/;
/** 1,234 may be a thousand and more, or one and a fraction. */
const AMBIGUOUS = /^[+-]?[1-9]\d{0,2},\d{3}$/;

/** One complaint about a cell: `file: line 3: column = "value": reason`. */
export function cellComplaint(name: string, line: number, column: string, value: string, reason: string): InputError {
  const shown = JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  return new InputError(`${name}: line ${line}: ${column} = ${shown}: ${reason}`);
}

/**
 * Reads a table of comma, semicolon or tab separated values with a line of column names (RFC 4180, with or without a
 * byte order mark, lines ended either way, lines from # on are comments). `name` stands in messages, mostly the file.
 *
 * Nothing is guessed: a blank cell, a word among numbers, a row longer or shorter than the head, a repeated, unknown or
 * missing column and an empty table are refused with line and column. Decimal commas are read where commas do not part
 * columns and some number of the file shows them beyond doubt. Throws InputError.
 */
export function readTable(text: string, name: string, spec: TableSpec): Table {
  const [head, ...rows] = rowsOf(text, name);
  if (head === undefined) throw new InputError(`${name}: the file is empty; its first line must name the columns`);
  const columns = checkHead(head, name, spec);
  if (rows.length === 0) throw new InputError(`${name}: line ${head.line}: no rows follow the names of the columns`);
  for (const { cells, line } of rows)
    if (cells.length !== columns.length)
      throw new InputError(
        `${name}: line ${line}: ${cells.length} cells, but ${columns.length} columns (${columns.join(", ")}): ` +
          "a decimal comma, or a comma inside a text, must stand in quotes",
      );
  const kindOf = (column: string): Kind =>
    Object.hasOwn(spec.columns, column) ? spec.columns[column] : (spec.others ?? "text");
  const decimal = decimalSign(rows, columns, kindOf, name);
  const numbers = new Map<string, Float64Array>();
  const texts = new Map<string, readonly string[]>();
  columns.forEach((column, c) => {
    const kind = kindOf(column);
    const fail = ({ cells, line }: Row, reason: string): never => {
      throw cellComplaint(name, line, column, cells[c], reason);
    };
    const read = (row: Row): number => {
      const cell = row.cells[c];
      if (cell === "") fail(row, "is blank: a value was expected, and blank is not zero");
      const value = kind === "stamp" ? stampMs(cell, spec.offsetMinutes) : numberIn(cell, decimal);
      return typeof value === "number" ? value : fail(row, value);
    };
    if (kind !== "text") numbers.set(column, Float64Array.from(rows, read));
    else
      texts.set(
        column,
        rows.map((row) => row.cells[c] || fail(row, "is blank: a text was expected")),
      );
  });
  return { name, lines: rows.map(({ line }) => line), numbers, texts };
}

/** The file's rows that are not empty, head first, cut at the delimiter that the head has. Throws InputError. */
export function rowsOf(text: string, name: string): Row[] {
  if (text.includes("\0")) throw new InputError(`${name}: is no UTF-8 text: save it as CSV UTF-8`);
  const lines = text.replace("\uFEFF", "").split(/\r\n?|\n/);
  const at = lines.findIndex((line) => line.trim() !== "" && !line.startsWith("#"));
  const head = (lines[at] ?? "").replaceAll(/"[^"]*"/g, "");
  const present = DELIMITERS.filter((delimiter) => head.includes(delimiter));
  if (present.length > 1) {
    const all = present.map((one) => JSON.stringify(one)).join(" and ");
    throw new InputError(`${name}: line ${at + 1}: names parted by ${all}: one of them was expected`);
  }
  try {
    const records = parse(text, {
      bom: true,
      delimiter: present[0] ?? ",",
      trim: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      comment: "#",
      comment_no_infix: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new InputError(`${name}: line ${Number(error.lines)}: ${error.message.toLowerCase()}`);
  }
}

function checkHead({ cells, line }: Row, name: string, { columns, others }: TableSpec): readonly string[] {
  const fail = (reason: string): never => {
    throw new InputError(`${name}: line ${line}: ${reason}`);
  };
  cells.forEach((cell, c) => {
    if (cell === "") fail(`column ${c + 1} has no name`);
    if (NUMBER.test(cell)) fail(`column ${c + 1} = ${JSON.stringify(cell)}: the first line must name the columns`);
    if (cells.indexOf(cell) < c)
      fail(`column ${c + 1} = ${JSON.stringify(cell)}: column ${cells.indexOf(cell) + 1} has this name`);
    if (!Object.hasOwn(columns, cell) && others === undefined)
      fail(`column ${c + 1} = ${JSON.stringify(cell)}: unknown; known: ${Object.keys(columns).join(", ")}`);
  });
  const missing = Object.keys(columns).find((column) => !cells.includes(column));
  if (missing !== undefined) fail(`there is no column ${missing}; there are: ${cells.join(", ")}`);
  if (others !== undefined && cells.length === Object.keys(columns).length)
    fail(`there is no column beside ${cells.join(", ")}`);
  return cells;
}

/**
 * A comma is the decimal sign of a file that has it in a number beyond doubt: 0,5 or 12,34 but not 1,234. Both signs in
 * one file, and a comma in doubt, are refused.
 */
export function decimalSign(
  rows: readonly Row[],
  columns: readonly string[],
  kindOf: (column: string) => Kind,
  name: string,
): "." | "," {
  type Found = { readonly line: number; readonly column: string; readonly cell: string };
  const first: Partial<Record<"point" | "comma" | "doubt", Found>> = {};
  const found = (what: "point" | "comma" | "doubt", line: number, c: number, cell: string): void => {
    first[what] ??= { line, column: columns[c], cell };
  };
  const numeric = columns.flatMap((column, c) => (kindOf(column) === "number" ? [c] : []));
  if (!rows.some(({ cells }) => numeric.some((c) => cells[c].includes(",")))) return ".";
  for (const { cells, line } of rows)
    for (const c of numeric) {
      if (COMMA_NUMBER.test(cells[c])) found(AMBIGUOUS.test(cells[c]) ? "doubt" : "comma", line, c, cells[c]);
      else if (cells[c].includes(".") && NUMBER.test(cells[c])) found("point", line, c, cells[c]);
    }
  const comma = first.comma ?? first.doubt;
  const { point } = first;
  if (comma !== undefined && (point !== undefined || first.comma === undefined)) {
    const beside = point && `; line ${point.line} has ${point.column} = ${JSON.stringify(point.cell)}`;
    const reason = `is this a decimal comma? Write a decimal point${beside ?? ""}`;
    throw cellComplaint(name, comma.line, comma.column, comma.cell, reason);
  }
  return comma === undefined ? "." : ",";
}

/** Marks between thousands, which are decimal signs elsewhere: nobody guesses. */
const THOUSANDS = /^[+-]?\d{1,3}(?:([.,'’\s])\d{3})(?:\1\d{3})*(?:[.,]\d+)?$/;

/** 1.234 may be a thousand and more where things are counted one by one. */
export const mayBeThousands = (cell: string): boolean => /^[+-]?[1-9]\d{0,2}\.\d{3}$/.test(cell);

/**
 * The first row of a column in which a point may be a mark between thousands, and in all others too; undefined where
 * some value tells: decimals that are not three, a zero before them, or thousands without a mark.
 */
export function thousandsInDoubt(rows: readonly Row[], column: number): Row | undefined {
  let doubt: Row | undefined;
  for (const row of rows) {
    const cell = row.cells[column];
    if (mayBeThousands(cell)) doubt ??= row;
    else if (NUMBER.test(cell) && /\.|\d{4}/.test(cell)) return undefined;
  }
  return doubt;
}

/** What is wrong with such a value. */
export const IN_DOUBT =
  "is its point a decimal sign or a mark between thousands? No value of the column tells: write it without marks, or with other than three decimals";

/** The number that a cell holds, or the reason why it is none. */
export function numberIn(cell: string, decimal: "." | ","): number | string {
  const point = decimal === "," && COMMA_NUMBER.test(cell) ? cell.replace(",", ".") : cell;
  const value = NUMBER.test(point) ? Number(point) : NaN;
  if (Number.isFinite(value)) return value;
  return THOUSANDS.test(cell) ? "is not a number: no marks between thousands are read" : "is not a number";
}
