import type { Random } from "../../scenarios/prng.ts";

/** Writes one draw of zeta: zero mean, unit covariance. */
export type Draw = (zeta: Float64Array) => void;

/** Standard normal numbers by Box and Muller; the second of a pair is kept. */
export function normals(random: Random): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const kept = spare;
      spare = undefined;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

export const SHAPES = ["gaussian", "laplace", "skewed", "mixture"] as const;
export type Shape = (typeof SHAPES)[number];

/**
 * Shapes with the same two moments and very different tails:
 * laplace: a normal vector times sqrt(Exp(1)), the multivariate symmetric Laplace law; skewed: independent centred
 * exponentials (skewness 2), mixed by the factor; mixture: calm days (weight .9, sd .5) and wild ones (weight .1, sd
 * sqrt(7.75)).
 */
export function drawOf(shape: Shape, random: Random): Draw {
  const normal = normals(random);
  const exponential = (): number => -Math.log(1 - random());
  const scaled =
    (scale: () => number): Draw =>
    (zeta) => {
      const factor = scale();
      for (let k = 0; k < zeta.length; k++) zeta[k] = factor * normal();
    };
  switch (shape) {
    case "gaussian":
      return scaled(() => 1);
    case "laplace":
      return scaled(() => Math.sqrt(exponential()));
    case "skewed":
      return (zeta) => {
        for (let k = 0; k < zeta.length; k++) zeta[k] = exponential() - 1;
      };
    case "mixture":
      return scaled(() => (random() < 0.9 ? 0.5 : Math.sqrt(7.75)));
  }
}

/**
 * The extremal law of abs(offset + s w) <= T among all w of mean 0 and variance 1 (Cantelli on one side while
 * s^2 <= m (T - m), m = abs(offset); three points at -T, 0, T beyond it; Xie and Ahmed 2018). `violation` is the mass
 * it puts on the limits themselves: give a T a little beyond the limit to see it counted.
 */
export function extremal(
  offset: number,
  s: number,
  T: number,
  random: Random,
): { violation: number; draw: () => number } {
  const m = Math.abs(offset);
  const sign = offset < 0 ? -1 : 1;
  if (s * s <= m * (T - m)) {
    const violation = (s * s) / (s * s + (T - m) * (T - m));
    return { violation, draw: () => (sign * (random() < violation ? T - m : -(s * s) / (T - m))) / s };
  }
  const violation = (s * s + m * m) / (T * T);
  if (violation > 1) throw new Error(`half width ${T} holds nothing: offset ${offset}, deviation ${s}`);
  const [high, low] = [(violation + m / T) / 2, (violation - m / T) / 2];
  return {
    violation,
    draw: () => {
      const u = random();
      const z = u < high ? T : u < high + low ? -T : 0;
      return (sign * (z - m)) / s;
    },
  };
}

/** zeta with `draw()` along `direction` and independent normals across it: the constraint sees only the former. */
export function along(direction: Float64Array, draw: () => number, random: Random): Draw {
  const normal = normals(random);
  const length = Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0));
  const unit = direction.map((d) => d / length);
  return (zeta) => {
    for (let k = 0; k < zeta.length; k++) zeta[k] = normal();
    const excess = draw() - unit.reduce((sum, u, k) => sum + u * zeta[k], 0);
    for (let k = 0; k < zeta.length; k++) zeta[k] += excess * unit[k];
  };
}
