import { readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { attempt, type Findings } from "./findings.ts";
import type { Member } from "./members.ts";
import { readMeters, type MeterSeries, type SeriesOptions } from "./meterSeries.ts";
import type { Community } from "./terms.ts";
import type { ZoneClock } from "./zoneClock.ts";
import { isSystemError } from "../../io/systemError.ts";

/** The series of a folder by name: `file` where a file holds one meter, and `file:column`, without extensions. */
export type Meters = ReadonlyMap<string, MeterSeries>;

/** The two things that a home's meters count. */
export type Kind = "load" | "pv";

const LIKE: Readonly<Record<Kind, RegExp>> = {
  load: /verbrauch|bezug|consum|import|load|demand|last|prelie|soutir|afname|forbrug/i,
  pv: /einspeis|r(ü|ue)ck(liefer|speis)|erzeug|generat|export|feed|produ[ck]tion|produzion|immission|injection|pv|solar/i,
};
/** Curves of either, and what stands beside a meter's own values: parts that others gave, and what it used itself. */
const CURVE = /last(gang|profil)\w*|load[ -]?(profile|curve)|feeder/gi;
const NEITHER = /anteil|deckung|(ü|ue)berschuss|eigen|self/i;

/** What a column counts, by the first word in its name that says it; what stands in brackets counts last. */
export function kindNamed(name: string): Kind | undefined {
  const text = name.replaceAll(CURVE, " ");
  for (const part of [text.replaceAll(/\([^)]*\)/g, " "), text]) {
    if (NEITHER.test(part)) return undefined;
    const [load, pv] = [part.search(LIKE.load), part.search(LIKE.pv)];
    if (load >= 0 && (pv < 0 || load < pv)) return "load";
    if (pv >= 0) return "pv";
  }
  return undefined;
}

/** How the community's files are read, from what community.yaml says of them. */
export function seriesOptions({ series }: Community): SeriesOptions {
  const { zone, ...options } = series;
  const offset = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  const minutes = offset && (offset[1] === "-" ? -1 : 1) * (60 * Number(offset[2]) + Number(offset[3]));
  return { ...options, offsetMinutes: zone === "UTC" ? 0 : (minutes ?? undefined) };
}

/** Reads every table of a folder; what is wrong with one is noted, and the others are read. */
export async function readFolder(
  folder: string,
  options: SeriesOptions,
  clock: ZoneClock,
  found: Findings,
): Promise<Meters> {
  const meters = new Map<string, MeterSeries>();
  const fileOf = new Map<string, string>();
  for (const name of tablesIn(folder)) {
    const file = join(folder, name);
    const same = fileOf.get(basename(name, extname(name)));
    if (same !== undefined) {
      found.wrong.push(`${file}: there is ${same} too: which of them holds?`);
      continue;
    }
    fileOf.set(basename(name, extname(name)), file);
    const all = (await attempt(found, () => readMeters(file, options, clock, found))) ?? [];
    const stem = basename(name, extname(name));
    for (const series of all) meters.set(`${stem}:${series.column}`, series);
    if (all.length === 1) meters.set(stem, all[0]);
  }
  return meters;
}

/** Names of the tables in a folder, in order; none where there is no folder. */
export function tablesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(csv|txt|xlsx)$/i.test(name) && !/^[.~]/.test(name))
      .sort();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return [];
  }
}

/**
 * A member's series: the one that members.csv names, else the first there is of `ID-load`, column ID of `load`, the
 * column of `ID` that is called consumption (or generation), and the only column of `ID`. Of a file that is named
 * without a column it is the column that is called so, too. A name that finds nothing is noted, and columns that could
 * all be meant. Undefined where there is none.
 */
export function meterOf(meters: Meters, member: Member, kind: Kind, found: Findings): MeterSeries | undefined {
  const { id, file, line } = member;
  const named = member[kind];
  const fail = (field: string, value: string, reason: string): void =>
    void found.wrong.push(`${file}: line ${line}: ${field} = ${JSON.stringify(value)}: ${reason}`);
  const calledSo = (stem: string): MeterSeries | undefined => {
    const all = [...meters].filter(([key]) => key.startsWith(`${stem}:`) && kindNamed(key.slice(stem.length)) === kind);
    // Portals give a meter columns that never count anything.
    const counting = all.filter(([, { kw }]) => kw.some((one) => one > 0));
    if (counting.length > 1) {
      const names = some(counting.map(([key]) => key));
      const one = `${kind === "load" ? "its load" : "its generation"} may be any of ${names}`;
      fail(named === undefined ? "id" : kind, named ?? id, `${one}: write the one that it is into a column ${kind}`);
    }
    return (counting[0] ?? all[0])?.[1];
  };
  if (named !== undefined) {
    const name = named.replace(/\.(csv|txt|xlsx)(?=:|$)/i, "");
    const series = meters.get(name) ?? calledSo(name);
    const own = [...meters.keys()].filter((key) => key.startsWith(`${name.split(":")[0]}:`));
    if (series === undefined)
      fail(kind, named, `there is no such series; there are ${some(own.length > 0 ? own : [...meters.keys()])}`);
    return series;
  }
  const only = kind === "load" ? meters.get(id) : undefined;
  return meters.get(`${id}-${kind}`) ?? meters.get(`${kind}:${id}`) ?? calledSo(id) ?? only;
}

/** What else the member's own file holds, for whoever has to say which it is. */
export function ownColumns(meters: Meters, { id }: Pick<Member, "id">, kind: Kind): string {
  const own = [...meters.keys()].filter((name) => name.startsWith(`${id}:`));
  return own.length === 0 ? "" : `; if it is one of ${some(own)}, write that into a column ${kind}`;
}

const some = (names: readonly string[]): string =>
  names.length === 0 ? "none" : `${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`;
