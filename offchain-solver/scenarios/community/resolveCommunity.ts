import { InputError } from "../../io/inputError.ts";
import type { Prosumer, Scenario } from "../../market/scenario/scenario.ts";
import { withSizes } from "../../market/scenario/size.ts";
import type { CommunityJson } from "../../records/communityJson.ts";
import { nearestPairs } from "../nearestPairs.ts";
import { errorsOf, PRIOR, type Errors } from "./errors.ts";
import type { Findings } from "./findings.ts";
import { forecastKw, lastWholeDay, meanKw, type Forecaster } from "./forecasts.ts";
import { dayAt, forecasterIn, gramAt, otherDays, UnforecastError } from "./knownDays.ts";
import type { CommunityFolder, Home } from "./readCommunity.ts";
import { priceAt } from "./tariff.ts";
import type { Day } from "./homeDevices.ts";
import { devicesOf, noteDevices, type Left } from "./memberDevices.ts";
import { addDays, isDate } from "./zoneClock.ts";
import { wallText } from "./portalStamps.ts";

/** A session's scenario, and what people call those who are in it. */
export type ResolvedCommunity = { readonly scenario: Scenario; readonly community: CommunityJson };

/** kW to MW, prices a kWh to prices a MWh, grams to tonnes a MWh. */
const KILO = 1e-3;
const round = (value: number): number => Number(value.toPrecision(12));

/**
 * By member's id and device: where the day before has left it, as the device's module hands it on (`after`): MWh that a
 * battery holds and that a car lacks, degrees of a tank.
 */
export type Stored = ReadonlyMap<string, Left>;

/**
 * The scenario of one local day: 23, 24 or 25 hours of it. Loads and generation are forecast from what was known when
 * the session is cleared, errors of the panels come from the days before (`errorsOf`), and `actualMw` is there where
 * the day has passed: of a load whose meter is read, and of panels once all of them are. Throws InputError where a
 * forecast has nothing to stand on.
 *
 * @param date YYYY-MM-DD by the community's clock; absent: the first day that could be cleared after the series end.
 */
export function resolveCommunity(
  read: CommunityFolder,
  date: string | undefined,
  found: Findings,
  stored: Stored = new Map(),
): ResolvedCommunity {
  const day = dayAsked(read, date, found);
  try {
    return resolveDay(read, day, found, stored);
  } catch (error) {
    throw error instanceof UnforecastError ? otherDays(read, day.date, error) : error;
  }
}

function resolveDay(read: CommunityFolder, day: Day, found: Findings, stored: Stored): ResolvedCommunity {
  const { terms, street, homes } = read;
  const { community } = terms;
  const owners = homes.filter(({ member }) => (member.numbers.pvKw ?? 0) > 0);
  const panels = owners.map(({ member, pv, pvForecast }) => ({
    ratingKw: member.numbers.pvKw!,
    forecaster: forecasterIn(read, "pv", pv, pvForecast),
  }));
  const errors = errorsOf(panels, day.startsMs, community.history.days);
  refuseUnforecast(owners, errors, day, read);
  noteErrors(errors, read, found);
  const actual = actualsOf(owners, day);
  const prosumers = homes.map((home, i): Prosumer => {
    const k = owners.indexOf(home);
    const known = forecasterIn(read, "load", home.load, home.loadForecast);
    return {
      id: i + 1,
      bus: home.bus,
      ...devicesOf(home, read, day, stored.get(home.member.id) ?? {}),
      ...(k >= 0 && { renewable: renewableOf(home, k, errors, actual?.[k], read) }),
      load: loadOf(
        home,
        read,
        day.startsMs.map((ms) => loadKw(known, ms, home, read)),
        day,
      ),
      reserveUpPerMw: round(community.defaults.reserveUpPerKw / KILO),
      reserveDownPerMw: round(community.defaults.reserveDownPerKw / KILO),
    };
  });
  noteDevices(read, prosumers, found);
  noteUnmetered(homes, prosumers, day, found);
  const scenario = withSizes({
    name: community.name,
    source: `community ${community.name}, ${day.date} by the clock of ${community.timeZone}; money in ${community.currency}`,
    feeder: street.feeder,
    startUtc: new Date(day.startsMs[0]).toISOString().replace(".000", ""),
    timeZone: community.timeZone,
    hours: day.startsMs.length,
    periodHours: community.periodMinutes / 60,
    ...pricesOf(read, day),
    regularisation: { trade: 0.01, reactive: 0.2 },
    risk: {
      method: community.risk,
      epsilon: community.epsilon,
      meanRadius: day.startsMs.map(() => 0),
      stdRadius: day.startsMs.map(() => 0),
    },
    pairs: pairsOf(read),
    prosumers,
    uncertainty: uncertaintyOf(errors, owners, prosumers),
  });
  return { scenario, community: labelsOf(read, day.date) };
}

