/** Which days of a community can be forecast, for whoever asks for one that cannot. */
import { InputError } from "../../io/inputError.ts";
import { forecastKw, meanKw, type Forecaster } from "./forecasts.ts";
import type { Day } from "./homeDevices.ts";
import type { Kind } from "./meters.ts";
import type { MeterSeries } from "./meterSeries.ts";
import type { CommunityFolder } from "./readCommunity.ts";
import { addDays, dateAt, dayOf } from "./zoneClock.ts";

const MINUTE_MS = 60_000;
/** Forecasts go back so many weeks at most (`forecastKw`). */
const REACH_DAYS = 42;
/** Stretches of days that are told. */
const MOST_STRETCHES = 3;

/** A forecast has nothing to stand on: another day may have. */
export class UnforecastError extends InputError {}

/** The periods of a local day. Throws InputError where the zone's clock leaves the whole day out. */
export function dayAt({ terms: { community, clock } }: Pick<CommunityFolder, "terms">, date: string): Day {
  const periodMs = community.periodMinutes * MINUTE_MS;
  const { startMs, endMs } = dayOf(clock, date);
  const periods = Math.floor((endMs - startMs) / periodMs);
  // Clocks that change by half an hour: what is left of the day would be in no session.
  if (periods >= 1 && (endMs - startMs) % periodMs !== 0)
    throw new InputError(
      `--date ${date}: has ${(endMs - startMs) / (60 * MINUTE_MS)} hours by the clock of ${community.timeZone}, ` +
        `no whole number of periods of ${community.periodMinutes} minutes: take shorter ones`,
    );
  if (periods < 1) throw new InputError(`--date ${date}: the clock of ${community.timeZone} leaves that day out`);
  return { date, periodMs, startsMs: Array.from({ length: periods }, (_, t) => startMs + t * periodMs) };
}

/** How a series of this community is forecast. */
export const forecasterIn = (
  { terms: { community, clock } }: Pick<CommunityFolder, "terms">,
  kind: Kind,
  history: MeterSeries | undefined,
  given?: MeterSeries,
): Forecaster => ({
  kind,
  history,
  given,
  clock,
  periodMs: community.periodMinutes * MINUTE_MS,
  lagDays: community.history.lagDays,
});

/** g/kWh of the grid; a series that ends before goes on as in the week before. NaN where neither is known. */
export function gramAt(read: Pick<CommunityFolder, "terms" | "carbon">, ms: number): number {
  const { carbon: terms, periodMinutes } = read.terms.community;
  if (terms === undefined || typeof terms.gridGramPerKwh === "number") return Number(terms?.gridGramPerKwh ?? 0);
  const known = meanKw(read.carbon!, ms, periodMinutes * MINUTE_MS);
  return Number.isNaN(known) ? forecastKw(forecasterIn(read, "pv", read.carbon), ms) : known;
}

/** The complaint about a day that cannot be forecast, with those that can. */
export function otherDays(read: CommunityFolder, date: string, { message }: UnforecastError): UnforecastError {
  const stretches = knownDays(read).map(([from, to]) => (from === to ? from : `${from} to ${to}`));
  if (stretches.length === 0) return new UnforecastError(message);
  const more = stretches.length > MOST_STRETCHES ? ` and ${stretches.length - MOST_STRETCHES} stretches more` : "";
  const those = stretches.slice(-MOST_STRETCHES).join(", ");
  return new UnforecastError(
    `--date ${date}: nothing to forecast it from; days that can be: ${those}${more} (${message})`,
  );
}

/** First and last of every stretch of days that can be forecast whole, ascending. */
function knownDays(read: CommunityFolder): [string, string][] {
  const { homes, carbon, terms } = read;
  const series = [...homes.flatMap((home) => [home.load, home.pv, home.loadForecast, home.pvForecast]), carbon].filter(
    (one) => one !== undefined,
  );
  if (series.length === 0) return [];
  const first = Math.min(...series.map(({ startMs }) => startMs));
  const end = Math.max(...series.map(({ startMs, stepMs, kw }) => startMs + stepMs * kw.length));
  const last = addDays(dateAt(terms.clock, end), REACH_DAYS + terms.community.history.lagDays);
  const stretches: [string, string][] = [];
  for (let date = dateAt(terms.clock, first), before = ""; date <= last; before = date, date = addDays(date, 1)) {
    if (!isKnown(read, date)) continue;
    const open = stretches.at(-1);
    if (open !== undefined && open[1] === before) open[1] = date;
    else stretches.push([date, date]);
  }
  return stretches;
}

function isKnown(read: CommunityFolder, date: string): boolean {
  const { startMs, endMs } = dayOf(read.terms.clock, date);
  if (endMs <= startMs) return false;
  const forecasters = read.homes.flatMap(({ member, load, loadForecast, pv, pvForecast }) => [
    forecasterIn(read, "load", load, loadForecast),
    ...((member.numbers.pvKw ?? 0) > 0 ? [forecasterIn(read, "pv", pv, pvForecast)] : []),
  ]);
  return dayAt(read, date).startsMs.every(
    (ms) => forecasters.every((one) => !Number.isNaN(forecastKw(one, ms))) && !Number.isNaN(gramAt(read, ms)),
  );
}
