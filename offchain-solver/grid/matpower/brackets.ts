import type { Expressions } from "./expressions.ts";
import { isScalar, join } from "./values.ts";
import type { Matrix } from "./values.ts";

/**
 * Reads [ ... ]: rows end with a semicolon or a line, elements are parted by blanks or commas. `lines`: where each row
 * stands. Refused with their line: rows of different lengths, a bracket that is never closed, and commas right between
 * two digits in a row that otherwise has blanks (decimal commas, which would shift every column after them).
 */
export function bracketRows(reader: Expressions): { matrix: Matrix; lines: number[] } {
  const { cursor, scope } = reader;
  const start = cursor.token;
  cursor.expect("[");
  const rows: Matrix[] = [];
  const lines: number[] = [];
  let row: Matrix[] = [];
  let [tight, loose] = ["", false];
  const close = (): void => {
    if (tight !== "" && loose)
      cursor.fail(`${tight} looks like a decimal comma, which would be two columns: write a point`, cursor.last);
    const joined =
      join(row, "beside") ?? cursor.fail("tables of different heights stand beside each other", cursor.last);
    if (joined.cells.length > 0) {
      if (rows.length > 0 && joined.columns !== rows[0].columns)
        cursor.fail(`this row has ${joined.columns} columns, the rows before have ${rows[0].columns}`, cursor.last);
      rows.push(joined);
      for (let k = 0; k < joined.rows; k++) lines.push(cursor.last.line);
    }
    row = [];
    [tight, loose] = ["", false];
  };
  while (!cursor.takes("]")) {
    const { kind, text, spaced } = cursor.token;
    const assignment = text === scope.structure && cursor.next.text === "." && cursor.ahead(3).text === "=";
    if (kind === "end" || text === "=" || assignment) cursor.fail("this [ is never closed", start);
    if (text === "," && kind === "sign") {
      const pair = `${cursor.last.text},${cursor.next.text}`;
      const digits = cursor.last.kind === "number" && cursor.next.kind === "number";
      if (digits && !spaced && !cursor.next.spaced) tight ||= pair;
      cursor.take();
    } else if (cursor.takes(";") || cursor.takes("newline")) close();
    else {
      if (row.length > 0 && cursor.last.text !== ",") loose = true;
      row.push(reader.element());
    }
  }
  close();
  if (rows.every(isScalar))
    return {
      matrix: { kind: "matrix", rows: rows.length, columns: rows.length && 1, cells: rows.flatMap((r) => r.cells) },
      lines,
    };
  return { matrix: join(rows, "below")!, lines };
}
