import { InputError } from "../../io/inputError.ts";
import { readBytes, readText } from "../../io/readJson.ts";
import { mayBeThousands, rowsOf, type Row } from "../table.ts";

/** A table as it stands in a file: names of columns, and rows of text. */
export type Sheet = {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
};

/**
 * Excel counts days from 1899-12-30; what it calls a date carries no zone. Of a cell that shows a date alone, or a time
 * of day alone, it is that: the other stands in a column of its own.
 */
function dateText(date: Date, format: string | undefined): string {
  const text = new Date(Math.round(date.getTime() / 1000) * 1000).toISOString().slice(0, 19).replace("T", " ");
  const [day, time] = text.split(" ");
  // Words in quotes and a language in brackets are no part of the form; m is a month beside days and years.
  const shown = format?.replaceAll(/"[^"]*"|\[\$[^\]]*\]|\\./g, "") ?? "";
  if (/[dy]/i.test(shown) && !/[hs]/i.test(shown) && time === "00:00:00") return day;
  return /h/i.test(shown) && !/[dy]/i.test(shown) ? time.replace(/:00$/, "") : text;
}

/** A number has no marks between thousands: where its decimals could be taken for those, there is one more. */
function numberText(value: number): string {
  const text = String(value);
  return mayBeThousands(text) ? `${text}0` : text;
}

/** What people see in a cell. Throws InputError on a formula that failed, or whose result nobody has written down. */
function cellText(file: string, line: number, value: unknown, format?: string): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return dateText(value, format);
  if (typeof value === "number") return numberText(value);
  if (typeof value !== "object") return String(value).trim();
  const cell = value as { result?: unknown; error?: unknown; text?: unknown; richText?: { text: string }[] };
  if (cell.error !== undefined) throw new InputError(`${file}: line ${line}: a cell holds ${String(cell.error)}`);
  if (cell.richText !== undefined)
    return cell.richText
      .map(({ text }) => text)
      .join("")
      .trim();
  if (("formula" in cell || "sharedFormula" in cell) && (cell.result === undefined || cell.result === null))
    throw new InputError(`${file}: line ${line}: a formula has no result: open the workbook in Excel and save it`);
  return cellText(file, line, "result" in cell ? cell.result : cell.text, format);
}

/** The first sheet of a workbook, rows that are not empty. */
async function workbookRows(file: string): Promise<Row[]> {
  const { default: excel } = await import("exceljs");
  const workbook = new excel.Workbook();
  const bytes = readBytes(file);
  try {
    await workbook.xlsx.load(bytes as never);
  } catch {
    // Whatever a damaged archive makes of the library.
    throw new InputError(`${file}: is no Excel workbook (.xlsx), or a damaged one`);
  }
  const [sheet] = workbook.worksheets;
  if (sheet === undefined) throw new InputError(`${file}: the workbook has no sheet`);
  const rows: Row[] = [];
  sheet.eachRow((row, line) => {
    const cells = Array.from({ length: sheet.columnCount }, (_, c) => {
      const cell = row.getCell(c + 1);
      // Of cells that are merged the first one holds what is seen; the others are no copies of it.
      return cell.isMerged && cell.master !== cell ? "" : cellText(file, line, cell.value, cell.numFmt);
    });
    if (cells.some((cell) => cell !== "")) rows.push({ cells, line });
  });
  return rows;
}

/** Lines above the head are left empty, so that the lines below keep their numbers. */
const withoutPreamble = (text: string, headLine: number): string =>
  text
    .split("\n")
    .map((line, k) => (k < headLine - 1 ? "" : line))
    .join("\n");

/**
 * Where lines of a preamble are taken for names: the first row of the width that the rest of the file has, and full.
 * Portals give a preamble's lines as many separators.
 */
function headFurther(rows: readonly Row[], width: number): string | undefined {
  const last = rows.at(-1)?.cells.length ?? 0;
  const isFull = ({ cells }: Row): boolean => cells.filter((cell) => cell !== "").length >= last - 1;
  const head = rows.find((row) => row.cells.length === last && isFull(row));
  if (head === undefined || last <= width || rows.at(-1) === head) return undefined;
  return `do the names of the columns stand in line ${head.line}? Then write headLine: ${head.line} under series in community.yaml`;
}

/**
 * Reads a table from CSV (comma, semicolon or tab, with or without byte order mark, lines ended either way) or from the
 * first sheet of an Excel workbook. Its names of columns stand in line `headLine`; columns without name and without
 * values, which portals leave at the end, are dropped. Throws InputError naming file and line.
 */
export async function readSheet(file: string, headLine = 1): Promise<Sheet> {
  const all = /\.xlsx$/i.test(file)
    ? (await workbookRows(file)).filter(({ line }) => line >= headLine)
    : rowsOf(withoutPreamble(readText(file, "latin1"), headLine), file);
  const [head, ...rows] = all;
  if (head === undefined) throw new InputError(`${file}: the file is empty; a line must name the columns`);
  if (rows.length === 0) throw new InputError(`${file}: line ${head.line}: no rows follow the names of the columns`);
  const last = head.cells.findLastIndex((cell) => cell !== "");
  const columns = head.cells.slice(0, last + 1);
  const blank = columns.indexOf("");
  if (blank >= 0) throw new InputError(`${file}: line ${head.line}: column ${blank + 1} has no name`);
  const twice = columns.find((name, c) => columns.indexOf(name) < c);
  if (twice !== undefined) throw new InputError(`${file}: line ${head.line}: there are two columns ${twice}`);
  const cut = rows.map(({ cells, line }): Row => {
    if (cells.slice(columns.length).some((cell) => cell !== "") || cells.length < columns.length)
      throw new InputError(
        `${file}: line ${line}: ${cells.length} cells, but ${columns.length} columns (${columns.join(", ")}): ` +
          (headFurther(rows, columns.length) ?? "a decimal comma between commas must stand in quotes"),
      );
    return { cells: cells.slice(0, columns.length), line };
  });
  return { file, columns, rows: cut };
}
