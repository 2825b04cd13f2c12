/**
 * Dense symmetric matrices of at most sixteen rows, as arrays of rows. Only + - * / and sqrt, so that the numbers do
 * not depend on the engine (mathjs' sqrtm inverts its argument, and the covariance of PV plants at night has no
 * inverse).
 */
export type Matrix = number[][];

/**
 * Eigenvalues and, in columns, eigenvectors of a symmetric matrix: cyclic Jacobi rotations until the rest is rounding.
 */
export function eigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  const n = matrix.length;
  const a = matrix.map((row) => [...row]);
  const v: Matrix = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  const scale = Math.max(...a.flat().map(Math.abs), 0);
  for (let sweep = 0; sweep < 60; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++) for (let q = 0; q < p; q++) rest = Math.max(rest, Math.abs(a[p][q]));
    if (rest <= 1e-15 * scale) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p][q];
        if (Math.abs(apq) <= 1e-17 * scale) continue;
        const theta = (a[q][q] - a[p][p]) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) rotate(a[k], p, q, c, s);
        for (let k = 0; k < n; k++) {
          const [x, y] = [a[p][k], a[q][k]];
          a[p][k] = c * x - s * y;
          a[q][k] = s * x + c * y;
        }
        for (let k = 0; k < n; k++) rotate(v[k], p, q, c, s);
      }
    }
  }
  return { values: a.map((row, i) => row[i]), vectors: v };
}

function rotate(row: number[], p: number, q: number, c: number, s: number): void {
  const [x, y] = [row[p], row[q]];
  row[p] = c * x - s * y;
  row[q] = s * x + c * y;
}

/** The symmetric square root of a positive semidefinite matrix; eigenvalues below zero by rounding count as zero. */
export function squareRoot(matrix: Matrix): Matrix {
  const { values, vectors } = eigen(matrix);
  const roots = values.map((value) => Math.sqrt(Math.max(0, value)));
  return matrix.map((_, i) =>
    matrix.map((__, j) => roots.reduce((sum, root, k) => sum + vectors[i][k] * root * vectors[j][k], 0)),
  );
}

/** Largest absolute eigenvalue, the spectral norm of a symmetric matrix. */
export function spectralNorm(matrix: Matrix): number {
  return Math.max(0, ...eigen(matrix).values.map(Math.abs));
}

/**
 * Cholesky factor L (lower triangular, L L' = matrix) of a positive semidefinite matrix. A pivot below 1e-10 of its
 * diagonal entry is a direction already spanned by the rows above: its column is left zero.
 */
export function cholesky(matrix: Matrix): Matrix {
  const n = matrix.length;
  const lower: Matrix = matrix.map(() => new Array<number>(n).fill(0));
  for (let j = 0; j < n; j++) {
    let pivot = matrix[j][j];
    for (let k = 0; k < j; k++) pivot -= lower[j][k] * lower[j][k];
    if (pivot <= 1e-10 * matrix[j][j]) continue;
    lower[j][j] = Math.sqrt(pivot);
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k++) sum -= lower[i][k] * lower[j][k];
      lower[i][j] = sum / lower[j][j];
    }
  }
  return lower;
}

/** z of least effort with L z = b, for a factor of `cholesky`; rows whose column is zero carry no coordinate. */
export function solveLower(lower: Matrix, b: readonly number[]): number[] {
  const z = new Array<number>(b.length).fill(0);
  for (let i = 0; i < b.length; i++) {
    if (lower[i][i] === 0) continue;
    let sum = b[i];
    for (let k = 0; k < i; k++) sum -= lower[i][k] * z[k];
    z[i] = sum / lower[i][i];
  }
  return z;
}
