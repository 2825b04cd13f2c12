import type { ConicProblem } from "./conicSolver.ts";
import { LimitCones } from "./limitCones.ts";
import {
  addConeCurvature,
  layOutCone,
  projectOnCone,
  slotsOf,
  type ConeRows,
  type Curvature,
} from "./secondOrderCone.ts";
import { pointers, SparseLdl } from "./sparseLdl.ts";

/**
 * How hard the constraints are pushed in one proximal step (per unit of row). Rows in MW, prices of 10 to 1000 per MW:
 * a step leaves some 1e-6 of the multipliers' change in the rows, and the next one takes it away.
 */
const SIGMA = 1e6;
/** Proximal steps before giving up. */
const OUTER = 40;
/** Newton steps in one proximal step. */
const STEPS = 300;
/** A step with an old factorisation has to shrink the gradient at least to this share. */
const CHORD = 0.3;
/** Where a fresh factorisation no longer helps, this many times the goal is accepted as what rounding leaves. */
const ROUNDING = 20;

/** How a program is gone about. */
export type Patience = {
  /** What a step in x costs, per unit squared. */
  readonly delta: number;
  /** Factorisations over all proximal steps before giving up. */
  readonly factorisations: number;
};

/** For programs whose variables mostly have a cost of their own. */
const BRIEF: Patience = { delta: 1e-3, factorisations: 60 };

/** What is factored: P + delta + sigma A'JA, where its entries come from and stand. */
type Matrix = {
  readonly ldl: SparseLdl;
  readonly base: Float64Array;
  readonly singleSlot: Int32Array;
  readonly nodeSlot: Int32Array;
  readonly rowSlot: Int32Array;
  readonly curvatures: readonly Curvature[];
};

/**
 * Solves one conic program again and again while only its linear term q changes, starting from the last solution.
 *
 * Proximal method of multipliers: x+ = argmin (1/2) x'Px + q'x + delta/2 norm(x - x_k)^2 + norm(Proj_K*(z_k + sigma (Ax
 * - b)))^2 / (2 sigma), z+ = Proj_K*(z_k + sigma (Ax+ - b)) (Rockafellar 1976); the minimum by semismooth Newton with
 * line search on the directional derivative (Li, Sun, Toh 2018). Old factorisations serve as long as they shrink the
 * gradient, so near a fixed point an iteration costs a few triangular solves. `solve` is true only when the conditions
 * of optimality hold to the tolerance.
 */
export class WarmConic {
  readonly x: Float64Array;
  readonly z: Float64Array;
  readonly #problem: ConicProblem;
  readonly #patience: Patience;
  /** What is factored; laid out anew when a limit wakes. */
  #matrix: Matrix;
  readonly #linear: number;
  /** [row] variable of a row with one entry (it only adds to the diagonal), or -1; where its square goes. */
  readonly #single: Int32Array;
  readonly #singleWeight: Float64Array;
  /** [row] node of a row with several entries, or -1; its entries and where they go. */
  readonly #node: Int32Array;
  readonly #rowPtr: Int32Array;
  readonly #rowCol: Int32Array;
  readonly #rowVal: Float64Array;
  readonly #cones: readonly ConeRows[];
  readonly #limits: LimitCones | undefined;
  /** [variable] what limits add to the gradient. */
  readonly #held: Float64Array;
  /** x and z in one, and [variable] what of them makes up Px + A'z. */
  readonly #both: Float64Array;
  readonly #bothPtr: Int32Array;
  readonly #bothAt: Int32Array;
  readonly #bothVal: Float64Array;
  readonly #center: Float64Array;
  readonly #zCenter: Float64Array;
  readonly #from: Float64Array;
  readonly #step: Float64Array;
  readonly #gradient: Float64Array;
  /** Ax - b. */
  readonly #rows: Float64Array;
  readonly #probe: Float64Array;
  readonly #rowStep: Float64Array;
  readonly #rowEnd: Float64Array;
  #rayCurvature = 0;
  #rayLinear = 0;
  #factored = false;
  /** Counts for tests and benches. */
  factorisations = 0;
  evaluations = 0;

