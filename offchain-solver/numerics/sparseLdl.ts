/**
 * L D L' of a symmetric quasi-definite matrix whose pattern never changes: ordering and pattern of L are found once,
 * numbers are refactored into the same arrays (up-looking, Davis 2005). Quasi-definite matrices factor in any order
 * (Vanderbei 1995), so no pivoting takes place and the bits depend on the input alone.
 */
export class SparseLdl {
  readonly size: number;
  /** [old] new place in the elimination order. */
  readonly #place: Int32Array;
  /** Upper triangle by columns in the elimination order; `slot` of the caller's entries in `values`. */
  readonly #colPtr: Int32Array;
  readonly #rowIdx: Int32Array;
  readonly values: Float64Array;
  readonly #slots = new Map<number, number>();
  /** Rows of L (columns that row k has entries in, ascending) and columns of L. */
  readonly #reachPtr: Int32Array;
  readonly #reach: Int32Array;
  readonly #lPtr: Int32Array;
  readonly #lIdx: Int32Array;
  readonly #l: Float64Array;
  readonly #next: Int32Array;
  readonly #d: Float64Array;
  readonly #work: Float64Array;

  /** @param entries pairs (row, column) of the pattern, either triangle, repeats allowed; diagonals are added. */
  constructor(size: number, entries: Iterable<readonly [number, number]>) {
    this.size = size;
    const near: Set<number>[] = Array.from({ length: size }, () => new Set());
    for (const [a, b] of entries)
      if (a !== b) {
        near[a].add(b);
        near[b].add(a);
      }
    const columns: number[][] = Array.from({ length: size }, () => []);
    this.#place = minimumDegree(near.map((set) => new Set(set)));
    const at = this.#place;
    near.forEach((set, a) => {
      columns[at[a]].push(at[a]);
      for (const b of set) if (at[b] < at[a]) columns[at[a]].push(at[b]);
    });
    for (const column of columns) column.sort((a, b) => a - b);
    this.#colPtr = pointers(columns);
    this.#rowIdx = Int32Array.from(columns.flat());
    this.values = new Float64Array(this.#rowIdx.length);
    columns.forEach((column, c) => column.forEach((r, k) => this.#slots.set(r * size + c, this.#colPtr[c] + k)));

    // Row k of L reaches what the elimination tree leads to from the entries of column k.
    const parent = new Int32Array(size).fill(-1);
    const mark = new Int32Array(size).fill(-1);
    const reach = columns.map((column, k) => {
      const found: number[] = [];
      mark[k] = k;
      for (const start of column)
        for (let i = start; mark[i] !== k; i = parent[i]) {
          if (parent[i] < 0) parent[i] = k;
          mark[i] = k;
          found.push(i);
        }
      return found.sort((a, b) => a - b);
    });
    this.#reachPtr = pointers(reach);
    this.#reach = Int32Array.from(reach.flat());
    const lower: number[][] = Array.from({ length: size }, () => []);
    reach.forEach((row, k) => row.forEach((i) => lower[i].push(k)));
    this.#lPtr = pointers(lower);
    this.#lIdx = Int32Array.from(lower.flat());
    this.#l = new Float64Array(this.#lIdx.length);
    this.#next = new Int32Array(size);
    this.#d = new Float64Array(size);
    this.#work = new Float64Array(size);
  }

  /** Entries of L below the diagonal. */
  get fill(): number {
    return this.#lIdx.length;
  }

  /** Where entry (a, b) = (b, a) stands in `values`. */
  slot(a: number, b: number): number {
    const [i, j] = [this.#place[a], this.#place[b]];
    const slot = this.#slots.get(i < j ? i * this.size + j : j * this.size + i);
    if (slot === undefined) throw new Error(`entry ${a}, ${b} is not in the pattern`);
    return slot;
  }

  /** Factors `values`; false on a zero pivot. */
  factor(): boolean {
    const { size, values } = this;
    const [colPtr, rowIdx, reachPtr, reach] = [this.#colPtr, this.#rowIdx, this.#reachPtr, this.#reach];
    const [lPtr, lIdx, l, next, d, y] = [this.#lPtr, this.#lIdx, this.#l, this.#next, this.#d, this.#work];
    for (let k = 0; k < size; k++) {
      next[k] = lPtr[k];
      for (let p = colPtr[k]; p < colPtr[k + 1]; p++) y[rowIdx[p]] = values[p];
      let pivot = y[k];
      y[k] = 0;
      for (let r = reachPtr[k]; r < reachPtr[k + 1]; r++) {
        const i = reach[r];
        const yi = y[i];
        const end = next[i]++;
        if (yi === 0) {
          l[end] = 0;
          continue;
        }
        y[i] = 0;
        for (let p = lPtr[i]; p < end; p++) y[lIdx[p]] -= l[p] * yi;
        const lki = yi * d[i];
        pivot -= yi * lki;
        l[end] = lki;
      }
      if (!(pivot !== 0)) return false;
      // The inverse is kept: it is all that is needed later.
      d[k] = 1 / pivot;
    }
    return true;
  }

  /** Overwrites b with the solution, in the caller's order. */
  solve(b: Float64Array): void {
    const { size } = this;
    const [lPtr, lIdx, l, d, x, place] = [this.#lPtr, this.#lIdx, this.#l, this.#d, this.#work, this.#place];
    for (let k = 0; k < size; k++) x[place[k]] = b[k];
    for (let k = 0; k < size; k++) {
      const xk = x[k];
      if (xk !== 0) for (let p = lPtr[k]; p < lPtr[k + 1]; p++) x[lIdx[p]] -= l[p] * xk;
    }
    for (let k = size - 1; k >= 0; k--) {
      let sum = x[k] * d[k];
      for (let p = lPtr[k]; p < lPtr[k + 1]; p++) sum -= l[p] * x[lIdx[p]];
      x[k] = sum;
    }
    for (let k = 0; k < size; k++) b[k] = x[place[k]];
    x.fill(0);
  }
}

/** Where each list starts when they are laid end to end, and where the last one ends. */
export function pointers(lists: readonly { readonly length: number }[]): Int32Array {
  const out = new Int32Array(lists.length + 1);
  lists.forEach((list, k) => (out[k + 1] = out[k] + list.length));
  return out;
}

/** Place of every node when the one with fewest neighbours goes first (lowest number on ties); eats its argument. */
function minimumDegree(near: Set<number>[]): Int32Array {
  const size = near.length;
  const place = new Int32Array(size).fill(-1);
  const degree = Int32Array.from(near, (set) => set.size);
  const placed = 0x7fffffff;
  for (let k = 0; k < size; k++) {
    let best = 0;
    for (let i = 1; i < size; i++) if (degree[i] < degree[best]) best = i;
    place[best] = k;
    degree[best] = placed;
    const around = [...near[best]];
    for (const a of around) {
      const set = near[a];
      set.delete(best);
      for (const b of around) if (a !== b) set.add(b);
      degree[a] = set.size;
    }
  }
  return place;
}
