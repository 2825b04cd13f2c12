import type { ConicModel, Terms } from "../../numerics/conicModel.ts";
import type { RiskMethod } from "../scenario/scenario.ts";

/** Affine expression in the model's variables. */
export type Affine = { readonly terms: Terms; readonly constant: number };

/**
 * One two-sided limit lower <= centre + spread'zeta <= upper, zeta with zero mean and unit covariance.
 * `spread`: rows of Sigma^{1/2} a. `coefficients`: a itself, needed for estimated moments only.
 */
export type TwoSided = {
  readonly centre: Affine;
  readonly spread: readonly Affine[];
  readonly coefficients: readonly Affine[];
  readonly lower: Affine;
  readonly upper: Affine;
};

export type RiskLevel = {
  readonly method: RiskMethod;
  readonly epsilon: number;
  /** Half width of a symmetric limit in standard deviations (not used by ts-drcc). */
  readonly halfWidth: number;
  readonly meanRadius: number;
  readonly stdRadius: number;
  /** The limit stays one cone, where few of many bind; otherwise its rows are written out. */
  readonly whole?: boolean;
};

const combine = (a: Affine, ca: number, b: Affine, cb: number): Affine => ({
  terms: [...a.terms.map(([v, c]) => [v, ca * c] as const), ...b.terms.map(([v, c]) => [v, cb * c] as const)],
  constant: ca * a.constant + cb * b.constant,
});

/** expression <= 0 as a row. */
const atMostZero = (model: ConicModel, e: Affine): void => {
  model.lessEqual(e.terms, -e.constant);
};
const ZERO: Affine = { terms: [], constant: 0 };
const isZero = (e: Affine): boolean => e.constant === 0 && e.terms.every(([, c]) => c === 0);

/**
 * Adds inf P(lower <= Z <= upper) >= 1 - eps to the model, exactly for ts-drcc (Xie and Ahmed 2018, theorem 2):
 * abs(centre - c) + r1 norm(a) <= y + pi, norm(y, s + r2 norm(a)) <= sqrt(eps) (T - pi), 0 <= pi <= T, y >= 0.
 * The comparators share the form abs(centre - c) + r1 norm(a) + K (s + r2 norm(a)) <= T.
 */
export function addTwoSided(model: ConicModel, limit: TwoSided, level: RiskLevel): void {
  const { lower, upper, centre } = limit;
  const spread = limit.spread.filter((r) => !isZero(r));
  if (level.method === "deterministic" || spread.length === 0) {
    atMostZero(model, combine(centre, 1, upper, -1));
    atMostZero(model, combine(lower, 1, centre, -1));
    return;
  }
  const T = combine(upper, 0.5, lower, -0.5);
  const offset = combine(centre, 1, combine(upper, 0.5, lower, 0.5), -1);
  if (level.whole && level.method === "ts-drcc" && level.meanRadius === 0 && level.stdRadius === 0) {
    model.limit([T, offset, ...spread], level.epsilon);
    return;
  }
  // widening = extra allowance for estimated moments on the mean and on the deviation
  let meanExtra: Terms = [];
  let deviation: Affine[] = spread;
  if (level.meanRadius > 0 || level.stdRadius > 0) {
    // In MW (p.u.^2), as everything else in the model: the bare norm of the coefficients is thousands where errors are
    // small.
    const unit = Math.max(level.meanRadius, level.stdRadius);
    const size = model.add();
    const scaled = limit.coefficients.filter((r) => !isZero(r));
    model.cone([{ terms: [[size, 1]], constant: 0 }, ...scaled.map((r) => combine(r, unit, ZERO, 1))]);
    meanExtra = [[size, level.meanRadius / unit]];
    const s = model.add();
    model.cone([{ terms: [[s, 1]], constant: 0 }, ...spread]);
    deviation = [
      {
        terms: [
          [s, 1],
          [size, level.stdRadius / unit],
        ],
        constant: 0,
      },
    ];
  }
  if (level.method === "ts-drcc") {
    const y = model.bounded(0, Infinity);
    const pi = model.bounded(0, Infinity);
    atMostZero(model, { terms: [[pi, 1], ...T.terms.map(([v, c]) => [v, -c] as const)], constant: -T.constant });
    for (const sign of [1, -1])
      atMostZero(model, {
        terms: [...offset.terms.map(([v, c]) => [v, sign * c] as const), ...meanExtra, [y, -1], [pi, -1]],
        constant: sign * offset.constant,
      });
    const root = Math.sqrt(level.epsilon);
    model.cone([
      { terms: [...T.terms.map(([v, c]) => [v, root * c] as const), [pi, -root]], constant: root * T.constant },
      { terms: [[y, 1]], constant: 0 },
      ...deviation,
    ]);
    return;
  }
  const s = model.add();
  model.cone([{ terms: [[s, 1]], constant: 0 }, ...deviation]);
  for (const sign of [1, -1])
    atMostZero(model, {
      terms: [
        ...offset.terms.map(([v, c]) => [v, sign * c] as const),
        ...meanExtra,
        [s, level.halfWidth],
        ...T.terms.map(([v, c]) => [v, -c] as const),
      ],
      constant: sign * offset.constant - T.constant,
    });
}

/**
 * Smallest half width T that satisfies the limit, for centre offset m = abs(b + a'mu - c) and deviation s, both >= 0.
 * For ts-drcc: m + s sqrt((1-eps)/eps) while s <= m sqrt((1-eps)/eps), else sqrt((m^2 + s^2)/eps). Convex in (m, s).
 */
export function requiredHalfWidth(
  m: number,
  s: number,
  level: Pick<RiskLevel, "method" | "epsilon" | "halfWidth">,
): number {
  if (level.method !== "ts-drcc") return level.method === "deterministic" ? m : m + level.halfWidth * s;
  const k = Math.sqrt((1 - level.epsilon) / level.epsilon);
  return s <= k * m ? m + k * s : Math.sqrt((m * m + s * s) / level.epsilon);
}

/** Worst-case violation of abs(Z - c) <= T over all distributions with these moments, closed form. */
export function worstCaseViolation(m: number, s: number, T: number): number {
  if (m > T) return 1;
  if (s === 0) return 0;
  if (s * s <= m * (T - m)) return (s * s) / (s * s + (T - m) * (T - m));
  return Math.min(1, (s * s + m * m) / (T * T));
}
