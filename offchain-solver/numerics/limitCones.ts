import {
  addColumns,
  addLimitCurvature,
  addRows,
  isHeld,
  layOutLimit,
  limitSlots,
  productsOf,
  projectOnDual,
  type LimitCurvature,
  type LimitRows,
} from "./limitCone.ts";
import type { SparseLdl } from "./sparseLdl.ts";

/** Of multipliers, $ a MW: interior solvers leave less than that where nothing binds. */
const BINDING = 1e-5;

/** So many solves without binding, and a limit is left aside. */
const IDLE = 4;

type Awake = {
  readonly cone: LimitRows;
  readonly curvature: LimitCurvature;
  /** Whether it takes part, and for how many solves it did so in vain. */
  active: boolean;
  idle: number;
  /** Whether it binds at the latest point. */
  binds: boolean;
};

/**
 * The limits of one program, of which few bind. One that has never been broken is asleep, and not in the matrix that is
 * factored; one that has not bound for some time is left aside. Both are looked at again where the others are met.
 */
export class LimitCones {
  readonly #cones: readonly LimitRows[];
  readonly #products: (Float64Array | undefined)[];
  /** Of those awake, for the matrix that was last laid out. */
  #awake: Awake[] = [];
  readonly #isAwake: Uint8Array;
  readonly #own: Float64Array;

  /** `lists`: [row] (variable, coefficient) of the whole program, the cones' rows from `start` on. */
  constructor(
    specs: readonly { readonly size: number; readonly epsilon: number }[],
    start: number,
    lists: readonly (readonly [number, number])[][],
  ) {
    let at = start;
    this.#cones = specs.map(({ size, epsilon }) => {
      const cone = layOutLimit(at, epsilon, lists.slice(at, at + size));
      at += size;
      return cone;
    });
    this.#products = this.#cones.map(() => undefined);
    this.#isAwake = new Uint8Array(this.#cones.length);
    this.#own = new Float64Array(this.#cones.reduce((most, { variables }) => Math.max(most, variables.length), 0));
  }

  /** [cone] 1 where it takes part. */
  get awake(): Uint8Array {
    return this.#isAwake;
  }

  /** Pairs of variables that share a cone which is awake. */
  pattern(): [number, number][] {
    return this.#cones.flatMap(({ variables }, k) => {
      if (this.#isAwake[k] === 0) return [];
      const pairs: [number, number][] = [];
      for (let a = 0; a < variables.length; a++) for (let b = 0; b < a; b++) pairs.push([variables[b], variables[a]]);
      return pairs;
    });
  }

  /** The curvature of those awake goes there from now on. */
  layOut(matrix: SparseLdl): void {
    const buffers = { along: this.#own, across: this.#own.slice(), spread: this.#own.slice() };
    this.#awake = this.#cones.flatMap((cone, k) => {
      if (this.#isAwake[k] === 0) return [];
      const products = (this.#products[k] ??= productsOf(cone));
      const curvature = { values: matrix.values, slots: limitSlots(cone, matrix), products, ...buffers };
      return [{ cone, curvature, active: true, idle: 0, binds: false }];
    });
  }

  /** Wakes those with a part in a dual worth speaking of, and takes the others out of it; whether there were any. */
  wakeIn(dual: Float64Array): boolean {
    let woken = false;
    this.#cones.forEach(({ start, size }, k) => {
      const part = this.#awake.find(({ cone }) => cone.start === start);
      if (part) part.active = true;
      if (this.#isAwake[k] === 1) return;
      for (let r = start; r < start + size; r++) if (Math.abs(dual[r]) > BINDING) this.#isAwake[k] = 1;
      if (this.#isAwake[k] === 1) woken = true;
      else dual.fill(0, start, start + size);
    });
    return woken;
  }

  /**
   * Looks at those that took no part, `rows`: Ax - b, not theirs. Says whether x breaks any: "woken" asks for a matrix
   * laid out anew, "taken up" does not.
   */
  wakeBroken(x: Float64Array, rows: Float64Array, b: Float64Array, tolerance: number): "none" | "taken up" | "woken" {
    let found: "none" | "taken up" | "woken" = "none";
    const breaks = (cone: LimitRows): boolean => {
      for (let r = cone.start; r < cone.start + cone.size; r++) rows[r] = -b[r];
      addRows(cone, x, rows, this.#own);
      return !isHeld(cone, rows, tolerance);
    };
    for (const part of this.#awake)
      if (!part.active && breaks(part.cone)) {
        [part.active, part.idle] = [true, 0];
        found = "taken up";
      }
    this.#cones.forEach((cone, k) => {
      if (this.#isAwake[k] === 1 || !breaks(cone)) return;
      this.#isAwake[k] = 1;
      found = "woken";
    });
    return found;
  }

  /** After a solve: those that have not bound for long are left aside. */
  rest(): void {
    for (const part of this.#awake) {
      part.idle = part.binds ? 0 : part.idle + 1;
      if (part.idle >= IDLE) part.active = false;
    }
  }

  /** Rows of those awake: `out` += A vector. */
  addProduct(vector: Float64Array, out: Float64Array): void {
    for (const { cone, active } of this.#awake) if (active) addRows(cone, vector, out, this.#own);
  }

  /** z = Proj_K*(probe) in the rows of those awake. */
  project(probe: Float64Array, z: Float64Array): void {
    for (const part of this.#awake) if (part.active) part.binds = projectOnDual(part.cone, probe, z);
  }

  /** `out` += A'z, z as last projected. */
  addGradient(z: Float64Array, out: Float64Array): void {
    for (const { cone, active, binds } of this.#awake) if (active && binds) addColumns(cone, z, out, this.#own);
  }

  addCurvature(probe: Float64Array, sigma: number): void {
    for (const { cone, curvature, active } of this.#awake) if (active) addLimitCurvature(cone, probe, sigma, curvature);
  }
}
