import type { ConicProblem, Csc, LimitSpec } from "./conicSolver.ts";

/** Affine expression: sum of coefficient x variable. */
export type Terms = readonly (readonly [variable: number, coefficient: number])[];
export type RowHandle = { readonly cone: "zero" | "nonneg"; readonly index: number };
export type SocHandle = { readonly index: number };

type Row = { readonly terms: Terms; readonly rhs: number; readonly group: number };
type SocRow = { readonly terms: Terms; readonly constant: number };
/** A built program with the group every row was added under, so that duals can be summed by origin. */
export type GroupedProblem = ConicProblem & { readonly groups: Uint8Array };

/**
 * Collects a conic program row by row and lays it out for the solver. A thing with a life cycle: fill, then `build`.
 */
export class ConicModel {
  variables = 0;
  constant = 0;
  /** Label given to the rows added from now on. */
  group = 0;
  readonly #linear: number[] = [];
  readonly #square: [number, number, number][] = [];
  readonly #zero: Row[] = [];
  readonly #nonneg: Row[] = [];
  readonly #limits: { readonly rows: readonly SocRow[]; readonly group: number; readonly epsilon: number }[] = [];
  readonly #soc: { readonly rows: readonly SocRow[]; readonly group: number }[] = [];

  /** Adds `count` free variables, returns the index of the first. */
  add(count = 1): number {
    const first = this.variables;
    this.variables += count;
    for (let i = 0; i < count; i++) this.#linear.push(0);
    return first;
  }

  /** Adds one variable with bounds; infinite bounds make no row. */
  bounded(lower: number, upper: number): number {
    const v = this.add();
    if (lower > -Infinity) this.lessEqual([[v, -1]], -lower);
    if (upper < Infinity) this.lessEqual([[v, 1]], upper);
    return v;
  }

  /** Objective += coefficient x variable. */
  linear(variable: number, coefficient: number): void {
    this.#linear[variable] += coefficient;
  }

  /** Objective += (weight/2) variable^2. */
  square(variable: number, weight: number): void {
    if (weight !== 0) this.#square.push([variable, variable, weight]);
  }

  /** sum terms = rhs */
  equal(terms: Terms, rhs: number): RowHandle {
    this.#zero.push({ terms, rhs, group: this.group });
    return { cone: "zero", index: this.#zero.length - 1 };
  }

  /** sum terms <= rhs */
  lessEqual(terms: Terms, rhs: number): RowHandle {
    this.#nonneg.push({ terms, rhs, group: this.group });
    return { cone: "nonneg", index: this.#nonneg.length - 1 };
  }

  /** norm(rows[1..]) <= rows[0], each row an affine expression. */
  cone(rows: readonly { readonly terms: Terms; readonly constant: number }[]): SocHandle {
    this.#soc.push({ rows, group: this.group });
    return { index: this.#soc.length - 1 };
  }

  /** The half width rows[0] is enough for an offset of rows[1] and a deviation of norm(rows[2..]), see limitCone.ts. */
  limit(rows: readonly SocRow[], epsilon: number): void {
    this.#limits.push({ rows, epsilon, group: this.group });
  }

  build(): GroupedProblem {
    const rows: Row[] = [...this.#zero, ...this.#nonneg];
    // Cone rows: s = expression, that is -expression_terms x + s = constant.
    for (const cone of [...this.#soc, ...this.#limits])
      for (const r of cone.rows)
        rows.push({ terms: r.terms.map(([v, c]) => [v, -c] as const), rhs: r.constant, group: cone.group });
    const entries: [number, number, number][] = [];
    rows.forEach((row, i) => {
      for (const [v, c] of row.terms) if (c !== 0) entries.push([i, v, c]);
    });
    return {
      variables: this.variables,
      rows: rows.length,
      P: toCsc(this.#square, this.variables),
      q: Float64Array.from(this.#linear),
      A: toCsc(entries, this.variables),
      b: Float64Array.from(rows, (r) => r.rhs),
      constant: this.constant,
      cones: {
        zero: this.#zero.length,
        nonneg: this.#nonneg.length,
        soc: this.#soc.map((c) => c.rows.length),
        limits: this.#limits.map(({ rows: { length: size }, epsilon }): LimitSpec => ({ size, epsilon })),
      },
      groups: Uint8Array.from(rows, (r) => r.group),
    };
  }

  /** Row of a handle in the built problem's `b` and dual. */
  rowOf(handle: RowHandle): number {
    return handle.cone === "zero" ? handle.index : this.#zero.length + handle.index;
  }

  /** First row of a cone in the built problem's `b` and dual. */
  rowOfCone(handle: SocHandle): number {
    let row = this.#zero.length + this.#nonneg.length;
    for (let i = 0; i < handle.index; i++) row += this.#soc[i].rows.length;
    return row;
  }
}

/** Triplets [row, column, value] to compressed columns; duplicates are added in the order given. */
export function toCsc(entries: readonly (readonly [number, number, number])[], columns: number): Csc {
  const order = entries.map((_, i) => i);
  order.sort((a, b) => entries[a][1] - entries[b][1] || entries[a][0] - entries[b][0] || a - b);
  const colPtr = new Uint32Array(columns + 1);
  const rowIdx: number[] = [];
  const values: number[] = [];
  let lastRow = -1;
  let lastColumn = -1;
  for (const i of order) {
    const [r, c, v] = entries[i];
    if (r === lastRow && c === lastColumn) {
      values[values.length - 1] += v;
      continue;
    }
    rowIdx.push(r);
    values.push(v);
    colPtr[c + 1]++;
    lastRow = r;
    lastColumn = c;
  }
  for (let c = 0; c < columns; c++) colPtr[c + 1] += colPtr[c];
  return { colPtr, rowIdx: Uint32Array.from(rowIdx), values: Float64Array.from(values) };
}

/** g = A'z over the rows of one group: what those rows contribute to every variable's stationarity. */
export function groupGradient(problem: GroupedProblem, dual: Float64Array, group: number): Float64Array {
  const g = new Float64Array(problem.variables);
  const { colPtr, rowIdx, values } = problem.A;
  for (let c = 0; c < problem.variables; c++) {
    let sum = 0;
    for (let k = colPtr[c]; k < colPtr[c + 1]; k++)
      if (problem.groups[rowIdx[k]] === group) sum += values[k] * dual[rowIdx[k]];
    g[c] = sum;
  }
  return g;
}
