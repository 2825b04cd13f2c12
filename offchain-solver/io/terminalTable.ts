/**
 * Tables that fit the terminal they are printed on: headings break, long cells wrap, and what has no room is named, not
 * cut off.
 */
import Table from "cli-table3";

type Cell = string | number;

export type TableLayout = {
  /** Columns of text, from 0: these run from the left, numbers from the right. */
  readonly text?: readonly number[];
  /** Columns that may be left out where there is no room, the first to go first. */
  readonly spare?: readonly number[];
  /** The column whose cells wrap where there is no room. */
  readonly wrap?: number;
  /** Characters in a line; by default the terminal's, or COLUMNS where there is none, or as many as it takes. */
  readonly width?: number;
};

export function terminalWidth(): number {
  const asked = Number(process.env["COLUMNS"]);
  return process.stdout.columns ?? (Number.isInteger(asked) && asked > 0 ? asked : Infinity);
}

/** Breaks at spaces, and inside a word that is longer than a line. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

function draw(head: readonly string[], rows: readonly (readonly Cell[])[], text: readonly number[]): Table.Table {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, k) => (text.includes(k) ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push([...row]);
  return table;
}

/** @returns the table, and below it the names of the columns that were left out. */
export function terminalTable(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  { text = [], spare = [], wrap, width = terminalWidth() }: TableLayout = {},
): string {
  const broken = head.map((name, k) => wrapped(name, Math.max(8, ...rows.map((row) => `${row[k]}`.length))));
  const wide = draw(head, rows, text);
  if (wide.width <= width) return wide.toString();
  if (wrap !== undefined) {
    const longest = Math.max(...[head, ...rows].map((row) => `${row[wrap]}`.length));
    const room = Math.max(8, width - (wide.width - longest));
    const fold = (row: readonly Cell[]): Cell[] => row.map((cell, k) => (k === wrap ? wrapped(`${cell}`, room) : cell));
    return draw(head, rows.map(fold), text).toString();
  }
  for (let dropped = 0; dropped <= spare.length; dropped++) {
    const gone = spare.slice(0, dropped);
    const kept = head.map((_, k) => k).filter((k) => !gone.includes(k));
    const pick = <T>(row: readonly T[]): T[] => kept.map((k) => row[k]);
    const left = kept.flatMap((k, at) => (text.includes(k) ? [at] : []));
    const table = draw(pick(broken), rows.map(pick), left);
    if (table.width > width && dropped < spare.length) continue;
    if (dropped === 0) return table.toString();
    const names = head.filter((_, k) => gone.includes(k)).join(", ");
    return `${table.toString()}\n${wrapped(`no room for: ${names}`, width)}`;
  }
  return wide.toString();
}
