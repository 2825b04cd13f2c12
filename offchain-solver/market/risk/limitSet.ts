/**
 * The set {(b, a): required half width of (abs(b), norm(a)) <= T} of one two-sided chance constraint, and its
 * projection in closed form. In the plane m = abs(b), s = norm(a) its boundary is, for ts-drcc, the segment m + k s = T
 * from (T, 0) to (eps T, k eps T) and from there the circle of radius sqrt(eps) T, k = sqrt((1-eps)/eps); for the
 * comparators the segment m + K s = T down to (0, T/K).
 */
export type LimitSet = {
  readonly T: number;
  /** Slope of the segment: k, or the comparator's half width K. */
  readonly slope: number;
  /** Smallest m on the segment: eps T where the circle takes over, 0 for the comparators. */
  readonly corner: number;
  /** sqrt(eps) T, or 0 where there is no circle. */
  readonly radius: number;
};

export function limitSet(T: number, method: string, epsilon: number, halfWidth: number): LimitSet {
  if (method === "ts-drcc") {
    const slope = Math.sqrt((1 - epsilon) / epsilon);
    return { T, slope, corner: epsilon * T, radius: Math.sqrt(epsilon) * T };
  }
  return { T, slope: halfWidth, corner: 0, radius: 0 };
}

/** Derivative of the planar projection: row-major 2x2, and how much a direction across `a` shrinks. */
export type PlanarJacobian = { mm: number; ms: number; sm: number; ss: number; across: number; inside: boolean };

/** Where one limit's rows (b, a_1..a_r) stand among those of many. */
export type Span = { readonly offset: number; readonly size: number };

/**
 * Projects w = (b, a_1..a_r), the span of `point`, on the set; writes the projection to `out` and the Jacobian's planar
 * form to `jacobian`.
 */
export function projectLimit(
  set: LimitSet,
  point: Float64Array,
  { offset, size }: Span,
  out: Float64Array,
  jacobian: PlanarJacobian,
): void {
  const b = point[offset];
  const m = Math.abs(b);
  let s = 0;
  for (let r = 1; r < size; r++) s += point[offset + r] * point[offset + r];
  s = Math.sqrt(s);
  const { T, slope, corner, radius } = set;
  const insideArc = radius > 0 && s > slope * m;
  const inside = insideArc ? m * m + s * s <= radius * radius : m + slope * s <= T;
  if (inside) {
    for (let r = 0; r < size; r++) out[offset + r] = point[offset + r];
    jacobian.inside = true;
    return;
  }
  jacobian.inside = false;
  const step = (m + slope * s - T) / (1 + slope * slope);
  let pm = m - step;
  let ps = s - slope * step;
  if (ps <= 0) {
    pm = T;
    ps = 0;
    jacobian.mm = jacobian.ms = jacobian.sm = jacobian.ss = 0;
  } else if (pm < corner) {
    if (radius > 0) {
      const length = Math.sqrt(m * m + s * s);
      const [um, us] = [m / length, s / length];
      const shrink = radius / length;
      pm = radius * um;
      ps = radius * us;
      jacobian.mm = shrink * (1 - um * um);
      jacobian.ms = jacobian.sm = -shrink * um * us;
      jacobian.ss = shrink * (1 - us * us);
    } else {
      pm = 0;
      ps = T / slope;
      jacobian.mm = jacobian.ms = jacobian.sm = jacobian.ss = 0;
    }
  } else {
    const n = 1 / (1 + slope * slope);
    jacobian.mm = 1 - n;
    jacobian.ms = jacobian.sm = -slope * n;
    jacobian.ss = 1 - slope * slope * n;
  }
  jacobian.across = s > 0 ? ps / s : 0;
  out[offset] = b < 0 ? -pm : pm;
  for (let r = 1; r < size; r++) out[offset + r] = point[offset + r] * jacobian.across;
}

/** Support function of the set at a multiplier: the most that mu_b b + mu_a'a can be inside it. */
export function supportOf(set: LimitSet, multiplier: readonly number[]): number {
  const p = Math.abs(multiplier[0]);
  let q = 0;
  for (let r = 1; r < multiplier.length; r++) q += multiplier[r] * multiplier[r];
  q = Math.sqrt(q);
  const { T, slope, radius } = set;
  if (q <= slope * p) return p * T;
  return radius > 0 ? radius * Math.sqrt(p * p + q * q) : Math.max(p * T, (q * T) / slope);
}