  constructor(problem: ConicProblem, patience: Patience = BRIEF) {
    const { variables: n, rows, A, P, cones } = problem;
    const limits = cones.limits ?? [];
    this.#problem = problem;
    this.#patience = patience;
    this.#linear = cones.zero + cones.nonneg;
    const lists: [number, number][][] = Array.from({ length: rows }, () => []);
    for (let c = 0; c < n; c++)
      for (let k = A.colPtr[c]; k < A.colPtr[c + 1]; k++) lists[A.rowIdx[k]].push([c, A.values[k]]);
    this.#node = new Int32Array(rows).fill(-1);
    this.#single = new Int32Array(rows).fill(-1);
    let nodes = n;
    for (let r = 0; r < this.#linear; r++)
      if (lists[r].length === 1 && r >= cones.zero) this.#single[r] = lists[r][0][0];
      else this.#node[r] = nodes++;
    let start = this.#linear;
    this.#cones = cones.soc.map((size) => {
      const cone = layOutCone(start, lists.slice(start, start + size));
      start += size;
      return cone;
    });
    this.#limits = limits.length > 0 ? new LimitCones(limits, start, lists) : undefined;
    const plain = lists.slice(0, start);
    this.#singleWeight = Float64Array.from(this.#single, (c, r) =>
      c < 0 ? 0 : SIGMA * lists[r][0][1] * lists[r][0][1],
    );
    this.#rowPtr = pointers(plain);
    this.#rowCol = Int32Array.from(plain.flatMap((list) => list.map(([c]) => c)));
    this.#rowVal = Float64Array.from(plain.flatMap((list) => list.map(([, v]) => v)));
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
    this.#bothPtr = pointers(gradient);
    this.#bothAt = Int32Array.from(gradient.flatMap((list) => list.map(([at]) => at)));
    this.#bothVal = Float64Array.from(gradient.flatMap((list) => list.map(([, value]) => value)));
    this.#both = new Float64Array(n + rows);
    this.x = this.#both.subarray(0, n);
    this.z = this.#both.subarray(n);
    this.#center = new Float64Array(n);
    this.#zCenter = new Float64Array(rows);
    this.#from = new Float64Array(n);
    this.#step = new Float64Array(nodes);
    this.#held = new Float64Array(n);
    this.#gradient = new Float64Array(n);
    this.#rows = new Float64Array(rows);
    this.#probe = new Float64Array(rows);
    this.#rowStep = new Float64Array(rows);
    this.#rowEnd = new Float64Array(rows);
    this.#matrix = this.#layOut(nodes);
    this.#measure();
  }

  get fill(): number {
    return this.#matrix.ldl.fill;
  }

  /** [limit] 1 where it was ever met. */
  get awake(): Uint8Array {
    return this.#limits?.awake ?? new Uint8Array(0);
  }

  #layOut(nodes: number): Matrix {
    const { variables: n, P } = this.#problem;
    const entries: [number, number][] = [];
    for (let c = 0; c < n; c++) for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) entries.push([P.rowIdx[k], c]);
    for (let r = 0; r < this.#linear; r++)
      if (this.#node[r] >= 0)
        for (let k = this.#rowPtr[r]; k < this.#rowPtr[r + 1]; k++) entries.push([this.#rowCol[k], this.#node[r]]);
    for (const { variables } of this.#cones)
      for (const a of variables) for (const b of variables) if (a < b) entries.push([a, b]);
    if (this.#limits) for (const pair of this.#limits.pattern()) entries.push(pair);
    const ldl = new SparseLdl(nodes, entries);
    const base = new Float64Array(ldl.values.length);
    for (let c = 0; c < n; c++) base[ldl.slot(c, c)] = this.#patience.delta;
    for (let c = 0; c < n; c++)
      for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) base[ldl.slot(P.rowIdx[k], c)] += P.values[k];
    const rowSlot = new Int32Array(this.#rowCol.length).fill(-1);
    for (let r = 0; r < this.#linear; r++)
      if (this.#node[r] >= 0)
        for (let k = this.#rowPtr[r]; k < this.#rowPtr[r + 1]; k++)
          rowSlot[k] = ldl.slot(this.#rowCol[k], this.#node[r]);
    const widest = this.#cones.reduce((most, { variables }) => Math.max(most, variables.length), 0);
    const product = new Float64Array(widest);
    this.#limits?.layOut(ldl);
    return {
      ldl,
      base,
      singleSlot: this.#single.map((c) => (c < 0 ? -1 : ldl.slot(c, c))),
      nodeSlot: this.#node.map((k) => (k < 0 ? -1 : ldl.slot(k, k))),
      rowSlot,
      curvatures: this.#cones.map((cone) => ({ values: ldl.values, slots: slotsOf(cone, ldl), product })),
    };
  }

  /** Starts the next solve from here. */
  start(x: ArrayLike<number>, z: ArrayLike<number>): void {
    this.x.set(x);
    this.z.set(z);
    if (this.#limits?.wakeIn(this.z)) this.#matrix = this.#layOut(this.#step.length);
    this.#measure();
    this.#factored = false;
  }

  /**
   * Solves for the problem's present q: every row to `feasibility` (row units), every entry of Px + q + A'z to
   * `stationarity` (objective per variable unit; up to ten times that where rounding stops it). False, with x and z of
   * no use, otherwise.
   */
  solve(feasibility: number, stationarity: number): boolean {
    while (this.#settle(feasibility, stationarity)) {
      const found = this.#limits?.wakeBroken(this.x, this.#rows, this.#problem.b, feasibility) ?? "none";
      if (found === "none") {
        this.#limits?.rest();
        return true;
      }
      if (found === "woken") this.#matrix = this.#layOut(this.#step.length);
      this.#measure();
      this.#factored = false;
    }
    return false;
  }

  #settle(feasibility: number, stationarity: number): boolean {
    const { delta, factorisations } = this.#patience;
    const limit = this.factorisations + factorisations;
    const n = this.x.length;
    for (let outer = 0; outer < OUTER; outer++) {
      this.#center.set(this.x);
      this.#zCenter.set(this.z);
      if (!this.#minimise(stationarity / 2, limit)) return false;
      let moved = 0;
      for (let c = 0; c < n; c++) moved = Math.max(moved, Math.abs(this.x[c] - this.#center[c]));
      let pushed = 0;
      for (let r = 0; r < this.z.length; r++) pushed = Math.max(pushed, Math.abs(this.z[r] - this.#zCenter[r]));
      if (pushed <= feasibility * SIGMA && moved * delta <= stationarity / 2) return true;
    }
    return false;
  }

  #minimise(goal: number, limit: number): boolean {
    const { x } = this;
    const n = x.length;
    let size = this.#evaluate();
    let fresh = false;
    for (let pass = 0; pass < STEPS && size > goal; pass++) {
      if (!this.#factored) {
        if (this.factorisations >= limit || !this.#factor()) return false;
        fresh = true;
      }
      for (let c = 0; c < n; c++) this.#step[c] = -this.#gradient[c];
      this.#step.fill(0, n);
      let slope = 0;
      this.#matrix.ldl.solve(this.#step);
      for (let c = 0; c < n; c++) slope += this.#gradient[c] * this.#step[c];
      if (!(slope < 0)) {
        // Rounding level: a fresh factorisation can do no more.
        if (fresh) return size <= ROUNDING * goal;
        this.#factored = false;
        continue;
      }
      this.#from.set(x);
      let next = this.#moveTo(1);
      let derivative = this.#along();
      if (derivative > -0.4 * slope && next > CHORD * size) {
        // Too far: the derivative is increasing in the length, so its zero lies before; regula falsi with bisection.
        this.#layRay(derivative);
        let length = 1;
        let low = 0;
        let high = 1;
        let atLow = slope;
        let atHigh = derivative;
        for (let k = 0; k < 20 && Math.abs(derivative) > -0.4 * slope; k++) {
          const cut = low - (atLow * (high - low)) / (atHigh - atLow);
          const edge = 0.1 * (high - low);
          length = k % 3 === 2 ? (low + high) / 2 : Math.min(Math.max(cut, low + edge), high - edge);
          derivative = this.#alongAt(length);
          if (derivative > 0) {
            high = length;
            atHigh = derivative;
          } else {
            low = length;
            atLow = derivative;
          }
        }
        next = this.#moveTo(length);
      }
      if (fresh && !(next < size) && next <= ROUNDING * goal) return true;
      if (!(next <= CHORD * size)) this.#factored = false;
      else fresh = false;
      size = next;
    }
    return size <= goal;
  }

  #moveTo(length: number): number {
    for (let c = 0; c < this.x.length; c++) this.x[c] = this.#from[c] + length * this.#step[c];
    this.#measure();
    return this.#evaluate();
  }

  /**
   * Prepares derivatives along the step without products with A: the rows move in proportion to the length. Called at
   * length 1.
   */
  #layRay(derivative: number): void {
    const { P } = this.#problem;
    const { delta } = this.#patience;
    const d = this.#step;
    const rowStep = this.#rowStep;
    const n = this.x.length;
    rowStep.fill(0);
    this.#addProduct(d, rowStep);
    let curvature = 0;
    for (let c = 0; c < n; c++) {
      const dc = d[c];
      curvature += delta * dc * dc;
      for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++)
        curvature += (P.rowIdx[k] === c ? 1 : 2) * P.values[k] * dc * d[P.rowIdx[k]];
    }
    let pull = 0;
    for (let r = 0; r < rowStep.length; r++) {
      pull += this.z[r] * rowStep[r];
      this.#rowEnd[r] = this.#probe[r];
    }
    this.#rayCurvature = curvature;
    this.#rayLinear = derivative - pull;
  }

  /** Derivative along the step at a length, after `#layRay`; leaves z and probe there. */
  #alongAt(length: number): number {
    const back = SIGMA * (1 - length);
    const rowStep = this.#rowStep;
    for (let r = 0; r < rowStep.length; r++) this.#probe[r] = this.#rowEnd[r] - back * rowStep[r];
    this.#projectDual();
    let sum = this.#rayLinear - (1 - length) * this.#rayCurvature;
    for (let r = 0; r < rowStep.length; r++) sum += this.z[r] * rowStep[r];
    return sum;
  }

  #along(): number {
    let sum = 0;
    for (let c = 0; c < this.x.length; c++) sum += this.#gradient[c] * this.#step[c];
    return sum;
  }

  /** The rows' Ax - b, from which `#evaluate` goes on; where only q or the centre changed they are still there. */
  #measure(): void {
    const { b } = this.#problem;
    for (let r = 0; r < b.length; r++) this.#rows[r] = -b[r];
    this.#addProduct(this.x, this.#rows);
  }

  /** out += A vector, but for limits that sleep. */
  #addProduct(vector: Float64Array, out: Float64Array): void {
    const [ptr, col, val] = [this.#rowPtr, this.#rowCol, this.#rowVal];
    let k = 0;
    for (let r = 0; r < ptr.length - 1; r++) {
      let sum = out[r];
      for (const end = ptr[r + 1]; k < end; k++) sum += val[k] * vector[col[k]];
      out[r] = sum;
    }
    this.#limits?.addProduct(vector, out);
  }

  /**
   * z = Proj_K*(z_k + sigma (Ax - b)) and the gradient Px + q + delta (x - x_k) + A'z, from the rows as last measured;
   * returns the gradient's largest entry.
   */
  #evaluate(): number {
    this.evaluations++;
    const { q } = this.#problem;
    const { delta } = this.#patience;
    const [rows, probe, g, center, zCenter] = [this.#rows, this.#probe, this.#gradient, this.#center, this.#zCenter];
    const [both, ptr, at, val] = [this.#both, this.#bothPtr, this.#bothAt, this.#bothVal];
    for (let r = 0; r < rows.length; r++) probe[r] = zCenter[r] + SIGMA * rows[r];
    this.#projectDual();
    const held = this.#held;
    const limits = this.#limits;
    if (limits) limits.addGradient(this.z, held.fill(0));
    let largest = 0;
    let k = 0;
    for (let c = 0; c < g.length; c++) {
      let sum = q[c] + delta * (both[c] - center[c]);
      for (const end = ptr[c + 1]; k < end; k++) sum += val[k] * both[at[k]];
      if (limits) sum += held[c];
      g[c] = sum;
      const size = Math.abs(sum);
      if (!(size <= largest)) largest = size;
    }
    return largest;
  }

  /** z = Proj_K*(probe). */
  #projectDual(): void {
    const { z } = this;
    const probe = this.#probe;
    const { zero } = this.#problem.cones;
    for (let r = 0; r < zero; r++) z[r] = probe[r];
    for (let r = zero; r < this.#linear; r++) z[r] = probe[r] > 0 ? probe[r] : 0;
    for (const cone of this.#cones) projectOnCone(cone, probe, z);
    this.#limits?.project(probe, z);
  }

  /** P + delta + sigma A'JA with J the projection's Jacobian; rows with several entries as nodes of their own. */
  #factor(): boolean {
    this.factorisations++;
    const { ldl, base, singleSlot, nodeSlot, rowSlot, curvatures } = this.#matrix;
    const M = ldl.values;
    const probe = this.#probe;
    const { cones } = this.#problem;
    M.set(base);
    for (let r = 0; r < this.#linear; r++) {
      const active = r < cones.zero || probe[r] > 0;
      if (this.#single[r] >= 0) {
        if (active) M[singleSlot[r]] += this.#singleWeight[r];
        continue;
      }
      M[nodeSlot[r]] = -1 / SIGMA;
      if (active) for (let k = this.#rowPtr[r]; k < this.#rowPtr[r + 1]; k++) M[rowSlot[k]] = this.#rowVal[k];
    }
    for (let k = 0; k < this.#cones.length; k++) addConeCurvature(this.#cones[k], probe, SIGMA, curvatures[k]);
    this.#limits?.addCurvature(probe, SIGMA);
    return (this.#factored = ldl.factor());
  }
}
