import type { SparseLdl } from "./sparseLdl.ts";

/** The rows of one second-order cone {(t, s): norm(s) <= t}, and what its projection's curvature adds to a matrix. */
export type ConeRows = {
  /** Its first row, and how many there are. */
  readonly start: number;
  readonly size: number;
  /** Variables that its rows touch, ascending. */
  readonly variables: readonly number[];
  /** [row, variable] its rows over them. */
  readonly rows: Float64Array;
  /** [a, b <= a] products of the columns a and b below the first row, row by row of the lower triangle. */
  readonly across: Float64Array;
};

/** Lays out a cone whose rows are given as (variable, coefficient) pairs. */
export function layOutCone(start: number, lists: readonly (readonly [number, number])[][]): ConeRows {
  const variables = [...new Set(lists.flatMap((list) => list.map(([c]) => c)))].sort((a, b) => a - b);
  const [size, width] = [lists.length, variables.length];
  const rows = new Float64Array(size * width);
  lists.forEach((list, r) => list.forEach(([c, v]) => (rows[r * width + variables.indexOf(c)] = v)));
  const across = new Float64Array((width * (width + 1)) / 2);
  for (let a = 0, at = 0; a < width; a++)
    for (let b = 0; b <= a; b++, at++)
      for (let r = 1; r < size; r++) across[at] += rows[r * width + a] * rows[r * width + b];
  return { start, size, variables, rows, across };
}

/** [a, b <= a] where the products of a cone's columns stand in a matrix. */
export function slotsOf({ variables, across }: ConeRows, matrix: SparseLdl): Int32Array {
  const slots = new Int32Array(across.length);
  let at = 0;
  for (let a = 0; a < variables.length; a++)
    for (let b = 0; b <= a; b++) slots[at++] = matrix.slot(variables[a], variables[b]);
  return slots;
}

/** Norm of what follows the first of a cone's rows. */
function spreadOf({ start, size }: ConeRows, point: Float64Array): number {
  let s = 0;
  for (let r = 1; r < size; r++) s += point[start + r] * point[start + r];
  return Math.sqrt(s);
}

/** Writes the projection of `point` on the cone to the cone's rows of `out`. */
export function projectOnCone(cone: ConeRows, point: Float64Array, out: Float64Array): void {
  const { start, size } = cone;
  const s = spreadOf(cone, point);
  const t = point[start];
  const inside = s <= t;
  const scale = inside ? 1 : s <= -t ? 0 : (s + t) / (2 * s);
  out[start] = inside ? t : scale * s;
  for (let r = 1; r < size; r++) out[start + r] = scale * point[start + r];
}

/** Where a cone's curvature is added: a matrix' values, at `slots`. */
export type Curvature = {
  readonly values: Float64Array;
  /** [a, b <= a], see slotsOf. */
  readonly slots: Int32Array;
  /** Buffer of [variable]. */
  readonly product: Float64Array;
};

/**
 * Adds sigma B'JB, B the cone's rows and J the projection's Jacobian at `point`: I inside, 0 behind the cone, else
 * (1/2) [1 u'; u (1 + t/s) I - (t/s) u u'] with u the direction of what follows the first row.
 */
export function addConeCurvature(
  cone: ConeRows,
  point: Float64Array,
  sigma: number,
  { values, slots, product }: Curvature,
): void {
  const { start, size, rows, across } = cone;
  const width = cone.variables.length;
  const s = spreadOf(cone, point);
  const t = point[start];
  if (s <= -t) return;
  if (s <= t) {
    for (let a = 0, at = 0; a < width; a++)
      for (let b = 0; b <= a; b++, at++) values[slots[at]] += sigma * (rows[a] * rows[b] + across[at]);
    return;
  }
  const ratio = t / s;
  // Row by row, as they lie in memory: those of long spans have a hundred entries and more.
  product.fill(0, 0, width);
  for (let r = 1; r < size; r++) {
    const u = point[start + r] / s;
    for (let a = 0, at = r * width; a < width; a++, at++) product[a] += u * rows[at];
  }
  for (let a = 0, at = 0; a < width; a++) {
    const ha = rows[a];
    const da = product[a];
    for (let b = 0; b <= a; b++, at++) {
      const hb = rows[b];
      const db = product[b];
      values[slots[at]] += sigma * (0.5 * (ha * hb + ha * db + da * hb + (1 + ratio) * across[at] - ratio * da * db));
    }
  }
}
