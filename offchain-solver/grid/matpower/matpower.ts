import type { Feeder } from "../feeder.ts";
import { FeederSchema } from "../feeder.ts";
import { defaultRatings } from "../linDistFlow.ts";
import { interpret } from "./interpret.ts";
import type { CaseData } from "./interpret.ts";
import { MatpowerError } from "./tokens.ts";
import { topologyOf } from "../topology.ts";

export { MatpowerError };

/**
 * An imported case. `rootVoltagePu` is what the case holds its reference bus at: the feeder's own per-unit voltages are
 * relative to it (its root is at 1), so a voltage times this is in the case's per unit. `notes` say what was done.
 */
export type ImportedCase = {
  readonly feeder: Feeder;
  readonly rootVoltagePu: number;
  readonly notes: readonly string[];
};

const BUS = { number: 0, type: 1, pd: 2, qd: 3, gs: 4, bs: 5, vm: 7, baseKv: 9, vMax: 11, vMin: 12 } as const;
const BRANCH = { from: 0, to: 1, r: 2, x: 3, b: 4, rateA: 5, ratio: 8, status: 10 } as const;
const GEN = { bus: 0, pg: 1, qg: 2, vg: 5, status: 7 } as const;
const REFERENCE = 3;
const ISOLATED = 4;

type Row = { readonly cells: readonly number[]; readonly line: number };

/** Rows of a table with at least `columns` columns of numbers. */
function rowsOf({ fields }: CaseData, table: string, columns: number): Row[] {
  const field = fields.get(table);
  if (field?.value.kind !== "matrix") throw new MatpowerError(1, `the case has no table ${table}`);
  const { rows, columns: found, cells } = field.value;
  if (rows > 0 && found < columns)
    throw new MatpowerError(field.lines[0], `${table} has ${found} columns, version 2 has at least ${columns}`);
  return field.lines.map((line, i) => ({ cells: cells.slice(i * found, (i + 1) * found), line }));
}

function checkNumber({ cells, line }: Row, column: number, what: string, lowest = -Infinity): number {
  const value = cells[column];
  if (!Number.isFinite(value) || value < lowest)
    throw new MatpowerError(line, `${what} = ${value}${value < lowest ? ` is below ${lowest}` : " is not a number"}`);
  return value;
}

function refuse(row: Row, column: number, what: string): void {
  const value = row.cells[column];
  if (value !== 0)
    throw new MatpowerError(row.line, `${what} = ${value}: a feeder has none, so the case cannot be imported`);
}

/**
 * Imports a radial MATPOWER case (format version 2), trailing unit conversions included. Throws MatpowerError with the
 * line and the reason for cases that are meshed, broken, or hold what a feeder does not have (shunts, line charging, taps,
 * generators away from the reference bus).
 *
 * Rules: branches out of service (status 0) are left out; branches are turned to point away from the reference bus, which
 * comes first; a rating of 0 becomes 1.25 x the base-load LinDistFlow flow, rounded up to 0.01, at least 0.3 MVA; a
 * reference voltage other than 1 becomes the new voltage base, which changes no power flow.
 */
export function importMatpower(text: string, fallbackName = "case"): ImportedCase {
  const data = interpret(text);
  const version = data.fields.get("version")?.value;
  if (version === undefined) throw new MatpowerError(1, "the case does not say mpc.version = '2'");
  if ((version.kind === "text" ? version.text : version.kind === "matrix" ? String(version.cells[0]) : "") !== "2")
    throw new MatpowerError(data.fields.get("version")!.lines[0], "only case format version 2 can be read");
  const base = data.fields.get("baseMVA");
  const baseMva = base?.value.kind === "matrix" ? base.value.cells[0] : NaN;
  if (!(baseMva > 0 && baseMva < Infinity)) throw new MatpowerError(base?.lines[0] ?? 1, `baseMVA = ${baseMva}`);

  const notes: string[] = [];
  const buses = busRows(data, notes);
  const root = buses[0].cells[BUS.number];
  const rootVoltagePu = rootVoltage(data, buses[0]);
  const branches = orient(rowsOf(data, "branch", 11), buses, notes);
  const square = rootVoltagePu * rootVoltagePu;
  const name = data.name ?? fallbackName;
  const raw: Feeder = {
    name,
    source: sourceOf(text, name),
    baseMva,
    baseKv: checkNumber(buses[0], BUS.baseKv, "baseKV of the reference bus", 1e-9) * rootVoltagePu,
    buses: buses.map((row) => ({
      bus: row.cells[BUS.number],
      loadMw: checkNumber(row, BUS.pd, "Pd"),
      loadMvar: checkNumber(row, BUS.qd, "Qd"),
      vMinPu: checkNumber(row, BUS.vMin, "Vmin", 1e-9) / rootVoltagePu,
      vMaxPu: checkNumber(row, BUS.vMax, "Vmax", 1e-9) / rootVoltagePu,
    })),
    branches: branches.map(({ row, from, to }) => ({
      from,
      to,
      rPu: checkNumber(row, BRANCH.r, "r", 0) / square,
      xPu: checkNumber(row, BRANCH.x, "x", 0) / square,
      ratingMva: checkNumber(row, BRANCH.rateA, "rateA", 0) || null,
    })),
  };
  if (rootVoltagePu !== 1)
    notes.push(`bus ${root} is held at ${rootVoltagePu} p.u.: voltages are per unit of that, ${raw.baseKv} kV`);
  return { feeder: FeederSchema.parse(withRatings(raw, notes)), rootVoltagePu, notes };
}

