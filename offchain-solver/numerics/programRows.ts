/** A conic program by rows, for products with A and for what is factored. */
import type { ConicProblem } from "./conicSolver.ts";
import { LimitCones } from "./limitCones.ts";
import { layOutCone, type ConeRows } from "./secondOrderCone.ts";
import { pointers } from "./sparseLdl.ts";

export class ProgramRows {
  readonly problem: ConicProblem;
  /** Rows that are equations or inequalities; cones come after them. */
  readonly linear: number;
  /** [row] variable of a row with one entry (it only adds to the diagonal), or -1; that entry. */
  readonly single: Int32Array;
  readonly singleValue: Float64Array;
  /** [row] node of a row with several entries, or -1; how many nodes there are, variables counted in. */
  readonly node: Int32Array;
  readonly nodes: number;
  readonly ptr: Int32Array;
  readonly col: Int32Array;
  readonly val: Float64Array;
  readonly cones: readonly ConeRows[];
  readonly limits: LimitCones | undefined;
  /** [variable] what of x and z, one after the other, makes up Px + A'z. */
  readonly #bothPtr: Int32Array;
  readonly #bothAt: Int32Array;
  readonly #bothVal: Float64Array;
  /** [variable] what limits add to the gradient. */
  readonly #held: Float64Array;

  constructor(problem: ConicProblem) {
    const { variables: n, rows, A, cones } = problem;
    const limits = cones.limits ?? [];
    this.problem = problem;
    this.linear = cones.zero + cones.nonneg;
    const lists: [number, number][][] = Array.from({ length: rows }, () => []);
    for (let c = 0; c < n; c++)
      for (let k = A.colPtr[c]; k < A.colPtr[c + 1]; k++) lists[A.rowIdx[k]].push([c, A.values[k]]);
    this.node = new Int32Array(rows).fill(-1);
    this.single = new Int32Array(rows).fill(-1);
    let nodes = n;
    for (let r = 0; r < this.linear; r++)
      if (lists[r].length === 1 && r >= cones.zero) this.single[r] = lists[r][0][0];
      else this.node[r] = nodes++;
    this.nodes = nodes;
    let start = this.linear;
    this.cones = cones.soc.map((size) => {
      const cone = layOutCone(start, lists.slice(start, start + size));
      start += size;
      return cone;
    });
    this.limits = limits.length > 0 ? new LimitCones(limits, start, lists) : undefined;
    const plain = lists.slice(0, start);
    this.singleValue = Float64Array.from(this.single, (c, r) => (c < 0 ? 0 : lists[r][0][1]));
    this.ptr = pointers(plain);
    this.col = Int32Array.from(plain.flatMap((list) => list.map(([c]) => c)));
    this.val = Float64Array.from(plain.flatMap((list) => list.map(([, v]) => v)));
    const gradient = gradientEntries(problem, start);
    this.#bothPtr = pointers(gradient);
    this.#bothAt = Int32Array.from(gradient.flatMap((list) => list.map(([at]) => at)));
    this.#bothVal = Float64Array.from(gradient.flatMap((list) => list.map(([, value]) => value)));
    this.#held = new Float64Array(n);
  }

  /** out += A vector, but for limits that sleep. */
  addProduct(vector: Float64Array, out: Float64Array): void {
    const { ptr, col, val } = this;
    let k = 0;
    for (let r = 0; r < ptr.length - 1; r++) {
      let sum = out[r];
      for (const end = ptr[r + 1]; k < end; k++) sum += val[k] * vector[col[k]];
      out[r] = sum;
    }
    this.limits?.addProduct(vector, out);
  }

  /** g = Px + q + delta (x - centre) + A'z, `both`: x and z; returns its largest entry. */
  gradient(both: Float64Array, z: Float64Array, { centre, delta, g }: Gradient): number {
    const { q } = this.problem;
    const [ptr, at, val, held, limits] = [this.#bothPtr, this.#bothAt, this.#bothVal, this.#held, this.limits];
    if (limits) limits.addGradient(z, held.fill(0));
    let largest = 0;
    let k = 0;
    for (let c = 0; c < g.length; c++) {
      let sum = q[c] + delta * (both[c] - centre[c]);
      for (const end = ptr[c + 1]; k < end; k++) sum += val[k] * both[at[k]];
      if (limits) sum += held[c];
      g[c] = sum;
      const size = Math.abs(sum);
      if (!(size <= largest)) largest = size;
    }
    return largest;
  }
}

/** Where a proximal step stands: its centre, what a step costs, and what is written. */
type Gradient = { readonly centre: Float64Array; readonly delta: number; readonly g: Float64Array };

/** [variable] entries of P and of A's rows before `start`, by their place in x and z one after the other. */
function gradientEntries({ variables: n, A, P }: ConicProblem, start: number): [number, number][][] {
  const gradient: [number, number][][] = Array.from({ length: n }, () => []);
  for (let c = 0; c < n; c++)
    for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) {
      const r = P.rowIdx[k];
      gradient[c].push([r, P.values[k]]);
      if (r !== c) gradient[r].push([c, P.values[k]]);
    }
  for (let c = 0; c < n; c++)
    for (let k = A.colPtr[c]; k < A.colPtr[c + 1]; k++)
      if (A.rowIdx[k] < start) gradient[c].push([n + A.rowIdx[k], A.values[k]]);
  return gradient;
}
