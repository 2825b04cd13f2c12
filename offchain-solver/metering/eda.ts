/**
 * The consumption record of Austria's energy data exchange (ebutilities.at, ConsumptionRecord 01p31 to 01p41), as a
 * grid operator sends it for a metering point, to intervals.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import type { Quality } from "../codec/meterReading.ts";
import { InputError } from "../io/inputError.ts";
import { complainAbout, type Findings } from "../scenarios/community/findings.ts";
import { stampMs } from "../scenarios/stamps.ts";
import { LOAD_PROFILE, readingSign } from "../scenarios/community/oddSeries.ts";
import { absurd, microOfKwh, MOST_KW, type Interval, type Register } from "./intervals.ts";

/** Obis codes of what was measured at the point; shares of a community (P.02, G.02) are computed, not metered. */
const CODES: readonly (readonly [RegExp, Register])[] = [
  [/^1-\d:1\.2?9\.0( G\.01| P\.01)?$/, "import"],
  [/^1-\d:2\.2?9\.0( G\.01| P\.01)?$/, "export"],
];
/** What a counter shows. */
const READING = /^1-\d:[12]\.8\.\d/;
/** L1 read from the meter; L2 replaced by an estimate; L3 a value that stands until a better one comes. */
const METHODS: Readonly<Record<string, Quality>> = { L1: "measured", L2: "estimated", L3: "estimated" };
const KWH: Readonly<Record<string, number>> = { KWH: 1, MWH: 1000 };
const LENGTHS: Readonly<Record<string, number>> = { QH: 900_000, H: 3_600_000 };
/** Elements that may come once or many times. */
const MANY = new Set(["Energy", "EnergyData", "EP"]);

const PLACE: unique symbol = XMLParser.getMetaDataSymbol() as never;
type Element = { readonly [PLACE]?: { readonly startIndex?: number }; readonly [name: string]: unknown };

const inside = (element: Element | undefined, name: string): Element | undefined => element?.[name] as never;
const all = (element: Element | undefined, name: string): readonly Element[] => (element?.[name] ?? []) as never;
function textOf(element: Element | undefined, name: string): string | undefined {
  const value = element?.[name];
  return typeof value === "string" ? value : ((value as Element | undefined)?.["#text"] as string | undefined);
}

/** A file's text, and where each of its lines begins. */
class Document {
  readonly #file: string;
  readonly #lines: readonly number[];

  constructor(file: string, xml: string) {
    this.#file = file;
    this.#lines = [0, ...Array.from(xml.matchAll(/\n/g), ({ index }) => index + 1)];
  }

  /** `file: line 3: column 9`, both from 1. */
  placeOf(element: Element): string {
    const at = element[PLACE]?.startIndex ?? 0;
    let [line, beyond] = [0, this.#lines.length];
    while (beyond - line > 1) {
      const middle = (line + beyond) >> 1;
      if (this.#lines[middle] <= at) line = middle;
      else beyond = middle;
    }
    return `${this.#file}: line ${line + 1}: column ${at - this.#lines[line] + 1}`;
  }
}

/** What the library throws is about the file: entities from elsewhere, elements in elements without end. */
function readable<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InputError(`${file}: is no XML that is read here: ${(error as Error).message.split("\n")[0]}`);
  }
}

/**
 * Reads a consumption record. What is wrong is noted with line and column, and nothing of the file is used then.
 * Registers that no meter has (a community's computed shares) are passed over, and counters' readings beside what was
 * counted. Throws InputError where the file is no such record at all.
 */
