import * as math from "mathjs";
import type { ErrorPart } from "../market/scenario/errorParts.ts";
import type { Random } from "./prng.ts";
import { cholesky, solveLower, spectralNorm, squareRoot, type Matrix } from "./symmetric.ts";

/** Below this standard deviation, p.u. of rating, there is nothing to answer (market-model: section 2). */
export const NEGLIGIBLE_SIGMA = 0.004;

/** What somebody's error is the sum of. */
export type Uncertain = readonly ErrorPart[];

export interface HourMoments {
  /** [row][column of `uncertain`] F with Sigma = F'F, MW; one row per source that errs in this hour. */
  readonly factor: Matrix;
  readonly robustRadius: number;
}

export interface BootstrapRadii {
  readonly mean: number;
  readonly std: number;
}

function covariance(samples: Matrix): Matrix {
  const mean = math.mean(samples, 0) as unknown as number[];
  const deviations = samples.map((sample) => sample.map((value, s) => value - mean[s]));
  const product = math.multiply(math.transpose(deviations), deviations) as Matrix;
  return product.map((row) => row.map((value) => value / (samples.length - 1)));
}

/** Sources that somebody's error has a part in and that err by more than the negligible. */
function activeSources(samples: Matrix, uncertain: readonly Uncertain[]): number[] {
  const used = [...new Set(uncertain.flat().map(({ source }) => source))].sort((a, b) => a - b);
  return used.filter((source) => Number(math.std(samples.map((sample) => sample[source]))) > NEGLIGIBLE_SIGMA);
}

const pick = (samples: Matrix, sources: readonly number[]): Matrix => samples.map((row) => sources.map((s) => row[s]));

/**
 * Moments of one hour's errors from its fitting samples [sample][source], p.u. of rating. With L the Cholesky factor of
 * the sources' covariance and M the matrix that scales each source to the MW of the parts mapped to it, F = L' M.
 * The robust radius is the largest norm(Sigma^{-1/2} xi) over the samples, which is norm(L^{-1} s) whatever the
 * mapping.
 */
export function hourMoments(samples: Matrix, uncertain: readonly Uncertain[]): HourMoments {
  const sources = activeSources(samples, uncertain);
  const active = pick(samples, sources);
  const lower = cholesky(sources.length > 0 ? covariance(active) : []);
  const row = new Map(sources.map((source, i) => [source, i]));
  const factor = sources.map((_, k) =>
    uncertain.map((parts) =>
      parts.reduce((sum, { ratingMw, source }) => {
        const i = row.get(source);
        return i === undefined ? sum : sum + lower[i][k] * ratingMw;
      }, 0),
    ),
  );
  const norms = active.map((sample) => Math.sqrt(solveLower(lower, sample).reduce((sum, z) => sum + z * z, 0)));
  return { factor, robustRadius: sources.length > 0 ? Math.max(...norms) : 0 };
}

/**
 * How far mean and standard deviation may be off, MW: bootstrap 95 % quantiles of norm(mean_b - mean) and of
 * norm(G_b - G, 2), with G the symmetric root of the rating-scaled covariance, so that for every a
 * abs(norm(G_b a) - norm(G a)) <= norm(G_b - G, 2) norm(a).
 */
export function bootstrapRadii(
  samples: Matrix,
  uncertain: readonly Uncertain[],
  resamples: number,
  random: Random,
): BootstrapRadii {
  const sources = activeSources(samples, uncertain);
  if (sources.length === 0) return { mean: 0, std: 0 };
  // Parts on one source err together: in MW they are one direction of length sqrt(sum of rating^2). Whose error has
  // several parts counts in the direction of each, so norms add up to at most the root of how many times its own.
  const most = Math.sqrt(Math.max(...uncertain.map((parts) => parts.length)));
  const scale = sources.map((source) => {
    const own = uncertain.flat().filter((part) => part.source === source);
    return most * Math.sqrt(own.reduce((sum, { ratingMw }) => sum + ratingMw * ratingMw, 0));
  });
  const scaled = pick(samples, sources).map((sample) => sample.map((value, i) => value * scale[i]));
  const mean = math.mean(scaled, 0) as unknown as number[];
  const root = squareRoot(covariance(scaled));
  const meanErrors: number[] = [];
  const rootErrors: number[] = [];
  for (let b = 0; b < resamples; b++) {
    const drawn = scaled.map(() => scaled[Math.floor(random() * scaled.length)]);
    const drawnMean = math.mean(drawn, 0) as unknown as number[];
    meanErrors.push(Math.sqrt(drawnMean.reduce((sum, m, i) => sum + (m - mean[i]) * (m - mean[i]), 0)));
    const drawnRoot = squareRoot(covariance(drawn));
    rootErrors.push(spectralNorm(drawnRoot.map((r, i) => r.map((value, j) => value - root[i][j]))));
  }
  return { mean: Number(math.quantileSeq(meanErrors, 0.95)), std: Number(math.quantileSeq(rootErrors, 0.95)) };
}
