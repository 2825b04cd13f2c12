import type { Feeder } from "../feeder.ts";
import { FeederSchema, LARGEST, SMALLEST } from "../feeder.ts";
import { orient } from "./branches.ts";
import { BUS, checkNumber, count, GEN, refuse, refuseOtherElements, rowsOf } from "./caseTables.ts";
import type { Row } from "./caseTables.ts";
import { interpret } from "./interpret.ts";
import type { CaseData } from "./interpret.ts";
import { MatpowerError } from "./tokens.ts";
import { isScalar } from "./values.ts";

export { MatpowerError };

/**
 * An imported case. `voltageBasePu` [bus]: what the feeder calls 1, in the case's per unit: the voltage that the case
 * holds its reference bus at, behind the taps of transformers. The feeder's voltage times this is the case's. `notes`
 * say what was done.
 */
export type ImportedCase = {
  readonly feeder: Feeder;
  readonly voltageBasePu: readonly number[];
  readonly notes: readonly string[];
};

const REFERENCE = 3;
const ISOLATED = 4;

/**
 * Imports a radial MATPOWER case (format version 2), unit conversions included. Throws MatpowerError with the line and
 * the reason for cases that are meshed, broken, or hold in service what a feeder does not have (shunts, line charging,
 * dclines, storage, switches, generators away from the reference bus, tables that nobody knows).
 *
 * Rules: what is out of service is left out; branches are turned to point away from the reference bus, which comes
 * first; a rating of 0, Inf or a terawatt is unlimited (null); the voltage of the reference and taps become the voltage
 * base, which changes no power flow; of several generators at the reference the last sets its voltage, as in MATPOWER's
 * runpf; negative loads stay negative base loads.
 */
export function importMatpower(text: string, fallbackName = "case"): ImportedCase {
  const data = interpret(text);
  checkVersion(data);
  const baseMva = baseOf(data);
  const notes: string[] = [];
  refuseOtherElements(data, notes);
  const buses = busRows(data, notes);
  const rootVoltagePu = rootVoltage(data, buses, notes);
  const { branches, voltageBase } = orient(rowsOf(data, "branch", 11), buses, rootVoltagePu, notes);
  const voltageBasePu = buses.map(({ cells }) => voltageBase.get(cells[BUS.number])!);
  const name = data.name ?? fallbackName;
  const feeder: Feeder = {
    name,
    source: sourceOf(text, name),
    baseMva,
    baseKv: checkNumber(buses[0], BUS.baseKv, "baseKV of the reference bus", 1e-9) * rootVoltagePu,
    buses: buses.map((row, i) => busOf(row, voltageBasePu[i], i === 0, notes)),
    branches: branches.map((branch) => ({ ...branch })),
  };
  if (rootVoltagePu !== 1)
    notes.push(
      `bus ${feeder.buses[0].bus} is held at ${rootVoltagePu} p.u.: voltages are per unit of that, ${feeder.baseKv} kV`,
    );
  return { feeder: checked(feeder), voltageBasePu, notes };
}

/**
 * Taps multiply down the tree and impedances go with their squares: what came of figures that were sound one by one.
 */
function checked(feeder: Feeder): Feeder {
  const { data, error } = FeederSchema.safeParse(feeder);
  if (data !== undefined) return data;
  const [{ path, message }] = error.issues;
  const value = path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)[key], feeder);
  throw new MatpowerError(1, `the feeder would have ${path.join(".")} = ${value}: ${message}`);
}

function checkVersion({ fields }: CaseData): void {
  const version = fields.get("version");
  if (version === undefined) throw new MatpowerError(1, "the case does not say mpc.version = '2'");
  const { value, lines } = version;
  const said = value.kind === "text" ? value.text : value.kind === "matrix" ? String(value.cells[0]) : "";
  if (said.trim() !== "2")
    throw new MatpowerError(lines[0] ?? 1, `only case format version 2 can be read, not ${JSON.stringify(said)}`);
}

function baseOf({ fields }: CaseData): number {
  const base = fields.get("baseMVA");
  const baseMva = base?.value.kind === "matrix" && isScalar(base.value) ? base.value.cells[0] : NaN;
  if (!(baseMva >= SMALLEST && baseMva <= LARGEST))
    throw new MatpowerError(
      base?.lines[0] ?? 1,
      `baseMVA = ${baseMva}: must be a number from ${SMALLEST} to ${LARGEST}`,
    );
  return baseMva;
}

