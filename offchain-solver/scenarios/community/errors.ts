import * as math from "mathjs";
import { isFittingDay } from "../forecastErrors.ts";
import { NEGLIGIBLE_SIGMA } from "../moments.ts";
import { cholesky, solveLower, type Matrix } from "../symmetric.ts";
import { forecastKw, meanKw, type Forecaster } from "./forecasts.ts";

const DAY_MS = 86_400_000;

/**
 * What is believed of a day-ahead forecast of panels before a day was seen: it errs by a deviation of .3 of itself, and
 * neighbours under one sky err together with correlation .8. It weighs as much as ten days that were seen.
 */
export const PRIOR = { share: 0.3, correlation: 0.8, days: 10 } as const;
/** Radius of the robust comparator where few days were seen: three deviations. */
const LEAST_RADIUS = 3;
/** Sources that a market can have; with more panels, neighbours share one. */
export const MOST_SOURCES = 16;

/** Panels whose errors are looked for: their rating, how they are forecast, and what they did. */
export type Panels = { readonly ratingKw: number; readonly forecaster: Forecaster };

/** p.u. of rating: forecasts [period][panels]; errors [period][day][source], fitting and held out; moments. */
export type Errors = {
  readonly sourceOf: readonly number[];
  readonly sources: number;
  readonly forecast: Matrix;
  readonly fitErrors: number[][][];
  readonly testErrors: number[][][];
  /** [period][row][source] F with Sigma = F'F, p.u. of rating. */
  readonly factor: number[][][];
  readonly robustRadius: number[];
  /** How many days were fitted on, and held out. */
  readonly days: { readonly fit: number; readonly test: number };
};

const nano = (value: number): number => Math.round(value * 1e9) / 1e9;
const clip = (value: number): number => Math.min(1, Math.max(0, value));

/**
 * Forecasts of a session's periods and the errors of the days before it, debiased as the shipped cases are: days of
 * even weeks are fitted on, the others held out. The covariance is that of the fitted days, n of them, and of the
 * prior: (n S + 10 P)/(n + 10); the bias is shrunk alike. A day on which any panels lack a value counts for none.
 */
export function errorsOf(panels: readonly Panels[], periodsMs: readonly number[], days: number): Errors {
  const sources = Math.min(MOST_SOURCES, panels.length);
  const sourceOf = panels.map((_, k) => Math.floor((k * sources) / panels.length));
  const seen = historyOf(panels, periodsMs, days);
  const result: Pick<Errors, "forecast" | "fitErrors" | "testErrors" | "factor" | "robustRadius"> = {
    forecast: [],
    fitErrors: [],
    testErrors: [],
    factor: [],
    robustRadius: [],
  };
  const fit = seen.filter(({ fitting }) => fitting);
  const weight = fit.length / (fit.length + PRIOR.days);
  periodsMs.forEach((ms, t) => {
    const bias = panels.map(
      (_, i) => weight * (fit.length === 0 ? 0 : Number(math.mean(fit.map((day) => day.errors[t][i])))),
    );
    const forecast = panels.map(({ ratingKw, forecaster }, i) =>
      nano(clip(forecastKw(forecaster, ms) / ratingKw + bias[i])),
    );
    const debiased = (all: typeof seen): Matrix =>
      grouped(
        all.map(({ errors }) => errors[t].map((e, i) => nano(e - bias[i]))),
        sourceOf,
        sources,
      );
    const samples = debiased(fit);
    const believed = Array.from({ length: sources }, (_, s) => {
      const own = forecast.filter((__, i) => sourceOf[i] === s);
      return own.length === 0 ? 0 : PRIOR.share * Math.sqrt(own.reduce((sum, f) => sum + f * f, 0) / own.length);
    });
    const { factor, radius } = momentsOf(samples, believed);
    result.forecast.push(forecast);
    result.fitErrors.push(samples);
    result.testErrors.push(debiased(seen.filter(({ fitting }) => !fitting)));
    result.factor.push(factor);
    result.robustRadius.push(radius);
  });
  return { ...result, sourceOf, sources, days: { fit: fit.length, test: seen.length - fit.length } };
}

type Day = { readonly fitting: boolean; readonly errors: number[][] };

/** Errors (actual - forecast) of the days before, oldest first; days that lack a value are left out. */
function historyOf(panels: readonly Panels[], periodsMs: readonly number[], days: number): Day[] {
  const lag = panels[0]?.forecaster.lagDays ?? 1;
  return Array.from({ length: days }, (_, k) => k).flatMap((k): Day[] => {
    const back = (lag + days - 1 - k) * DAY_MS;
    const errors = periodsMs.map((ms) =>
      panels.map(({ ratingKw, forecaster }) => {
        const { history, periodMs } = forecaster;
        const actual = history === undefined ? NaN : meanKw(history, ms - back, periodMs);
        return (actual - forecastKw(forecaster, ms - back)) / ratingKw;
      }),
    );
    return errors.flat().some(Number.isNaN) ? [] : [{ fitting: isFittingDay(k), errors }];
  });
}

/**
 * Errors of the sources [day][source]. Panels that share a source are taken to err together, by the root mean square of
 * their deviations: more careful than they are.
 */
function grouped(samples: Matrix, sourceOf: readonly number[], sources: number): Matrix {
  if (sources === sourceOf.length) return samples;
  const members = Array.from({ length: sources }, (_, s) => sourceOf.flatMap((source, i) => (source === s ? [i] : [])));
  const square = (values: readonly number[]): number => values.reduce((sum, v) => sum + v * v, 0);
  const means = samples.map((sample) => members.map((of) => of.reduce((sum, i) => sum + sample[i], 0) / of.length));
  const scale = members.map((of, s) => {
    const own = samples.reduce((sum, sample) => sum + square(of.map((i) => sample[i])) / of.length, 0);
    const mean = square(means.map((row) => row[s]));
    return mean > 0 ? Math.sqrt(own / mean) : 1;
  });
  return means.map((row) => row.map((value, s) => nano(value * scale[s])));
}

/** Moments of one period: the covariance of the samples shrunk towards what is believed. */
function momentsOf(samples: Matrix, believed: readonly number[]): { factor: Matrix; radius: number } {
  const n = samples.length >= 2 ? samples.length : 0;
  const mean = believed.map((_, s) => (n === 0 ? 0 : samples.reduce((sum, row) => sum + row[s], 0) / n));
  const entry = (i: number, j: number): number => {
    const seen = n === 0 ? 0 : samples.reduce((sum, row) => sum + (row[i] - mean[i]) * (row[j] - mean[j]), 0) / (n - 1);
    const prior = believed[i] * believed[j] * (i === j ? 1 : PRIOR.correlation);
    return (n * seen + PRIOR.days * prior) / (n + PRIOR.days);
  };
  const active = believed.flatMap((_, s) => (Math.sqrt(entry(s, s)) > NEGLIGIBLE_SIGMA ? [s] : []));
  const lower = cholesky(active.map((i) => active.map((j) => entry(i, j))));
  const row = new Map(active.map((source, k) => [source, k]));
  const factor = active.map((_, k) => believed.map((__, s) => (row.has(s) ? lower[row.get(s)!][k] : 0)));
  const norms = samples.map((sample) =>
    Math.sqrt(
      solveLower(
        lower,
        active.map((s) => sample[s]),
      ).reduce((sum, z) => sum + z * z, 0),
    ),
  );
  return { factor, radius: active.length === 0 ? 0 : Math.max(LEAST_RADIUS, ...norms) };
}
