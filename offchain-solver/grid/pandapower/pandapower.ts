import { FeederSchema, UNLIMITED_MVA, type Feeder } from "../feeder.ts";
import { edgesOf, type Edge } from "./branches.ts";
import { inService, numberOf, numberOr, PandapowerError, tablesOf, type Row, type Tables } from "./tables.ts";

export { PandapowerError };

/** An imported network; `busNamed`: the feeder's number of a bus by its name in pandapower. */
export type ImportedNetwork = {
  readonly feeder: Feeder;
  readonly busNamed: ReadonlyMap<string, number>;
  /** Names that several buses have, and which name none. */
  readonly ambiguous: ReadonlySet<string>;
  readonly notes: readonly string[];
};

/** What a feeder has no place for, and what members bring themselves. */
const REFUSED = [
  "gen",
  "trafo3w",
  "impedance",
  "ward",
  "xward",
  "dcline",
  "shunt",
  "svc",
  "tcsc",
  "ssc",
  "vsc",
  "b2b_vsc",
];
const OF_MEMBERS = ["sgen", "storage", "asymmetric_load", "asymmetric_sgen", "motor"];
const VOLTAGE_BAND = [0.9, 1.1] as const;

/**
 * Imports a balanced radial network that pandapower.to_json wrote: buses, lines, two-winding transformers with taps,
 * switches, one external grid, which becomes the root. Throws PandapowerError with table and index for what is meshed,
 * in pieces, unbalanced or in service and of no feeder.
 *
 * A transformer's ratio and tap become the voltage base of everything below it, as in a MATPOWER case; a voltage band
 * that is not given is 0.9 to 1.1. Generators and storage that members own are left out, and noted. Bus numbers are
 * pandapower's index, plus 1 where that starts at 0.
 */
export function importPandapower(text: string): ImportedNetwork {
  const tables = tablesOf(text);
  const notes: string[] = [];
  for (const name of REFUSED) {
    const row = tables.table(name).find(inService);
    if (row !== undefined)
      throw new PandapowerError(`table ${name}, index ${row.index}: is in service, and no part of a feeder`);
  }
  for (const name of OF_MEMBERS) {
    const count = tables.table(name).filter(inService).length;
    if (count > 0) notes.push(`${count} of ${name} left out: members own them`);
  }
  const buses = tables.table("bus").filter(inService);
  const shift = buses.some(({ index }) => index === 0) ? 1 : 0;
  if (shift > 0) notes.push("bus numbers are pandapower's index plus 1");
  const kvOf = new Map(buses.map((row) => [row.index, numberOf("bus", row, "vn_kv", 1e-9)]));
  const grids = tables.table("ext_grid").filter(inService);
  if (grids.length !== 1)
    throw new PandapowerError(`table ext_grid: there are ${grids.length} in service: a feeder has one root`);
  const root = numberOf("ext_grid", grids[0], "bus");
  if (!kvOf.has(root))
    throw new PandapowerError(`table ext_grid, index ${grids[0].index}: bus = ${root}: is no bus in service`);
  const rootPu = numberOr("ext_grid", grids[0], "vm_pu", 1);
  const tree = orient(edgesOf(tables, kvOf, notes), root, rootPu);
  const cut = buses.find(({ index }) => !tree.basePu.has(index));
  if (cut !== undefined)
    throw new PandapowerError(`table bus, index ${cut.index}: nothing in service connects it to the external grid`);
  const rows = [buses.find(({ index }) => index === root)!, ...buses.filter(({ index }) => index !== root)];
  const feeder: Feeder = {
    name: tables.name,
    source: `pandapower network ${tables.name}`,
    baseMva: tables.baseMva,
    baseKv: kvOf.get(root)! * rootPu,
    buses: rows.map((row) => busOf(tables, row, tree.basePu.get(row.index)!, shift)),
    branches: tree.branches.map(({ from, to, ...rest }) => ({ from: from + shift, to: to + shift, ...rest })),
  };
  const named = buses.flatMap(({ index, cells: { name } }) =>
    typeof name === "string" && name !== "" ? [[name, index + shift] as const] : [],
  );
  const busNamed = new Map(named);
  const ambiguous = new Set(named.flatMap(([name, bus]) => (busNamed.get(name) === bus ? [] : [name])));
  for (const name of ambiguous) busNamed.delete(name);
  return { feeder: FeederSchema.parse(feeder), busNamed, ambiguous, notes };
}

function busOf(tables: Tables, row: Row, basePu: number, shift: number): Feeder["buses"][number] {
  const here = tables.table("load").filter((load) => inService(load) && load.cells.bus === row.index);
  const sum = (column: string): number =>
    here.reduce((total, load) => total + numberOr("load", load, column, 0) * numberOr("load", load, "scaling", 1), 0);
  return {
    bus: row.index + shift,
    loadMw: sum("p_mw"),
    loadMvar: sum("q_mvar"),
    vMinPu: numberOr("bus", row, "min_vm_pu", VOLTAGE_BAND[0]) / basePu,
    vMaxPu: numberOr("bus", row, "max_vm_pu", VOLTAGE_BAND[1]) / basePu,
  };
}

type Tree = {
  readonly branches: readonly Feeder["branches"][number][];
  /** By bus: the voltage, p.u. of its own, that the feeder calls 1. */
  readonly basePu: ReadonlyMap<number, number>;
};

/** Walks from the root and turns every edge away from it. Throws PandapowerError where the edges close a ring. */
function orient(edges: readonly Edge[], root: number, rootPu: number): Tree {
  const touching = new Map<number, Edge[]>();
  for (const edge of edges) for (const end of edge.ends) touching.set(end, [...(touching.get(end) ?? []), edge]);
  const basePu = new Map([[root, rootPu]]);
  const branches: Feeder["branches"][number][] = [];
  const done = new Set<Edge>();
  for (const from of basePu.keys())
    for (const edge of touching.get(from) ?? []) {
      if (done.has(edge)) continue;
      done.add(edge);
      const forward = edge.ends[0] === from;
      const to = edge.ends[forward ? 1 : 0];
      if (basePu.has(to)) throw new PandapowerError(`${edge.name}: closes a ring at bus ${to}: a feeder is a tree`);
      const base = basePu.get(from)! * (forward ? 1 / edge.ratio : edge.ratio);
      basePu.set(to, base);
      // Impedances are p.u. on the second end's voltage: of a line both ends are alike.
      const square = forward ? base * base : basePu.get(from)! * basePu.get(from)!;
      const unlimited = edge.ratingMva === null || edge.ratingMva >= UNLIMITED_MVA;
      branches.push({
        from,
        to,
        rPu: edge.rPu / square,
        xPu: edge.xPu / square,
        ratingMva: unlimited ? null : edge.ratingMva,
      });
    }
  return { branches, basePu };
}