function busOf(row: Row, voltageBase: number, isRoot: boolean, notes: string[]): Feeder["buses"][number] {
  const bus = row.cells[BUS.number];
  const [loadMw, loadMvar] = [checkNumber(row, BUS.pd, "Pd"), checkNumber(row, BUS.qd, "Qd")];
  const [low, high] = [checkNumber(row, BUS.vMin, "Vmin", 1e-9), checkNumber(row, BUS.vMax, "Vmax", 1e-9)];
  if (low > high) throw new MatpowerError(row.line, `bus ${bus}: Vmin = ${low} is above Vmax = ${high}`);
  // The root is held at its voltage; anywhere else a band of one point can be met by no flow.
  if (low === high && !isRoot)
    throw new MatpowerError(row.line, `bus ${bus}: Vmin = Vmax = ${low}: no power can flow between such limits`);
  if (!isRoot && (voltageBase < low || voltageBase > high))
    notes.push(`bus ${bus}: without flows its voltage is ${voltageBase}, outside its limits ${low} to ${high}`);
  if (loadMw < 0 || loadMvar < 0)
    notes.push(`bus ${bus} injects: base load ${loadMw} MW, ${loadMvar} Mvar kept as it is`);
  if (isRoot && (loadMw !== 0 || loadMvar !== 0))
    notes.push(`the load of the reference bus ${bus} is above the feeder: it flows through no branch`);
  return { bus, loadMw, loadMvar, vMinPu: low / voltageBase, vMaxPu: high / voltageBase };
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
    if (![1, 2, REFERENCE, ISOLATED].includes(row.cells[BUS.type]))
      throw new MatpowerError(row.line, `bus ${number}: type = ${row.cells[BUS.type]} is none of 1, 2, 3, 4`);
    if (row.cells[BUS.type] === ISOLATED) continue;
    refuse(row, BUS.gs, `the shunt Gs of bus ${number}`);
    refuse(row, BUS.bs, `the shunt Bs of bus ${number}`);
  }
  const connected = rows.filter(({ cells }) => cells[BUS.type] !== ISOLATED);
  if (connected.length < rows.length)
    notes.push(`${count(rows.length - connected.length, "isolated bus", "isolated buses")} (type 4) left out`);
  const references = connected.filter(({ cells }) => cells[BUS.type] === REFERENCE);
  if (references.length === 0) throw new MatpowerError(rows[0]?.line ?? 1, "no bus is the reference (type 3)");
  if (references.length > 1)
    throw new MatpowerError(
      references[1].line,
      `there are ${references.length} reference buses (${references.map(({ cells }) => cells[BUS.number]).join(", ")}); a feeder has one root`,
    );
  return [references[0], ...connected.filter((row) => row !== references[0])];
}

/** What the generators at the reference bus hold it at; any other generator in service is refused. */
function rootVoltage(data: CaseData, buses: readonly Row[], notes: string[]): number {
  const root = buses[0].cells[BUS.number];
  const numbers = new Set(rowsOf(data, "bus", 13).map(({ cells }) => cells[BUS.number]));
  const connected = new Set(buses.map(({ cells }) => cells[BUS.number]));
  const rows = data.fields.has("gen") ? rowsOf(data, "gen", 10) : [];
  const isIsolated = (bus: number): boolean => numbers.has(bus) && !connected.has(bus);
  const working = rows.filter(({ cells }) => cells[GEN.status] > 0 && !isIsolated(cells[GEN.bus]));
  for (const { cells, line } of working) {
    const bus = cells[GEN.bus];
    if (bus === root) continue;
    if (!connected.has(bus)) throw new MatpowerError(line, `a generator at bus ${bus}, which is not in the table bus`);
    throw new MatpowerError(
      line,
      `a generator at bus ${bus}, away from the reference bus ${root}: a feeder has none; let a prosumer own it`,
    );
  }
  if (working.length < rows.length)
    notes.push(`${count(rows.length - working.length, "generator", "generators")} out of service left out`);
  const held = working.map((row) => checkNumber(row, GEN.vg, "Vg", 1e-9));
  if (held.length === 0) {
    const voltage = checkNumber(buses[0], BUS.vm, "Vm", 1e-9);
    notes.push(`no generator in service at the reference bus ${root}: held at its Vm = ${voltage}`);
    return voltage;
  }
  const last = held.at(-1)!;
  if (held.some((voltage) => voltage !== last))
    notes.push(
      `generators at bus ${root} set ${held.join(", ")} p.u.: the last one holds, ${last}, as in MATPOWER's runpf`,
    );
  return last;
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