function withRatings(feeder: Feeder, notes: string[]): Feeder {
  const ratings = defaultRatings(feeder, topologyOf(feeder));
  const unrated = feeder.branches.filter(({ ratingMva }) => ratingMva === null).length;
  if (unrated > 0) notes.push(`${unrated} unrated branches: 1.25 x base-load flow, at least 0.3 MVA`);
  return {
    ...feeder,
    branches: feeder.branches.map((branch, k) => ({ ...branch, ratingMva: branch.ratingMva ?? ratings[k] })),
  };
}

/** Buses in the order of the file, the reference first, isolated ones (type 4) left out. */
function busRows(data: CaseData, notes: string[]): Row[] {
  const rows = rowsOf(data, "bus", 13);
  const seen = new Map<number, number>();
  for (const row of rows) {
    const number = checkNumber(row, BUS.number, "bus number", 1);
    if (!Number.isInteger(number)) throw new MatpowerError(row.line, `bus number = ${number} is not a whole number`);
    if (seen.has(number))
      throw new MatpowerError(row.line, `bus ${number} was given in line ${seen.get(number)} already`);
    seen.set(number, row.line);
    refuse(row, BUS.gs, `the shunt Gs of bus ${number}`);
    refuse(row, BUS.bs, `the shunt Bs of bus ${number}`);
  }
  const connected = rows.filter(({ cells }) => cells[BUS.type] !== ISOLATED);
  if (connected.length < rows.length) notes.push(`${rows.length - connected.length} isolated buses (type 4) left out`);
  const references = connected.filter(({ cells }) => cells[BUS.type] === REFERENCE);
  if (references.length === 0) throw new MatpowerError(rows[0]?.line ?? 1, "no bus is the reference (type 3)");
  if (references.length > 1)
    throw new MatpowerError(
      references[1].line,
      `there are ${references.length} reference buses (${references.map(({ cells }) => cells[BUS.number]).join(", ")}); a feeder has one root`,
    );
  return [references[0], ...connected.filter((row) => row !== references[0])];
}

/** What the generator at the reference bus holds it at; any other generator in service is refused. */
function rootVoltage(data: CaseData, root: Row): number {
  const number = root.cells[BUS.number];
  const working = data.fields.has("gen") ? rowsOf(data, "gen", 10).filter(({ cells }) => cells[GEN.status] > 0) : [];
  for (const row of working) {
    if (row.cells[GEN.bus] === number) continue;
    throw new MatpowerError(
      row.line,
      `a generator at bus ${row.cells[GEN.bus]}, away from the reference bus ${number}: a feeder has none; let a prosumer own it`,
    );
  }
  return working.length > 0 ? checkNumber(working[0], GEN.vg, "Vg", 1e-9) : checkNumber(root, BUS.vm, "Vm", 1e-9);
}

type Oriented = { readonly row: Row; readonly from: number; readonly to: number };

/** Branches in service, in the order of the file, each turned to point away from the root. Refuses cycles and islands. */
function orient(rows: readonly Row[], buses: readonly Row[], notes: string[]): Oriented[] {
  const touching = new Map<number, Row[]>(buses.map(({ cells }) => [cells[BUS.number], []]));
  const inService = rows.filter(({ cells }) => cells[BRANCH.status] !== 0);
  const ends = ({ cells }: Row): [number, number] => [cells[BRANCH.from], cells[BRANCH.to]];
  for (const row of inService) {
    const between = `branch ${ends(row).join("-")}`;
    for (const bus of ends(row)) {
      if (!touching.has(bus))
        throw new MatpowerError(row.line, `${between}: there is no bus ${bus} that is not isolated`);
      touching.get(bus)!.push(row);
    }
    refuse(row, BRANCH.b, `the charging b of ${between}`);
    if (row.cells[BRANCH.ratio] !== 1) refuse(row, BRANCH.ratio, `the tap ratio of ${between}`);
  }
  const root = buses[0].cells[BUS.number];
  const reached = new Set([root]);
  const away = new Map<Row, Oriented>();
  const queue = [root];
  for (const from of queue) {
    for (const row of touching.get(from)!) {
      if (away.has(row)) continue;
      const [a, b] = ends(row);
      const to = a === from ? b : a;
      if (reached.has(to))
        throw new MatpowerError(row.line, `branch ${a}-${b} closes a cycle: the case is meshed, a feeder is radial`);
      reached.add(to);
      away.set(row, { row, from, to });
      queue.push(to);
    }
  }
  const island = buses.find(({ cells }) => !reached.has(cells[BUS.number]));
  if (island)
    throw new MatpowerError(
      island.line,
      `bus ${island.cells[BUS.number]} cannot be reached from the reference bus ${root} by branches in service`,
    );
  const out = rows.length - inService.length;
  if (out > 0) notes.push(`${out} branches out of service left out`);
  const oriented = inService.map((row) => away.get(row)!);
  const turned = oriented.filter(({ row, from }) => row.cells[BRANCH.from] !== from).length;
  if (turned > 0) notes.push(`${turned} branches turned to point away from bus ${root}`);
  return oriented;
}

/** The paper a case names: the comment from "Data from" to the next empty line, else the first comment. */
function sourceOf(text: string, name: string): string {
  const comments = text.split(/\r?\n/).filter((line) => /^\s*%/.test(line));
  const lines = comments.map((line) => line.replace(/^\s*%+\s*/, "").trim());
  const start = lines.findIndex((line) => /^(data|derived) .*from\b|^from\b|^data:/i.test(line));
  const end = lines.indexOf("", start);
  const paper = start < 0 ? lines[0] : lines.slice(start, end < 0 ? start + 6 : end).join(" ");
  return `MATPOWER ${name}. ${paper ?? ""}`.trim().slice(0, 600);
}
