/** A pandapower network that is no balanced radial feeder, or no network: the table, and what is wrong there. */
export class PandapowerError extends Error {
  override readonly name = "PandapowerError";
}

/** A row of one of pandapower's tables: its index, and its cells by column. */
export type Row = { readonly index: number; readonly cells: Readonly<Record<string, unknown>> };

/** The tables of a network by name; an element that the network has not is an empty table. */
export type Tables = {
  readonly name: string;
  readonly baseMva: number;
  readonly table: (name: string) => readonly Row[];
  readonly names: readonly string[];
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const parsed = (value: unknown): unknown => (typeof value === "string" ? JSON.parse(value) : value);

/** Rows of a data frame in the "split" form in which pandapower writes it. */
function rowsOf(name: string, frame: unknown): Row[] {
  const split = isRecord(frame) ? parsed(frame._object) : undefined;
  const { columns, index, data } = isRecord(split) ? split : {};
  if (!Array.isArray(columns) || !Array.isArray(index) || !Array.isArray(data))
    throw new PandapowerError(`table ${name}: is not written as pandapower.to_json writes it`);
  return data.map((cells: unknown, k): Row => {
    if (!Array.isArray(cells) || !Number.isInteger(index[k]))
      throw new PandapowerError(`table ${name}: row ${k + 1} has no cells, or no whole number as its index`);
    return { index: index[k] as number, cells: Object.fromEntries(columns.map((column, c) => [column, cells[c]])) };
  });
}

/** Takes a network apart (pandapower.to_json). Throws PandapowerError where the text is none. */
export function tablesOf(text: string): Tables {
  let net: unknown;
  try {
    net = JSON.parse(text);
  } catch (error) {
    throw new PandapowerError(`is not JSON: ${(error as Error).message}`);
  }
  const whole = isRecord(net) ? parsed(net._object) : undefined;
  if (!isRecord(whole) || !isRecord(net) || net._class !== "pandapowerNet")
    throw new PandapowerError("is no network as pandapower.to_json writes it");
  const frames = Object.entries(whole).filter(([, value]) => isRecord(value) && value._class === "DataFrame");
  const tables = new Map(
    frames.filter(([name]) => !/^(res_|_)/.test(name)).map(([name, frame]) => [name, rowsOf(name, frame)]),
  );
  const baseMva = typeof whole.sn_mva === "number" && whole.sn_mva > 0 ? whole.sn_mva : 1;
  const name = typeof whole.name === "string" && whole.name !== "" ? whole.name : "pandapower network";
  return { name, baseMva, table: (wanted) => tables.get(wanted) ?? [], names: [...tables.keys()] };
}

/** A cell that must be a number, from `least` on. */
export function numberOf(table: string, { index, cells }: Row, column: string, least = -Infinity): number {
  const value = cells[column];
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw new PandapowerError(
      `table ${table}, index ${index}: ${column} = ${JSON.stringify(value ?? null)}: must be a number${least > -Infinity ? ` from ${least} on` : ""}`,
    );
  return value;
}

/** A cell that may be left out. */
export const numberOr = (table: string, row: Row, column: string, otherwise: number): number =>
  row.cells[column] === null || row.cells[column] === undefined ? otherwise : numberOf(table, row, column);

export const inService = ({ cells }: Row): boolean => cells.in_service !== false && cells.in_service !== 0;
