/** Solves M x = b for symmetric positive definite M (row-major, overwritten) by Cholesky; undefined when M is not. */
export function solveSymmetric(M: Float64Array, b: Float64Array): Float64Array | undefined {
  const n = b.length;
  for (let j = 0; j < n; j++) {
    let d = M[j * n + j];
    for (let k = 0; k < j; k++) d -= M[j * n + k] * M[j * n + k];
    if (!(d > 0)) return undefined;
    const root = Math.sqrt(d);
    M[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let s = M[i * n + j];
      for (let k = 0; k < j; k++) s -= M[i * n + k] * M[j * n + k];
      M[i * n + j] = s / root;
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] -= M[i * n + k] * x[k];
    x[i] /= M[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] -= M[k * n + i] * x[k];
    x[i] /= M[i * n + i];
  }
  return x;
}