/** What people call what the scenario numbers. */
const labelsOf = ({ terms: { community }, homes }: CommunityFolder, date: string): CommunityJson => ({
  name: community.name,
  timeZone: community.timeZone,
  currency: community.currency,
  date,
  members: homes.map(({ member: { id, name } }, i) => ({ prosumer: i + 1, id, name })),
});

function dayAsked(read: CommunityFolder, asked: string | undefined, found: Findings): Day {
  const { community, clock } = read.terms;
  if (asked !== undefined && !isDate(asked)) throw new InputError(`--date ${asked}: is no date such as 2026-07-15`);
  const series = read.homes.flatMap(({ load, pv }) => [load, pv]).filter((one) => one !== undefined);
  const last = lastWholeDay(clock, series);
  if (asked === undefined && last === undefined)
    throw new InputError(`${community.name}: no day is whole in all series: name one with --date`);
  const date = asked ?? addDays(last!, community.history.lagDays);
  if (asked === undefined)
    found.assumed.push(`--date: ${date}, the first day that can be cleared after the series, which end with ${last}`);
  return dayAt(read, date);
}

/** The forecast of a member's load, kW. Throws InputError where nothing is known at that time of day. */
function loadKw(
  forecaster: Forecaster,
  ms: number,
  { member, load, loadForecast }: Home,
  { terms }: CommunityFolder,
): number {
  const kw = forecastKw(forecaster, ms);
  if (Number.isNaN(kw))
    throw new UnforecastError(
      `${(loadForecast ?? load)?.file ?? member.file}: load of ${member.id}: nothing to forecast ${wallText(terms.clock, ms)} from: ` +
        (loadForecast
          ? "the forecast has no value there"
          : `no value at this time in the days known ${terms.community.history.lagDays} days before`),
    );
  return kw;
}

function refuseUnforecast(
  owners: readonly Home[],
  { forecast }: Errors,
  { startsMs }: Day,
  { terms }: CommunityFolder,
): void {
  forecast.forEach((row, t) =>
    row.forEach((value, k) => {
      if (!Number.isNaN(value)) return;
      const { member, pv, pvForecast } = owners[k];
      throw new UnforecastError(
        `${(pvForecast ?? pv)?.file ?? member.file}: generation of ${member.id}: nothing to forecast ${wallText(terms.clock, startsMs[t])} from`,
      );
    }),
  );
}

function noteErrors(
  { days: { fit, test }, sourceOf, sources }: Errors,
  { terms }: CommunityFolder,
  found: Findings,
): void {
  if (sourceOf.length === 0) return;
  const prior = Math.round((100 * PRIOR.days) / (fit + PRIOR.days));
  found.assumed.push(
    `${terms.file}: errors of the panels' forecasts: fitted on ${fit} days, ${test} held out; ${prior} % of the covariance is what is believed without any day`,
  );
  if (sources < sourceOf.length)
    found.assumed.push(
      `${terms.file}: ${sourceOf.length} roofs share ${sources} series of errors: neighbours err together`,
    );
}

/** kW by panels and period, where the day has passed and every meter has all of it. */
function actualsOf(owners: readonly Home[], { startsMs, periodMs }: Day): number[][] | undefined {
  const actual = owners.map(({ pv, member }) =>
    startsMs.map((ms) => (pv === undefined ? NaN : Math.min(member.numbers.pvKw!, meanKw(pv, ms, periodMs)))),
  );
  return actual.flat().some(Number.isNaN) ? undefined : actual;
}

function renewableOf(
  { member }: Home,
  k: number,
  errors: Errors,
  actualKw: number[] | undefined,
  { terms }: CommunityFolder,
) {
  const kw = member.numbers.pvKw!;
  return {
    kind: "pv" as const,
    ratingMw: round(kw * KILO),
    source: errors.sourceOf[k],
    forecastMw: errors.forecast.map((row) => round(row[k] * kw * KILO)),
    ...(actualKw && { actualMw: actualKw.map((value) => round(value * KILO)) }),
    reactiveMvar: round(terms.community.defaults.reactiveShare * kw * KILO),
  };
}

