import * as math from "mathjs";
import { at, HOUR_MS, type SeriesSet } from "./series.ts";

const WINDOW_DAYS = 60;
const PERSISTENCE_DAYS = 7;
const DAY_MS = 24 * HOUR_MS;

/** One real plant, or region's load, whose forecast errors stand for those of everybody mapped to it. */
export interface Source {
  readonly name: string;
  readonly kind: "pv" | "wind" | "load";
}
export type Plant = Source & { readonly kind: "pv" | "wind" };

/**
 * Debiased forecast and what happened, p.u. of rating [hour][source]; errors [hour][sample][source], fitting and held
 * out.
 */
export interface SourceForecasts {
  readonly forecast: number[][];
  readonly actual: number[][];
  readonly fitErrors: number[][][];
  readonly testErrors: number[][][];
}

/** Twelve PV plants, then four wind plants, in the order of the files. */
export function sourcesOf(series: SeriesSet): Plant[] {
  const wind = [...series.wind.values.keys()].filter((column) => column.endsWith("_actual"));
  return [
    ...[...series.pv.values.keys()].map((name) => ({ name, kind: "pv" as const })),
    ...wind.map((column) => ({ name: column.slice(0, -"_actual".length), kind: "wind" as const })),
  ];
}

/** The regions whose loads err, where loads do, in the order of the file. */
export const loadSourcesOf = (series: SeriesSet): Source[] =>
  [...series.load.values.keys()].map((name) => ({ name, kind: "load" }));

function actualAt(series: SeriesSet, { name, kind }: Source, ms: number): number {
  return kind === "wind" ? at(series.wind, `${name}_actual`, ms) : at(series[kind], name, ms);
}

/**
 * Wind: the published day-ahead forecast. PV has none: persistence, the mean of the seven days before at the same hour.
 * Nor has load: as the day before, which errs by less than a mean of days or the week before.
 */
function forecastAt(series: SeriesSet, source: Source, ms: number): number {
  if (source.kind === "load") return at(series.load, source.name, ms - DAY_MS);
  if (source.kind === "wind") return at(series.wind, `${source.name}_forecast`, ms);
  let sum = 0;
  for (let day = 1; day <= PERSISTENCE_DAYS; day++) sum += at(series.pv, source.name, ms - day * DAY_MS);
  return sum / PERSISTENCE_DAYS;
}

/** Even weeks of the window, counted from its oldest day, are for fitting; odd weeks are held out for testing. */
export function isFittingDay(dayOffset: number): boolean {
  return Math.floor(dayOffset / 7) % 2 === 0;
}

const nano = (value: number): number => Math.round(value * 1e9) / 1e9;

/**
 * Errors (actual - forecast, of loads the other way round) of the 60 days before at the same hour, for `hours` hours
 * from `startMs`. The mean error of the fitting days moves into the forecast, clip(forecast + mean, 0, 1), and out of
 * the errors of both sets, so that the ambiguity set has mean zero and the held-out days stay unseen.
 */
export function sourceForecasts(
  series: SeriesSet,
  sources: readonly Source[],
  startMs: number,
  hours: number,
): SourceForecasts {
  const result: SourceForecasts = { forecast: [], actual: [], fitErrors: [], testErrors: [] };
  for (let hour = 0; hour < hours; hour++) {
    const ms = startMs + hour * HOUR_MS;
    const errors = Array.from({ length: WINDOW_DAYS }, (_, day) => {
      const then = ms - (WINDOW_DAYS - day) * DAY_MS;
      return sources.map((source) => {
        const more = actualAt(series, source, then) - forecastAt(series, source, then);
        // An error is what is injected more.
        return source.kind === "load" ? -more : more;
      });
    });
    const fitting = errors.filter((_, day) => isFittingDay(day));
    const bias = math.mean(fitting, 0) as unknown as number[];
    const debias = (sample: number[]): number[] => sample.map((error, s) => nano(error - bias[s]));
    result.fitErrors.push(fitting.map(debias));
    result.testErrors.push(errors.filter((_, day) => !isFittingDay(day)).map(debias));
    result.forecast.push(sources.map((s, i) => nano(Math.min(1, Math.max(0, forecastAt(series, s, ms) + bias[i])))));
    result.actual.push(sources.map((s) => nano(actualAt(series, s, ms))));
  }
  return result;
}
