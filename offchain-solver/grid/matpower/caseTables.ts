import { LARGEST } from "../feeder.ts";
import type { CaseData } from "./interpret.ts";
import { MatpowerError } from "./tokens.ts";
import { isScalar } from "./values.ts";

/** Columns of MATPOWER's tables, from 0 (caseformat.m); `switch` and `storage` as PowerModels and MOST write them. */
export const BUS = { number: 0, type: 1, pd: 2, qd: 3, gs: 4, bs: 5, vm: 7, baseKv: 9, vMax: 11, vMin: 12 } as const;
export const BRANCH = { from: 0, to: 1, r: 2, x: 3, b: 4, rateA: 5, ratio: 8, shift: 9, status: 10 } as const;
export const GEN = { bus: 0, vg: 5, status: 7 } as const;
const DCLINE = { from: 0, to: 1, status: 2 } as const;
const SWITCH = { from: 0, to: 1, state: 4, status: 6 } as const;
const STORAGE_STATUS = 16;

/** What holds no element of the network: prices, areas, names. */
const NO_ELEMENTS = new Set(["gencost", "dclinecost", "areas", "gentype", "genfuel", "bus_name", "branch_name"]);
/** Read elsewhere. */
const READ = new Set(["version", "baseMVA", "bus", "gen", "branch", "dcline", "storage", "switch"]);

export type Row = { readonly cells: readonly number[]; readonly line: number };

/** Rows of a table with at least `columns` columns of numbers. */
export function rowsOf({ fields }: CaseData, table: string, columns: number): Row[] {
  const field = fields.get(table);
  if (field?.value.kind !== "matrix") throw new MatpowerError(1, `the case has no table ${table}`);
  const { rows, columns: found, cells } = field.value;
  if (rows > 0 && found < columns)
    throw new MatpowerError(field.lines[0], `${table} has ${found} columns, version 2 has at least ${columns}`);
  return field.lines.map((line, i) => ({ cells: cells.slice(i * found, (i + 1) * found), line }));
}

export function checkNumber({ cells, line }: Row, column: number, what: string, lowest = -Infinity): number {
  const value = cells[column];
  if (!Number.isFinite(value) || value < lowest)
    throw new MatpowerError(line, `${what} = ${value}${value < lowest ? ` is below ${lowest}` : " is not a number"}`);
  if (Math.abs(value) > LARGEST) throw new MatpowerError(line, `${what} = ${value} is beyond ${LARGEST}`);
  return value;
}

export function refuse(row: Row, column: number, what: string): void {
  const value = row.cells[column];
  if (value !== 0)
    throw new MatpowerError(row.line, `${what} = ${value}: a feeder has none, so the case cannot be imported`);
}

/** `1 branch`, `2 branches`. */
export const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

/**
 * Elements that a feeder has no place for: refused where they are in service, noted where they are not. A table that
 * nobody knows may hold elements too, so it is refused rather than skipped.
 */
export function refuseOtherElements(data: CaseData, notes: string[]): void {
  const leftOut = (
    table: string,
    columns: number,
    inService: (cells: readonly number[]) => string | undefined,
  ): void => {
    const value = data.fields.get(table)?.value;
    if (value === undefined || (value.kind === "matrix" && value.cells.length === 0)) return;
    const rows = rowsOf(data, table, columns);
    for (const { cells, line } of rows) {
      const what = inService(cells);
      if (what !== undefined)
        throw new MatpowerError(line, `${what} is in service: a feeder has none, so the case cannot be imported`);
    }
    notes.push(`${count(rows.length, "row", "rows")} of mpc.${table} out of service left out`);
  };
  leftOut("dcline", 3, (cells) =>
    cells[DCLINE.status] !== 0 ? `the dcline ${cells[DCLINE.from]}-${cells[DCLINE.to]}` : undefined,
  );
  leftOut("storage", 1, (cells) => (cells[STORAGE_STATUS] !== 0 ? `the storage at bus ${cells[0]}` : undefined));
  leftOut("switch", 7, (cells) =>
    cells[SWITCH.status] !== 0 && cells[SWITCH.state] !== 0
      ? `the closed switch ${cells[SWITCH.from]}-${cells[SWITCH.to]}`
      : undefined,
  );
  for (const [name, { value, lines }] of data.fields) {
    if (READ.has(name) || NO_ELEMENTS.has(name)) continue;
    if (value.kind !== "matrix" || isScalar(value)) notes.push(`mpc.${name} left out: it is no table of the format`);
    else if (value.cells.length > 0)
      throw new MatpowerError(
        lines[0],
        `mpc.${name} is no table of the format; take it out if it holds no element of the network`,
      );
  }
  for (const [name, line] of data.cells) {
    if (["bus", "gen", "branch", "dcline", "storage", "switch"].includes(name))
      throw new MatpowerError(line, `mpc.${name} is a cell array; a table of numbers was expected`);
    if (!NO_ELEMENTS.has(name)) notes.push(`the cell array mpc.${name} left out`);
  }
}
