import * as math from "mathjs";
import { uncertainParts } from "../market/scenario/errorParts.ts";
import type { JointErrors, Scenario } from "../market/scenario/scenario.ts";
import { isWholePeriods } from "../market/scenario/scenarioFaults.ts";
import { InputError } from "../io/inputError.ts";
import { NEGLIGIBLE_SIGMA } from "./moments.ts";
import { cholesky, type Matrix } from "./symmetric.ts";

/**
 * How far the fitted covariance over periods is drawn towards (correlation of the same period) x AR(1): few days stand
 * behind it, and what they never showed would count as impossible.
 */
const SHRINKAGE = 0.3;

/**
 * The scenario with reserve that can be delivered for `sustainHours`: until the market is cleared again. The joint law
 * of the errors becomes part of it, so everybody who gets it clears with the same one. Throws InputError.
 */
export function withSustain(scenario: Scenario, sustainHours: number): Scenario {
  const { name, periodHours, risk, uncertainty } = scenario;
  if (sustainHours === 0) return withoutSustain(scenario);
  if (!isWholePeriods(sustainHours, periodHours))
    throw new InputError(`${name}: --sustain ${sustainHours}: must be 0 or a multiple of the period, ${periodHours} h`);
  if ([...risk.meanRadius, ...risk.stdRadius].some((radius) => radius > 0))
    throw new InputError(`${name}: --sustain ${sustainHours}: radii of estimated moments are known by the period only`);
  if (uncertainty.fitErrors.some((samples) => samples.length < 2))
    throw new InputError(`${name}: --sustain ${sustainHours}: uncertainty.fitErrors: needs at least 2 fitted days`);
  return {
    ...scenario,
    risk: { ...risk, sustainHours },
    uncertainty: { ...uncertainty, joint: jointErrors(scenario) },
  };
}

function withoutSustain(scenario: Scenario): Scenario {
  const { sustainHours: _, ...risk } = scenario.risk;
  const { joint: _law, ...uncertainty } = scenario.uncertainty;
  return { ...scenario, risk, uncertainty };
}

const nano = (value: number): number => Math.round(value * 1e9) / 1e9;

function jointErrors(scenario: Scenario): JointErrors {
  const { sources, fitErrors } = scenario.uncertainty;
  const parts = uncertainParts(scenario).flatMap((own, column) => own.map((part) => ({ ...part, column })));
  const errs = (t: number, s: number): boolean => deviation[t][s] > NEGLIGIBLE_SIGMA;
  const centred = fitErrors.map(debiased);
  const deviation = centred.map((samples) => sources.map((_, s) => norm(samples.map((row) => row[s]))));
  const days = centred.map((samples, t) =>
    samples.map((row) => row.map((value, s) => (errs(t, s) ? nano(Math.sqrt(1 - SHRINKAGE) * value) : 0))),
  );
  const lower = cholesky(meanCorrelation(centred, deviation, errs));
  const persistent = centred.map((_, t) =>
    sources.map((_process, k) =>
      sources.map((_source, s) => (errs(t, s) ? nano(Math.sqrt(SHRINKAGE) * lower[s][k] * deviation[t][s]) : 0)),
    ),
  );
  return {
    ratingMw: parts.map(({ ratingMw }) => ratingMw),
    source: parts.map(({ source }) => source),
    // Every error of one part: as it has always been.
    ...(parts.some(({ column }, k) => column !== k) && { column: parts.map(({ column }) => column) }),
    days,
    persistent,
    lag: centred.map((samples, t) => (t === 0 ? 0 : nano(correlation(centred[t - 1], samples)))),
  };
}

/** Deviations from the mean of the days over sqrt(days - 1), so that products of columns are covariances. */
function debiased(samples: Matrix): Matrix {
  const mean = math.mean(samples, 0) as unknown as number[];
  const scale = Math.sqrt(samples.length - 1);
  return samples.map((row) => row.map((value, s) => (value - mean[s]) / scale));
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Correlation of all sources with themselves a period before, pooled, within [0, 1]. */
function correlation(before: Matrix, now: Matrix): number {
  let [cross, first, second] = [0, 0, 0];
  before.forEach((row, day) =>
    row.forEach((value, s) => {
      cross += value * now[day][s];
      first += value * value;
      second += now[day][s] * now[day][s];
    }),
  );
  return cross > 0 ? Math.min(1, cross / Math.sqrt(first * second)) : 0;
}

/**
 * Correlation of the sources in one and the same period, the mean over the periods in which both err; positive definite
 * since a mean of correlations with ones on its diagonal, short of pairs that never err together, which count as
 * independent.
 */
function meanCorrelation(
  centred: readonly Matrix[],
  deviation: readonly (readonly number[])[],
  errs: (t: number, s: number) => boolean,
): Matrix {
  const sources = deviation[0].length;
  // Standardised errors of all periods stacked: a Gram matrix, whatever is missing, with the same weight for a source
  // in each period that it errs in.
  const stacked = centred.flatMap((samples, t) =>
    samples.map((row) => row.map((value, s) => (errs(t, s) ? value / deviation[t][s] : 0))),
  );
  const length = Array.from({ length: sources }, (_, s) => norm(stacked.map((row) => row[s])));
  return length.map((a, i) =>
    length.map((b, j) => {
      if (i === j) return 1;
      if (a === 0 || b === 0) return 0;
      return stacked.reduce((sum, row) => sum + row[i] * row[j], 0) / (a * b);
    }),
  );
}
