import { inService, numberOf, numberOr, PandapowerError, type Row, type Tables } from "./tables.ts";

/**
 * A connection of two buses by pandapower's index, p.u. on the buses' own voltages; `ratio` of an ideal transformer.
 */
export type Edge = {
  readonly ends: readonly [number, number];
  readonly rPu: number;
  readonly xPu: number;
  readonly ratingMva: number | null;
  /** Voltage of the first end over that of the second without load, p.u. over p.u. */
  readonly ratio: number;
  readonly name: string;
};

const SQRT3 = 1.7320508075688772;

/** Lines, two-winding transformers and closed switches between buses that are in service. */
export function edgesOf(tables: Tables, kvOf: ReadonlyMap<number, number>, notes: string[]): Edge[] {
  const open = (kind: string): Set<unknown> =>
    new Set(
      tables
        .table("switch")
        .filter(({ cells }) => cells.et === kind && cells.closed === false)
        .map(({ cells }) => cells.element),
    );
  const [openLines, openTrafos] = [open("l"), open("t")];
  const kv = (table: string, row: Row, column: string): number => {
    const bus = numberOf(table, row, column);
    const found = kvOf.get(bus);
    if (found === undefined)
      throw new PandapowerError(`table ${table}, index ${row.index}: ${column} = ${bus}: is no bus in service`);
    return found;
  };
  const lines = tables.table("line").filter((row) => inService(row) && !openLines.has(row.index));
  if (lines.some((row) => numberOr("line", row, "c_nf_per_km", 0) > 0))
    notes.push("the charging of lines is left out: a feeder of this length has next to none");
  const trafos = tables.table("trafo").filter((row) => inService(row) && !openTrafos.has(row.index));
  if (trafos.some((row) => numberOr("trafo", row, "i0_percent", 0) > 0 || numberOr("trafo", row, "pfe_kw", 0) > 0))
    notes.push("no-load losses of transformers are left out");
  return [
    ...lines.map((row) => lineOf(tables, row, kv("line", row, "from_bus"), kv("line", row, "to_bus"))),
    ...trafos.map((row) => trafoOf(tables, row, kv("trafo", row, "hv_bus"), kv("trafo", row, "lv_bus"))),
    ...tables
      .table("switch")
      .filter(({ cells }) => cells.et === "b" && cells.closed !== false)
      .map((row): Edge => {
        const ends = [numberOf("switch", row, "bus"), numberOf("switch", row, "element")] as const;
        kv("switch", row, "bus");
        kv("switch", row, "element");
        return { ends, rPu: 0, xPu: 0, ratingMva: null, ratio: 1, name: `table switch, index ${row.index}` };
      }),
  ];
}

function lineOf({ baseMva }: Tables, row: Row, kv: number, toKv: number): Edge {
  if (kv !== toKv)
    throw new PandapowerError(
      `table line, index ${row.index}: joins buses of ${kv} and ${toKv} kV: a transformer does that`,
    );
  const km = numberOf("line", row, "length_km", 0);
  const parallel = numberOr("line", row, "parallel", 1);
  const perUnit = (km * baseMva) / (kv * kv * parallel);
  const ka = row.cells.max_i_ka;
  const ampere = typeof ka === "number" && ka > 0 ? ka * numberOr("line", row, "df", 1) * parallel : undefined;
  return {
    ends: [numberOf("line", row, "from_bus"), numberOf("line", row, "to_bus")],
    rPu: numberOf("line", row, "r_ohm_per_km", 0) * perUnit,
    xPu: numberOf("line", row, "x_ohm_per_km", 0) * perUnit,
    ratingMva: ampere === undefined ? null : SQRT3 * kv * ampere,
    ratio: 1,
    name: `table line, index ${row.index}`,
  };
}

function trafoOf({ baseMva }: Tables, row: Row, hvKv: number, lvKv: number): Edge {
  const parallel = numberOr("trafo", row, "parallel", 1);
  const mva = numberOf("trafo", row, "sn_mva", 1e-9) * parallel;
  const [hv, lv] = [numberOf("trafo", row, "vn_hv_kv", 1e-9), numberOf("trafo", row, "vn_lv_kv", 1e-9)];
  const perUnit = ((lv / lvKv) * (lv / lvKv) * baseMva) / mva / 100;
  const z = numberOf("trafo", row, "vk_percent", 0);
  const r = numberOf("trafo", row, "vkr_percent", 0);
  if (r > z)
    throw new PandapowerError(`table trafo, index ${row.index}: vkr_percent = ${r}: is above vk_percent = ${z}`);
  const taps = numberOr("trafo", row, "tap_pos", 0) - numberOr("trafo", row, "tap_neutral", 0);
  const tap = 1 + (taps * numberOr("trafo", row, "tap_step_percent", 0)) / 100;
  const turns = hv / hvKv / (lv / lvKv);
  return {
    ends: [numberOf("trafo", row, "hv_bus"), numberOf("trafo", row, "lv_bus")],
    rPu: r * perUnit,
    xPu: Math.sqrt(z * z - r * r) * perUnit,
    ratingMva: mva,
    ratio: row.cells.tap_side === "lv" ? turns / tap : turns * tap,
    name: `table trafo, index ${row.index}`,
  };
}
