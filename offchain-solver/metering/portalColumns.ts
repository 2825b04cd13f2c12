/** Which register of which metering point a portal's columns are, and which of them count. */
import { basename, extname } from "node:path";
import type { ValueColumn } from "../scenarios/community/meterColumns.ts";
import { kindNamed } from "../scenarios/community/meters.ts";
import { LOAD_PROFILE, readingSign, type Energies } from "../scenarios/community/oddSeries.ts";
import type { Interval, Register } from "./intervals.ts";

const EXPORT = /einspeis|export|feed|r(ü|ue)ck(liefer|speis)|immission|injection|(^|[^\d.])2\.(8|9|29)\.\d/i;
const GENERATION = /erzeug|generat|produ[ck]t|produzion|pv|solar|wind/i;
const IMPORT = /verbrauch|bezug|consum|import|load|demand|last|prelie|soutir|afname|forbrug|(^|[^\d.])1\.(8|9|29)\.\d/i;
/** Computed from others' meters, or what a home used itself: no register has it. */
const COMPUTED = /anteil|deckung|eigen|self/i;

function registerNamed(name: string): Register | undefined {
  const kind = kindNamed(name);
  if (kind === "load") return "import";
  if (EXPORT.test(name)) return "export";
  if (kind === "pv" || GENERATION.test(name)) return "generation";
  return IMPORT.test(name) ? "import" : undefined;
}

type Owner = Pick<Interval, "point" | "register">;

/**
 * Whose register a column is. `home.csv` or `home-load.csv` is of one metering point and its columns say which
 * register; `load.csv` is of one register and its columns say which point.
 */
function ownerOf(file: string, column: string): Owner | undefined {
  const stem = basename(file, extname(file));
  const tail = /^(.+)[-_](\w+)$/.exec(stem);
  const ofTail = tail === null ? undefined : registerNamed(tail[2]);
  if (tail !== null && ofTail !== undefined) return { point: tail[1], register: registerNamed(column) ?? ofTail };
  const own = registerNamed(column);
  if (own !== undefined) return { point: stem, register: own };
  const all = registerNamed(stem);
  return all && { point: column, register: all };
}

/** A register, and the columns that count it: one, or the parts of a tariff, which are added. */
export type Counted = Owner & { readonly columns: readonly ValueColumn[] };

const TARIFF =
  /\b(HT|NT|HP|HC|[TF] ?\d|tarif+ ?\d|hochtarif|niedertarif|haupttarif|nebentarif|off-?peak|peak|day|night|tag|nacht)\b/i;
const untariffed = (name: string): string => name.replace(TARIFF, " ").replaceAll(/\W+/g, " ").trim().toLowerCase();

/** What a column is and whether it can be read, as far as its name and its values say. */
type Told = {
  readonly column: ValueColumn;
  readonly owner: Owner | undefined;
  readonly reading: string | undefined;
  readonly computed: boolean;
};

/**
 * The registers of a file. Counters' readings and computed shares that stand beside what was counted are passed over,
 * and noted; a register that nothing else counts, and one that several columns may be, are complained about.
 */
export function countedIn(
  file: string,
  headLine: number,
  columns: readonly { readonly column: ValueColumn; readonly energies: Energies }[],
  { complaints, assumed }: { readonly complaints: string[]; readonly assumed: string[] },
): Counted[] {
  const told = columns.map(({ column, energies }): Told => {
    const named = [EXPORT, GENERATION, IMPORT].some((like) => like.test(column.name));
    const reading = readingSign(column.name, energies);
    return { column, owner: ownerOf(file, column.name), reading, computed: named && COMPUTED.test(column.name) };
  });
  const at = (names: readonly ValueColumn[]): string =>
    `${file}: line ${headLine}: column${names.length > 1 ? "s" : ""} ${names.map(({ name }) => name).join(" and ")}`;
  const counting = told.filter(({ reading, computed }) => reading === undefined && !computed);
  const same = (a: Owner | undefined, b: Owner | undefined): boolean =>
    a?.point === b?.point && a?.register === b?.register;
  for (const { column, owner, reading, computed } of told) {
    if (reading === undefined && !computed) continue;
    const why = reading === undefined ? "no meter counts it" : `${reading}: it is a counter's reading`;
    const elsewhere = counting.some((one) => computed || owner === undefined || same(one.owner, owner));
    if (elsewhere) assumed.push(`${at([column])}: ${why} and is not used`);
    else complaints.push(`${at([column])}: ${why}, ${LOAD_PROFILE}`);
  }
  const groups = new Map<string, Owner & { columns: ValueColumn[] }>();
  for (const { column, owner } of counting) {
    if (owner === undefined) {
      complaints.push(`${at([column])}: import, export or generation? Name it, or the file, after one`);
      continue;
    }
    const key = `${owner.register}\n${owner.point}`;
    const group = groups.get(key) ?? { ...owner, columns: [] };
    group.columns.push(column);
    groups.set(key, group);
  }
  for (const { point, register, columns: own } of groups.values()) {
    const base = untariffed(own[0].name);
    const parts = own.every(({ name }) => TARIFF.test(name) && untariffed(name) === base);
    if (own.length > 1 && !parts)
      complaints.push(
        `${at(own)}: each may be ${register} of ${point}: leave one of them, or name parts of a tariff HT and NT`,
      );
  }
  return [...groups.values()];
}