function loadOf(
  { member, load }: Home,
  { terms: { community } }: CommunityFolder,
  kw: readonly number[],
  { startsMs, periodMs }: Day,
): Prosumer["load"] {
  const actual = startsMs.map((ms) => (load === undefined ? NaN : meanKw(load, ms, periodMs)));
  const { powerFactor, discomfortPerKwh, flexiblePercent } = community.defaults;
  const peakMw = Math.max(...kw) * KILO;
  return {
    fixedMw: kw.map((value) => round(value * KILO)),
    ...(!actual.some(Number.isNaN) && { actualMw: actual.map((value) => round(value * KILO)) }),
    mvarPerMw: round(Math.sqrt(1 - powerFactor * powerFactor) / powerFactor),
    flexibleShare: round((member.numbers.flexiblePercent ?? flexiblePercent) / 100),
    // The margin is k dd: at dd = peak it costs `discomfortPerKwh`.
    discomfort: peakMw > 0 ? round(discomfortPerKwh / KILO / peakMw) : 0,
  };
}

/** Of a day that other meters have counted whole: whose load is taken to have been as forecast. */
function noteUnmetered(
  homes: readonly Home[],
  prosumers: readonly Prosumer[],
  { date }: Day,
  { assumed }: Findings,
): void {
  if (!prosumers.some(({ load }) => load.actualMw !== undefined)) return;
  homes.forEach(({ load, member: { id, file } }, i) => {
    if (prosumers[i].load.actualMw !== undefined) return;
    const where = load === undefined ? `${file}: ${id}` : `${load.file}: ${load.column}`;
    assumed.push(`${where}: not all of ${date} is there: the load of ${id} is taken to have been what was forecast`);
  });
}

/**
 * Tariff and carbon by the local clock. A series of intensities that ends before the day goes on as in the week before.
 */
function pricesOf(read: CommunityFolder, { startsMs }: Day): Pick<Scenario, "tariff" | "carbon"> {
  const { community, clock } = read.terms;
  const prices = startsMs.map((ms) => priceAt(community, clock, ms));
  const { reserve, tariff, carbon: terms } = community;
  const fallback = Math.abs(tariff.buyPerKwh) / 30;
  const knownGramAt = (ms: number): number => {
    const gram = gramAt(read, ms);
    if (Number.isNaN(gram))
      throw new UnforecastError(
        `${read.carbon!.file}: no carbon intensity for ${wallText(clock, ms)}, and none of the week before`,
      );
    return gram;
  };
  return {
    tariff: {
      buyPerMwh: prices.map(({ buy }) => round(buy / KILO)),
      sellPerMwh: prices.map(({ sell }) => round(sell / KILO)),
      reserveUpPerMw: round((reserve?.upPerKw ?? fallback) / KILO),
      reserveDownPerMw: round((reserve?.downPerKw ?? fallback) / KILO),
    },
    carbon: {
      gridTPerMwh: startsMs.map((ms) => round(knownGramAt(ms) * KILO)),
      quotaTPerMwh: round((terms?.quotaGramPerKwh ?? 0) * KILO),
      deskBuyPerT: terms?.buyPerTonne ?? 1,
      deskSellPerT: terms?.sellPerTonne ?? 0,
    },
  };
}

function pairsOf({ terms: { community }, street: { feeder }, homes }: CommunityFolder): [number, number][] {
  const n = homes.length;
  const wanted = community.partners === "all" ? n - 1 : Math.min(n - 1, community.partners);
  const sells = homes.map(({ member: { numbers } }) => (numbers.batteryKw ?? 0) > 0 || (numbers.generatorKw ?? 0) > 0);
  return nearestPairs(feeder, homes, { wanted: homes.map(() => wanted), sells, sellers: Math.min(2, wanted) });
}

function uncertaintyOf(
  errors: Errors,
  owners: readonly Home[],
  prosumers: readonly Prosumer[],
): Scenario["uncertainty"] {
  const rated = prosumers.filter(({ renewable }) => renewable !== undefined);
  return {
    sources: Array.from({ length: errors.sources }, (_, s) =>
      owners.flatMap(({ bus }, k) => (errors.sourceOf[k] === s ? [`roof at bus ${bus}`] : [])).join(", "),
    ),
    uncertain: rated.map(({ id }) => id),
    factor: errors.factor.map((rows) =>
      rows.map((row) => rated.map(({ renewable }) => round(row[renewable!.source] * renewable!.ratingMw))),
    ),
    robustRadius: errors.robustRadius.map(round),
    fitErrors: errors.fitErrors,
    testErrors: errors.testErrors,
  };
}
