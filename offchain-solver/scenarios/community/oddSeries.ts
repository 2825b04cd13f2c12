/** What shows that a series is not what its file says it is: its numbers, or its name. */
import type { MeterSeries } from "./meterSeries.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** From one day to the next: an empty home draws a tenth, a cloudy day brings a tenth; Wh are a thousand times kWh. */
const JUMP = 200;

/** Names of what a counter shows, since ever or since midnight; OBIS codes x.8.x are the time integral 1. */
const READING = new RegExp(
  [
    String.raw`\b((z(ä|ae)hler|anfangs|end)?[- ]?st(a|ä|ae)nde?|(meter|register|counter)[- _]?readings?)\b`,
    "z(ä|ae)hlerst(a|ä|ae)nd",
    String.raw`\b(cumul|kumul|totali[sz]er|tagesertrag|daily[ _](yield|total)|(energy|yield)[ _]today)`,
    String.raw`(^|[^\w.])[12]\.8\.\d`,
  ].join("|"),
  "i",
);
/** Said of a counter's reading, and of what an interval took as well. */
const MAYBE_READING = /\b(register|readings?|counter|index|ablese\w*|ablesung|lettura|relev(é|e))(?![\p{L}])/iu;

/** Energies of intervals, one after another, in kWh; NaN where there is none. */
export type Energies = { readonly kwh: Float64Array; readonly stepMs: number };

/** What to ask a portal for instead. */
export const LOAD_PROFILE =
  "but what was counted in each interval was expected: export the load profile (Lastgang, OBIS 1.29.0 or 2.29.0)";

/** Why a series is the reading of a counter, not what was counted in each interval: words for a message. */
export function readingSign(name: string, energies: Energies): string | undefined {
  const { falls } = stepsOf(energies.kwh);
  if (onlyRises(energies))
    return falls.length === 0 ? "its values only ever rise" : "its values rise but for one reset";
  if (READING.test(name) || (MAYBE_READING.test(name) && falls.length <= 1)) return "its name says so";
  return undefined;
}

function stepsOf(kwh: Float64Array) {
  const known = kwh.filter((value) => !Number.isNaN(value));
  const steps = known.subarray(1).map((value, k) => value - known[k]);
  const falls: number[] = [];
  let [rises, most] = [0, 0];
  steps.forEach((step, k) => {
    if (step < 0) falls.push(k);
    if (step > 0) rises++;
    most = Math.max(most, step);
  });
  return { known, falls, rises, most };
}

/** A home's connection, of 63 A, is 43 kW; and what no home draws evenly for hours. */
const BEYOND_HOMES_KW = 100;
const MUCH_KW = 20;

/**
 * Over a day no load and no panels only ever rise. Over less time it takes steps that are small beside the values, and
 * values that no home has; or the nines of a counter that then begins anew.
 */
function onlyRises({ kwh, stepMs }: Energies): boolean {
  const { known, falls, rises, most } = stepsOf(kwh);
  if (falls.length > 1) return false;
  const mostly = 2 * rises > known.length - 1;
  if (mostly && known.length >= 20 && known.length * stepMs >= 23 * HOUR_MS) return true;
  const kw = (energy: number): number => (energy * HOUR_MS) / stepMs;
  if (falls.length === 1) {
    const [last, first] = known.subarray(falls[0], falls[0] + 2);
    const full = 10 ** Math.ceil(Math.log10(last));
    return kw(last) > BEYOND_HOMES_KW && full >= 1000 && last >= 0.99 * full && first <= 0.01 * full;
  }
  if (rises === 0 || most > 0.01 * known[0]) return false;
  return (
    (known.length >= 3 && kw(known[0]) > BEYOND_HOMES_KW) || (mostly && known.length >= 8 && kw(known[0]) > MUCH_KW)
  );
}

/**
 * The first interval of a day whose middle value is hundreds of times that of the day before, or as many times less,
 * and the ratio; values of nothing and gaps aside. Days are of 24 hours from the first interval on.
 */
export function jumpIn({ kw, stepMs }: Pick<MeterSeries, "kw" | "stepMs">): { at: number; ratio: number } | undefined {
  const length = DAY_MS / stepMs;
  let before = NaN;
  for (let at = 0; at + length <= kw.length; at += length) {
    const values = kw.subarray(at, at + length).filter((value) => value > 0);
    // A few minutes of sun, or of power, are no day.
    if (values.length < length / 4) continue;
    const middle = values.sort()[values.length >> 1];
    const ratio = middle / before;
    if (ratio >= JUMP || ratio <= 1 / JUMP) return { at, ratio };
    before = middle;
  }
  return undefined;
}
