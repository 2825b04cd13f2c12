import type { ConicProblem } from "./conicSolver.ts";
import { ProgramRows } from "./programRows.ts";
import { ProximalMatrix } from "./proximalMatrix.ts";
import { projectOnCone } from "./secondOrderCone.ts";

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
  readonly #program: ProgramRows;
  readonly #matrix: ProximalMatrix;
  /** x and z in one. */
  readonly #both: Float64Array;
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
    const { variables: n, rows } = problem;
    this.#problem = problem;
    this.#patience = patience;
    this.#program = new ProgramRows(problem);
    this.#matrix = new ProximalMatrix(this.#program, patience.delta, SIGMA);
    this.#both = new Float64Array(n + rows);
    this.x = this.#both.subarray(0, n);
    this.z = this.#both.subarray(n);
    this.#center = new Float64Array(n);
    this.#zCenter = new Float64Array(rows);
    this.#from = new Float64Array(n);
    this.#step = new Float64Array(this.#program.nodes);
    this.#gradient = new Float64Array(n);
    this.#rows = new Float64Array(rows);
    this.#probe = new Float64Array(rows);
    this.#rowStep = new Float64Array(rows);
    this.#rowEnd = new Float64Array(rows);
    this.#measure();
  }

  get fill(): number {
    return this.#matrix.fill;
  }

  /** [limit] 1 where it was ever met. */
  get awake(): Uint8Array {
    return this.#program.limits?.awake ?? new Uint8Array(0);
  }

  /** Starts the next solve from here. */
  start(x: ArrayLike<number>, z: ArrayLike<number>): void {
    this.x.set(x);
    this.z.set(z);
    if (this.#program.limits?.wakeIn(this.z)) this.#matrix.layOut();
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
      const found = this.#program.limits?.wakeBroken(this.x, this.#rows, this.#problem.b, feasibility) ?? "none";
      if (found === "none") {
        this.#program.limits?.rest();
        return true;
      }
      if (found === "woken") this.#matrix.layOut();
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
      this.#matrix.solve(this.#step);
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
    this.#program.addProduct(d, rowStep);
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
    this.#program.addProduct(this.x, this.#rows);
  }

  /**
   * z = Proj_K*(z_k + sigma (Ax - b)) and the gradient Px + q + delta (x - x_k) + A'z, from the rows as last measured;
   * returns the gradient's largest entry.
   */
  #evaluate(): number {
    this.evaluations++;
    const [rows, probe, zCenter] = [this.#rows, this.#probe, this.#zCenter];
    for (let r = 0; r < rows.length; r++) probe[r] = zCenter[r] + SIGMA * rows[r];
    this.#projectDual();
    const at = { centre: this.#center, delta: this.#patience.delta, g: this.#gradient };
    return this.#program.gradient(this.#both, this.z, at);
  }

  /** z = Proj_K*(probe). */
  #projectDual(): void {
    const { z } = this;
    const probe = this.#probe;
    const { linear, cones, limits } = this.#program;
    const { zero } = this.#problem.cones;
    for (let r = 0; r < zero; r++) z[r] = probe[r];
    for (let r = zero; r < linear; r++) z[r] = probe[r] > 0 ? probe[r] : 0;
    for (const cone of cones) projectOnCone(cone, probe, z);
    limits?.project(probe, z);
  }

  #factor(): boolean {
    this.factorisations++;
    return (this.#factored = this.#matrix.factor(this.#probe));
  }
}
