/** What a proximal step factors: P + delta + sigma A'JA, J the Jacobian of the projection on the cones. */
import type { ProgramRows } from "./programRows.ts";
import { addConeCurvature, slotsOf, type Curvature } from "./secondOrderCone.ts";
import { SparseLdl } from "./sparseLdl.ts";

/** Its entries, where they come from and stand; laid out anew when a limit wakes. */
type Matrix = {
  readonly ldl: SparseLdl;
  readonly base: Float64Array;
  readonly singleSlot: Int32Array;
  readonly nodeSlot: Int32Array;
  readonly rowSlot: Int32Array;
  readonly curvatures: readonly Curvature[];
};

export class ProximalMatrix {
  readonly #rows: ProgramRows;
  readonly #delta: number;
  readonly #sigma: number;
  #matrix: Matrix;

  /** `delta`, `sigma`: what a step in x costs, and how hard the constraints are pushed, per unit squared. */
  constructor(rows: ProgramRows, delta: number, sigma: number) {
    this.#rows = rows;
    this.#delta = delta;
    this.#sigma = sigma;
    this.#matrix = this.#laidOut();
  }

  get fill(): number {
    return this.#matrix.ldl.fill;
  }

  layOut(): void {
    this.#matrix = this.#laidOut();
  }

  /** The step that the last factorisation asks for; `step` is overwritten. */
  solve(step: Float64Array): void {
    this.#matrix.ldl.solve(step);
  }

  #laidOut(): Matrix {
    const { problem, linear, single, node, nodes, ptr, col, cones, limits } = this.#rows;
    const { variables: n, P } = problem;
    const entries: [number, number][] = [];
    for (let c = 0; c < n; c++) for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) entries.push([P.rowIdx[k], c]);
    for (let r = 0; r < linear; r++)
      if (node[r] >= 0) for (let k = ptr[r]; k < ptr[r + 1]; k++) entries.push([col[k], node[r]]);
    for (const { variables } of cones)
      for (const a of variables) for (const b of variables) if (a < b) entries.push([a, b]);
    if (limits) for (const pair of limits.pattern()) entries.push(pair);
    const ldl = new SparseLdl(nodes, entries);
    const base = new Float64Array(ldl.values.length);
    for (let c = 0; c < n; c++) base[ldl.slot(c, c)] = this.#delta;
    for (let c = 0; c < n; c++)
      for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) base[ldl.slot(P.rowIdx[k], c)] += P.values[k];
    const rowSlot = new Int32Array(col.length).fill(-1);
    for (let r = 0; r < linear; r++)
      if (node[r] >= 0) for (let k = ptr[r]; k < ptr[r + 1]; k++) rowSlot[k] = ldl.slot(col[k], node[r]);
    const widest = cones.reduce((most, { variables }) => Math.max(most, variables.length), 0);
    const product = new Float64Array(widest);
    limits?.layOut(ldl);
    return {
      ldl,
      base,
      singleSlot: single.map((c) => (c < 0 ? -1 : ldl.slot(c, c))),
      nodeSlot: node.map((k) => (k < 0 ? -1 : ldl.slot(k, k))),
      rowSlot,
      curvatures: cones.map((cone) => ({ values: ldl.values, slots: slotsOf(cone, ldl), product })),
    };
  }

  /** Factors it where `probe` is projected; rows with several entries are nodes of their own. False: it cannot be. */
  factor(probe: Float64Array): boolean {
    const { ldl, base, singleSlot, nodeSlot, rowSlot, curvatures } = this.#matrix;
    const { problem, linear, single, singleValue, ptr, val, cones, limits } = this.#rows;
    const sigma = this.#sigma;
    const M = ldl.values;
    const { zero } = problem.cones;
    M.set(base);
    for (let r = 0; r < linear; r++) {
      const active = r < zero || probe[r] > 0;
      if (single[r] >= 0) {
        if (active) M[singleSlot[r]] += sigma * singleValue[r] * singleValue[r];
        continue;
      }
      M[nodeSlot[r]] = -1 / sigma;
      if (active) for (let k = ptr[r]; k < ptr[r + 1]; k++) M[rowSlot[k]] = val[k];
    }
    for (let k = 0; k < cones.length; k++) addConeCurvature(cones[k], probe, sigma, curvatures[k]);
    limits?.addCurvature(probe, sigma);
    return ldl.factor();
  }
}