export function readEda(
  { file, xml }: { readonly file: string; readonly xml: string },
  found: Findings,
  { mostKw = MOST_KW }: { readonly mostKw?: number } = {},
): Interval[] {
  const valid = readable(file, () => XMLValidator.validate(xml));
  if (valid !== true)
    throw new InputError(`${file}: line ${valid.err.line}: column ${valid.err.col}: ${valid.err.msg}`);
  const parser = new XMLParser({
    ignoreAttributes: false,
    removeNSPrefix: true,
    parseTagValue: false,
    captureMetaData: true,
    processEntities: false,
    isArray: (name) => MANY.has(name),
  });
  const record = inside(
    readable(file, () => parser.parse(xml) as Element),
    "ConsumptionRecord",
  );
  if (record === undefined) throw new InputError(`${file}: is no ConsumptionRecord`);
  const process = inside(record, "ProcessDirectory");
  const point = textOf(process, "MeteringPoint");
  if (point === undefined) throw new InputError(`${file}: ProcessDirectory names no MeteringPoint`);
  const complaints: string[] = [];
  const document = new Document(file, xml);
  const readings: string[] = [];
  const intervals = all(process, "Energy").flatMap((energy) =>
    all(energy, "EnergyData").flatMap((data) => {
      const code = textOf(data, "@_MeterCode") ?? "";
      if (READING.test(code))
        readings.push(`${document.placeOf(data)}: MeterCode = ${JSON.stringify(code)}: it is a counter's reading`);
      const metered = CODES.find(([like]) => like.test(code))?.[1];
      if (metered === undefined) return [];
      return positionsOf(document, { point, register: metered, energy, data, mostKw }, complaints);
    }),
  );
  const none = intervals.length === 0 && complaints.length === 0;
  if (none && readings.length === 0)
    complaints.push(`${file}: no EnergyData of ${point} has a meter code 1-1:1.9.0 or 1-1:2.9.0 with values`);
  for (const told of readings)
    if (none) complaints.push(`${told}, ${LOAD_PROFILE}`);
    else found.assumed.push(`${told} and is not used`);
  if (complaints.length === 0) return intervals;
  complainAbout(found, file, complaints);
  return [];
}

type Data = Pick<Interval, "point" | "register"> & {
  readonly energy: Element;
  readonly data: Element;
  readonly mostKw: number;
};
type Position = Pick<Interval, "startMs" | "endMs" | "quality"> & {
  readonly position: Element;
  readonly quantity: string;
  readonly kwh: number;
};

function positionsOf(document: Document, { energy, data, mostKw, ...owner }: Data, complaints: string[]): Interval[] {
  const unit = textOf(data, "@_UOM") ?? "";
  const interval = textOf(energy, "MeteringIntervall") ?? "";
  const length = Object.hasOwn(LENGTHS, interval) ? LENGTHS[interval] : undefined;
  const fail = (element: Element, name: string, value: string | undefined, reason: string): undefined =>
    void complaints.push(`${document.placeOf(element)}: ${name} = ${JSON.stringify(value ?? "")}: ${reason}`);
  if (!Object.hasOwn(KWH, unit)) fail(data, "UOM", unit, "KWH or MWH was expected");
  if (length === undefined) fail(energy, "MeteringIntervall", interval, "QH or H expected");
  if (!Object.hasOwn(KWH, unit) || length === undefined) return [];
  const seen = new Set<number>();
  const read = all(data, "EP").flatMap((position): Position[] => {
    const [from, to, method, quantity] = ["DTF", "DTT", "MM", "BQ"].map((name) => textOf(position, name));
    const startMs = stampMs(from ?? "");
    if (typeof startMs === "string") return fail(position, "DTF", from, startMs) ?? [];
    const endMs = to === undefined ? startMs + length : stampMs(to);
    if (endMs !== startMs + length) return fail(position, "DTT", to, "is not the interval's end") ?? [];
    if (startMs % length !== 0) return fail(position, "DTF", from, "is off the record's intervals") ?? [];
    if (seen.has(startMs)) return fail(position, "DTF", from, "another EP has this time already") ?? [];
    seen.add(startMs);
    if (!Object.hasOwn(METHODS, method ?? "")) return fail(position, "MM", method, "L1, L2 or L3 was expected") ?? [];
    const kwh = /^[+-]?(\d+\.?\d*|\.\d+)$/.test(quantity ?? "") ? Number(quantity) * KWH[unit] : NaN;
    if (!(Math.abs(kwh) < 1e12)) return fail(position, "BQ", quantity, "is not a number") ?? [];
    return [{ position, startMs, endMs, quantity: quantity!, kwh, quality: METHODS[method!] }];
  });
  const inOrder = read.toSorted((a, b) => a.startMs - b.startMs);
  const sign = readingSign("", { kwh: Float64Array.from(inOrder, ({ kwh }) => kwh), stepMs: length });
  if (sign !== undefined)
    return (
      fail(data, "MeterCode", textOf(data, "@_MeterCode"), `${sign}: it is a counter's reading, ${LOAD_PROFILE}`) ?? []
    );
  return read.flatMap(({ position, startMs, endMs, quantity, kwh, quality }): Interval[] => {
    const microWh = microOfKwh(kwh);
    const odd = absurd(microWh, startMs, endMs, mostKw);
    if (odd !== undefined) return fail(position, "BQ", quantity, odd) ?? [];
    return [{ ...owner, startMs, endMs, microWh, quality, place: document.placeOf(position) }];
  });
}
