/**
 * Solves the square system M x = b (row-major, both overwritten) by elimination with partial pivoting; false when
 * singular.
 */
export function solveInPlace(M: Float64Array, b: Float64Array, n: number): boolean {
  for (let j = 0; j < n; j++) {
    let pivot = j;
    let largest = Math.abs(M[j * n + j]);
    for (let i = j + 1; i < n; i++) {
      const size = Math.abs(M[i * n + j]);
      if (size > largest) {
        largest = size;
        pivot = i;
      }
    }
    if (!(largest > 1e-300)) return false;
    if (pivot !== j) {
      for (let k = j; k < n; k++) {
        const keep = M[j * n + k];
        M[j * n + k] = M[pivot * n + k];
        M[pivot * n + k] = keep;
      }
      const keep = b[j];
      b[j] = b[pivot];
      b[pivot] = keep;
    }
    const inverse = 1 / M[j * n + j];
    // A row may end before the last column: rows of limits that do not bind have nothing but a diagonal.
    let end = n;
    while (end > j + 1 && M[j * n + end - 1] === 0) end--;
    const across = end - j;
    const top = j * n + j;
    for (let i = j + 1, row = top + n; i < n; i++, row += n) {
      const factor = M[row] * inverse;
      if (factor === 0) continue;
      for (let k = 1; k < across; k++) M[row + k] -= factor * M[top + k];
      b[i] -= factor * b[j];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = b[i];
    for (let k = i + 1; k < n; k++) sum -= M[i * n + k] * b[k];
    b[i] = sum / M[i * n + i];
  }
  return true;
}
