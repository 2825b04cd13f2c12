import { statSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../io/inputError.ts";
import { isFile } from "../../io/readJson.ts";
import { isNoFile } from "../../io/systemError.ts";
import { attempt, type Findings } from "./findings.ts";
import { meterOf, ownColumns, readFolder, seriesOptions, tablesIn, type Kind, type Meters } from "./meters.ts";
import { readMembers, type Member } from "./members.ts";
import { readMeters, type MeterSeries } from "./meterSeries.ts";
import { readTerms, type Terms } from "./readTerms.ts";
import { placed, readStreet, type Street } from "./street.ts";

/** A member with its place and its series. */
export type Home = {
  readonly member: Member;
  readonly bus: number;
  readonly load: MeterSeries | undefined;
  readonly pv: MeterSeries | undefined;
  readonly loadForecast: MeterSeries | undefined;
  readonly pvForecast: MeterSeries | undefined;
};

/** A community's folder, read whole. */
export type CommunityFolder = {
  readonly folder: string;
  readonly terms: Terms;
  readonly street: Street;
  /** In the feeder's depth-first order, in which they get their numbers. */
  readonly homes: readonly Home[];
  /** Of the grid's energy, g/kWh in the place of kW, where it is a series. */
  readonly carbon: MeterSeries | undefined;
};

/** Whether a name is that of a folder: a community's. */
export function isFolder(name: string): boolean {
  try {
    return statSync(name).isDirectory();
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return false;
  }
}

/**
 * Reads a community's folder. All that is wrong and all that is assumed is noted; undefined where so much is wrong that
 * there is nothing to go on with. Throws InputError where the folder is none.
 */
export async function readCommunity(folder: string, found: Findings): Promise<CommunityFolder | undefined> {
  const at = (name: string): string => join(folder, name);
  if (!isFile(at("community.yaml")))
    throw new InputError(
      `${at("community.yaml")}: there is no such file; gridpact community init ${folder} --example writes one`,
    );
  const terms = await attempt(found, () => readTerms(at("community.yaml"), found));
  const [membersFile = at("members.csv"), other] = ["members.csv", "members.xlsx"].map(at).filter(isFile);
  if (other !== undefined) found.wrong.push(`${other}: there is ${membersFile} too: which of them holds?`);
  const members = (await attempt(found, () => readMembers(membersFile, found))) ?? [];
  if (terms === undefined) return undefined;
  const street = await attempt(found, () => readStreet(at(terms.community.feeder), found));
  const options = seriesOptions(terms.community);
  const before = found.wrong.length;
  const [series, forecasts] = [
    await readFolder(at("series"), options, terms.clock, found),
    await readFolder(at("forecasts"), options, terms.clock, found),
  ];
  if (tablesIn(at("series")).length === 0)
    found.wrong.push(`${at("series")}: there is no file of a meter (*.csv, *.xlsx) in it`);
  const carbon = await attempt(found, () => readCarbon(folder, terms, found));
  if (street === undefined || members.length === 0) return undefined;
  // What a file that cannot be read would have held is not missed a second time.
  const readable = found.wrong.length === before;
  const places = placed(street, members, found);
  if (!readable) return undefined;
  const homes = places.map(({ member, bus }): Home => homeOf(member, bus, series, forecasts, found));
  noteUnused(folder, series, homes, found);
  for (const home of homes) checkHome(home, series, found);
  if (terms.community.history.lagDays === 1)
    found.assumed.push(
      `${terms.file}: history.lagDays = 1: the whole day before a session is known when it is cleared`,
    );
  return { folder, terms, street, homes, carbon };
}

function homeOf(member: Member, bus: number, series: Meters, forecasts: Meters, found: Findings): Home {
  const of = (kind: Kind): MeterSeries | undefined => meterOf(series, member, kind, found);
  // The name in members.csv is that of the history; forecasts go by the member's id.
  const plain = { ...member, load: undefined, pv: undefined };
  return {
    member,
    bus,
    load: of("load"),
    pv: generationOf(of("pv"), member),
    loadForecast: meterOf(forecasts, plain, "load", found),
    pvForecast: meterOf(forecasts, plain, "pv", found),
  };
}

/** Portals give every meter a column of what it fed in: one that never counted anything is no generation. */
const generationOf = (pv: MeterSeries | undefined, { numbers }: Member): MeterSeries | undefined =>
  numbers.pvKw || pv?.kw.some((kw) => kw > 0) ? pv : undefined;

/** What a member says and what its series say must fit together. */
function checkHome({ member, load, pv, loadForecast, pvForecast }: Home, series: Meters, found: Findings): void {
  const { id, file, line, numbers } = member;
  const { pvKw } = numbers;
  const fail = (field: string, value: unknown, reason: string): void =>
    void found.wrong.push(`${file}: line ${line}: ${field} = ${JSON.stringify(value)}: ${reason}`);
  if (load === undefined && loadForecast === undefined && member.load === undefined)
    fail(
      "id",
      id,
      `no series of its load: none is called ${id}-load, load:${id} or ${id}${ownColumns(series, member, "load")}`,
    );
  if (pvKw !== undefined && pvKw > 0 && pv === undefined && pvForecast === undefined && member.pv === undefined)
    fail(
      "pvKw",
      pvKw,
      `no series of its generation: none is called ${id}-pv or pv:${id}, and no forecast is there${ownColumns(series, member, "pv")}`,
    );
  if ((pvKw === undefined || pvKw === 0) && pv !== undefined) {
    fail("pvKw", pvKw ?? "", `is ${pvKw === undefined ? "blank" : "nothing"}, but ${pv.file} has its generation`);
    return;
  }
  for (const one of [pv, pvForecast]) {
    const k = one?.kw.findIndex((kw) => kw > 1.2 * (pvKw ?? 0)) ?? -1;
    if (one !== undefined && k >= 0)
      found.wrong.push(
        `${one.file}: line ${one.lines[k]}: ${one.column} = ${Number(one.kw[k].toPrecision(4))} kW: is more than 1.2 x pvKw = ${pvKw} of ${id}`,
      );
  }
}

function noteUnused(folder: string, series: Meters, homes: readonly Home[], found: Findings): void {
  const used = new Set(homes.flatMap(({ load, pv }) => [load, pv]));
  const unused = [...new Set(series.values())].filter((one) => !used.has(one));
  for (const { file, column, kw } of unused.slice(0, 5)) {
    const why = kw.some((one) => one > 0) ? "belongs to no member" : "is 0 throughout";
    found.assumed.push(`${file}: ${column}: ${why} and is not used`);
  }
  if (unused.length > 5)
    found.assumed.push(
      `${join(folder, "series")}: ${unused.length - 5} more series belong to no member, or are 0 throughout`,
    );
}

/** The carbon intensity of the grid's energy, if it is a series: hours or finer, g/kWh. */
async function readCarbon(
  folder: string,
  { community, clock, file }: Terms,
  found: Findings,
): Promise<MeterSeries | undefined> {
  const written = community.carbon?.gridGramPerKwh;
  if (typeof written !== "string") return undefined;
  const source = join(folder, written);
  if (!isFile(source))
    throw new InputError(
      `${file}: carbon.gridGramPerKwh = ${JSON.stringify(written)}: there is no such file, and it is no number`,
    );
  // A mean over time like power: no interval's length enters.
  const [series] = await readMeters(source, { ...seriesOptions(community), unit: "kW", most: 5000 }, clock, found);
  return series;
}
