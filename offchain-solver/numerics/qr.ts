/**
 * Upper-triangular R (rank rows) with R'R = M'M, by modified Gram-Schmidt on the columns of M.
 * Only norms of M x are ever needed, so R may stand for M: fewer rows, and column j ends at row j.
 * @param columns m columns of equal length
 * @returns the m columns of R, each of length r = number of independent columns
 */
export function triangularFactor(columns: readonly ArrayLike<number>[]): Float64Array[] {
  const basis: Float64Array[] = [];
  const coefficients: number[][] = [];
  for (const column of columns) {
    const rest = Float64Array.from(column);
    const before = norm(rest);
    const mine: number[] = [];
    for (const q of basis) {
      const c = dot(q, rest);
      mine.push(c);
      for (let k = 0; k < rest.length; k++) rest[k] -= c * q[k];
    }
    // A second pass removes what cancellation left behind.
    basis.forEach((q, b) => {
      const c = dot(q, rest);
      mine[b] += c;
      for (let k = 0; k < rest.length; k++) rest[k] -= c * q[k];
    });
    const left = norm(rest);
    if (left > 1e-12 * before) {
      for (let k = 0; k < rest.length; k++) rest[k] /= left;
      basis.push(rest);
      mine.push(left);
    }
    coefficients.push(mine);
  }
  return coefficients.map((mine) => {
    const out = new Float64Array(basis.length);
    mine.forEach((c, k) => (out[k] = c));
    return out;
  });
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

export function norm(a: ArrayLike<number>): number {
  return Math.sqrt(dot(a, a));
}
