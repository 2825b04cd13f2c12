import { solveSymmetric } from "../numerics/dense.ts";
import { solveInPlace } from "../numerics/semismooth.ts";
import { limitSet, projectLimit, type LimitSet, type PlanarJacobian, type Span } from "../market/risk/limitSet.ts";

/**
 * One limit as the image w = B x + w0 that has to lie in its set; `rows` are B's rows (the centre first, then the
 * spread).
 */
export type LimitImage = {
  readonly rows: readonly Float64Array[];
  readonly constant: Float64Array;
  readonly set: LimitSet;
};

export { limitSet };

/**
 * min (1/2) sum weight_k (x_k - target_k)^2  subject to  B_l x + w0_l in K_l for a few limits l.
 * The minimiser is x = target - W^{-1} B' mu, so only mu is unknown: w(mu) = Proj(w(mu) + gamma mu) with
 * w(mu) = B target + w0 - K mu, K = B W^{-1} B'. Semismooth Newton on that fixed point, warm-started from the last mu,
 * takes two to five steps of a system with one row per image component, however many variables there are.
 */
export class LimitProjection {
  readonly #images: readonly LimitImage[];
  /**
   * Rows of all images by their entries that are not zero: a limit sees what is downstream of it, not the whole feeder.
   */
  readonly #rows: readonly SparseRow[];
  /** [limit] places of the kept rows among the given ones, and how many were given. */
  readonly #kept: readonly (readonly number[])[];
  readonly #given: readonly number[];
  readonly #weights: Float64Array;
  /** Where each limit's rows are. */
  readonly #spans: Span[] = [];
  readonly #size: number;
  readonly #K: Float64Array;
  readonly #gamma: Float64Array;
  readonly #mu: Float64Array;
  readonly #base: Float64Array;
  readonly #w: Float64Array;
  readonly #probe: Float64Array;
  readonly #projected: Float64Array;
  readonly #residual: Float64Array;
  readonly #step: Float64Array;
  readonly #system: Float64Array;
  readonly #jacobians: PlanarJacobian[];
  /** [component] direction of each limit's spread at the probe. */
  readonly #unit: Float64Array;
  /** 1/gamma of the proximal steps, per component; smaller from step to step. */
  readonly #softness: Float64Array;
  readonly #along: Float64Array;
  readonly #start: Float64Array;
  readonly #center: Float64Array;

  constructor(given: readonly LimitImage[], weights: Float64Array) {
    this.#kept = given.map((image) => keptRows(image, weights));
    this.#given = given.map((image) => image.rows.length);
    const images = given.map((image, l): LimitImage => {
      const kept = this.#kept[l];
      return {
        rows: kept.map((k) => image.rows[k]),
        constant: Float64Array.from(kept, (k) => image.constant[k]),
        set: image.set,
      };
    });
    this.#images = images;
    this.#weights = weights;
    let size = 0;
    for (const { rows } of images) {
      this.#spans.push({ offset: size, size: rows.length });
      size += rows.length;
    }
    this.#size = size;
    const rows = images.flatMap((image) => [...image.rows]);
    this.#rows = rows.map(sparseRow);
    this.#K = new Float64Array(size * size);
    for (let a = 0; a < size; a++)
      for (let b = 0; b <= a; b++) {
        const { places, values } = this.#rows[b];
        let sum = 0;
        for (let e = 0; e < places.length; e++) sum += (rows[a][places[e]] * values[e]) / weights[places[e]];
        this.#K[a * size + b] = this.#K[b * size + a] = sum;
      }
    this.#gamma = new Float64Array(size);
    images.forEach((image, l) => {
      let trace = 0;
      for (let r = 0; r < image.rows.length; r++) trace += this.#K[(this.#spans[l].offset + r) * (size + 1)];
      this.#gamma.fill(
        trace / image.rows.length || 1,
        this.#spans[l].offset,
        this.#spans[l].offset + image.rows.length,
      );
    });
    this.#softness = new Float64Array(size);
    this.#along = new Float64Array(size);
    this.#unit = new Float64Array(size);
    const vector = (): Float64Array => new Float64Array(size);
    this.#mu = vector();
    this.#start = vector();
    this.#center = vector();
    this.#base = vector();
    this.#w = vector();
    this.#probe = vector();
    this.#projected = vector();
    this.#residual = vector();
    this.#step = vector();
    this.#system = new Float64Array(size * size);
    this.#jacobians = images.map(() => ({ mm: 0, ms: 0, sm: 0, ss: 0, across: 0, inside: true }));
  }

  /** Multiplier of the l-th limit's image, as many components as were given; kept as the next call's start. */
  multiplierOf(l: number): number[] {
    const out = new Array<number>(this.#given[l]).fill(0);
    this.#kept[l].forEach((place, r) => (out[place] = this.#mu[this.#spans[l].offset + r]));
    return out;
  }

  /**
   * Multipliers of a projection that another solver found: the least-squares solution of W (target - x) = B' mu over
   * the limits that are `active` at x; the others' are zero.
   */
  recover(target: Float64Array, x: Float64Array, active: readonly boolean[]): void {
    const rows = this.#images.flatMap((image, l) => (active[l] ? [...image.rows] : []));
    const at = this.#images.flatMap((image, l) =>
      active[l] ? image.rows.map((_, r) => this.#spans[l].offset + r) : [],
    );
    const system = new Float64Array(at.length * at.length);
    let trace = 0;
    for (const a of at) trace += this.#K[a * (this.#size + 1)];
    at.forEach((a, i) => {
      at.forEach((b, j) => (system[i * at.length + j] = this.#K[a * this.#size + b]));
      // Limits that repeat each other leave the system singular; any split between them will do.
      system[i * (at.length + 1)] += 1e-11 * trace;
    });
    const pull = Float64Array.from(rows, (row) => {
      let sum = 0;
      for (let k = 0; k < target.length; k++) sum += row[k] * (target[k] - x[k]);
      return sum;
    });
    this.#mu.fill(0);
    const solved = solveSymmetric(system, pull);
    if (solved) at.forEach((a, i) => (this.#mu[a] = solved[i]));
  }

  /** Writes the projection of `target` into `x`; false when Newton did not settle (ask a general solver then). */
  project(target: Float64Array, x: Float64Array): boolean {
    for (let l = 0, a = 0; l < this.#images.length; l++) {
      const { constant } = this.#images[l];
      for (let r = 0; r < constant.length; r++, a++) {
        const { places, values } = this.#rows[a];
        let sum = constant[r];
        for (let e = 0; e < places.length; e++) sum += values[e] * target[places[e]];
        this.#base[a] = sum;
      }
    }
    let scale = 0;
    for (const image of this.#images) scale = Math.max(scale, image.set.T);
    this.#start.set(this.#mu);
    if (!this.#newton(1e-12 * scale, 12) && !this.#augmented(1e-12 * scale)) {
      this.#mu.fill(0);
      return false;
    }
    for (let k = 0; k < target.length; k++) x[k] = target[k];
    for (let a = 0; a < this.#size; a++) {
      const mu = this.#mu[a];
      if (mu === 0) continue;
      const { places, values } = this.#rows[a];
      for (let e = 0; e < places.length; e++) x[places[e]] -= (values[e] * mu) / this.#weights[places[e]];
    }
    return true;
  }

  /** Newton on the fixed point itself: quick from a good start, no promise from a bad one. */
  #newton(goal: number, passes: number): boolean {
    let error = this.#evaluate();
    for (let pass = 0; pass < passes && error > goal; pass++) {
      this.#fillSystem();
      this.#step.set(this.#residual);
      if (!solveInPlace(this.#system, this.#step, this.#size)) break;
      for (let k = 0; k < this.#size; k++) this.#mu[k] += this.#step[k];
      const next = this.#evaluate();
      // Rounding level: below 1e-10 of the limit a step that no longer helps has arrived.
      if (!(next < error) && next <= 100 * goal) return true;
      if (!(next < 1e3 * error)) return false;
      error = next;
    }
    return error <= 100 * goal;
  }

  /**
   * The same from anywhere: proximal steps on the dual, each the minimum of the smooth convex
   * psi(nu) = nu'K nu/2 + sum_l gamma_l/2 dist^2(w(nu) + mu_l/gamma_l, K_l), by Newton with line search.
   */
  #augmented(goal: number): boolean {
    const size = this.#size;
    const [K, mu, residual, step] = [this.#K, this.#mu, this.#residual, this.#step];
    mu.set(this.#start);
    for (let outer = 0; outer < 30; outer++) {
      // Harder steps reach images that hardly move with x; beyond the sixth they only add rounding.
      const softness = SOFTNESS[Math.min(outer, SOFTNESS.length - 1)];
      for (let a = 0; a < size; a++) this.#softness[a] = this.#gamma[a] * softness;
      this.#center.set(this.#mu);
      let value = this.#psi();
      for (let inner = 0; inner < 60; inner++) {
        // residual = nu - gamma (probe - Proj probe); its K-product is the gradient.
        let largest = 0;
        for (let a = 0; a < size; a++) largest = Math.max(largest, Math.abs(residual[a]) * K[a * (size + 1)]);
        if (largest <= goal / 10) break;
        this.#fillAugmented();
        for (let a = 0; a < size; a++) step[a] = -residual[a];
        if (!solveInPlace(this.#system, step, size)) return false;
        let slope = 0;
        for (let a = 0, k = 0; a < size; a++) {
          let kr = 0;
          for (let b = 0; b < size; b++, k++) kr += K[k] * residual[b];
          slope += kr * step[a];
        }
        let length = 1;
        for (let a = 0; a < size; a++) mu[a] += step[a];
        let next = this.#psi();
        while (!(next <= value + 1e-4 * length * slope + 1e-15 * Math.abs(value)) && length > 1e-6) {
          length /= 2;
          for (let a = 0; a < size; a++) mu[a] -= length * step[a];
          next = this.#psi();
        }
        const stalled = !(next < value);
        value = next;
        if (stalled) break;
      }
      // The proximal step's multiplier: gamma times what the probe sticks out of its set.
      for (let a = 0; a < size; a++) this.#mu[a] -= this.#residual[a];
      if (this.#evaluate() <= 1000 * goal) return true;
      // Near enough for plain Newton to finish.
      this.#start.set(this.#mu);
      if (this.#newton(goal, 8)) return true;
      this.#mu.set(this.#start);
    }
    return false;
  }

  /** psi at nu = mu; leaves residual, probe and Jacobians behind. */
  #psi(): number {
    const size = this.#size;
    const [K, mu, base, center, softness] = [this.#K, this.#mu, this.#base, this.#center, this.#softness];
    const [probe, projected, residual] = [this.#probe, this.#projected, this.#residual];
    let value = 0;
    for (let a = 0, k = 0; a < size; a++) {
      let kn = 0;
      for (let b = 0; b < size; b++, k++) kn += K[k] * mu[b];
      value += 0.5 * kn * mu[a];
      probe[a] = base[a] - kn + center[a] * softness[a];
    }
    this.#projectImages();
    for (let a = 0; a < size; a++) {
      const out = probe[a] - projected[a];
      value += (0.5 * out * out) / softness[a];
      residual[a] = mu[a] - out / softness[a];
    }
    return value;
  }

  /** I + gamma (I - J) K. */
  #fillAugmented(): void {
    this.#fillSystem();
    const size = this.#size;
    const M = this.#system;
    // fillSystem made (I - J) K + g J with g = gamma[]; take g J out again by adding it with the sign turned.
    for (let l = 0; l < this.#spans.length; l++) {
      const { offset: start, size: count } = this.#spans[l];
      const softness = this.#softness[start];
      this.#addJacobian(l, -this.#gamma[start]);
      for (let row = start; row < start + count; row++) {
        for (let k = row * size; k < (row + 1) * size; k++) M[k] /= softness;
        M[row * (size + 1)] += 1;
      }
    }
  }

  /**
   * Adds a multiple of the l-th projection's Jacobian to its block of the system; its directions as `fillSystem` left
   * them.
   */
  #addJacobian(l: number, factor: number): void {
    const j = this.#jacobians[l];
    const size = this.#size;
    const M = this.#system;
    const { offset: start, size: count } = this.#spans[l];
    const corner = start * (size + 1);
    if (j.inside) {
      for (let r = 0; r < count; r++) M[corner + r * (size + 1)] += factor;
      return;
    }
    const unit = this.#unit;
    const sign = this.#probe[start] < 0 ? -1 : 1;
    const [ms, sm, ss] = [sign * j.ms, sign * j.sm, j.ss - j.across];
    M[corner] += factor * j.mm;
    for (let q = 1; q < count; q++) M[corner + q] += factor * (ms * unit[start + q]);
    for (let r = 1; r < count; r++) {
      const row = corner + r * size;
      const along = ss * unit[start + r];
      M[row] += factor * (sm * unit[start + r]);
      for (let q = 1; q < count; q++) M[row + q] += factor * (along * unit[start + q] + (r === q ? j.across : 0));
    }
  }

  #projectImages(): void {
    for (let l = 0; l < this.#spans.length; l++)
      projectLimit(this.#images[l].set, this.#probe, this.#spans[l], this.#projected, this.#jacobians[l]);
  }

  /** residual = w(mu) - Proj(w(mu) + gamma mu); returns its largest entry. */
  #evaluate(): number {
    const size = this.#size;
    const [K, mu, base, gamma] = [this.#K, this.#mu, this.#base, this.#gamma];
    const [w, probe, projected, residual] = [this.#w, this.#probe, this.#projected, this.#residual];
    for (let a = 0, k = 0; a < size; a++) {
      let sum = base[a];
      for (let b = 0; b < size; b++, k++) sum -= K[k] * mu[b];
      w[a] = sum;
      probe[a] = sum + gamma[a] * mu[a];
    }
    this.#projectImages();
    let error = 0;
    for (let a = 0; a < size; a++) {
      residual[a] = w[a] - projected[a];
      error = Math.max(error, Math.abs(residual[a]));
    }
    return error;
  }

  /** (I - J) K + gamma J, J the projection's generalised Jacobian, block by block. */
  #fillSystem(): void {
    const size = this.#size;
    const [K, M, probe, unit, along] = [this.#K, this.#system, this.#probe, this.#unit, this.#along];
    for (let l = 0; l < this.#spans.length; l++) {
      const { offset: start, size: count } = this.#spans[l];
      const j = this.#jacobians[l];
      const gamma = this.#gamma[start];
      const first = start * size;
      if (j.inside) {
        M.fill(0, first, first + count * size);
        for (let r = 0; r < count; r++) M[first + r * size + start + r] = gamma;
        continue;
      }
      let s = 0;
      for (let r = 1; r < count; r++) s += probe[start + r] * probe[start + r];
      const norm = Math.sqrt(s);
      // J is across I plus a matrix of rank two in (centre, direction of the spread): so is what it takes off K.
      const sign = probe[start] < 0 ? -1 : 1;
      along.fill(0);
      for (let r = 1; r < count; r++) {
        const u = (unit[start + r] = norm > 0 ? probe[start + r] / norm : 0);
        if (norm > 0) for (let c = 0, k = first + r * size; c < size; c++, k++) along[c] += u * K[k];
      }
      const [kept, mixed] = [1 - j.mm, sign * j.ms];
      for (let c = 0; c < size; c++) M[first + c] = kept * K[first + c] - mixed * along[c];
      const across = 1 - j.across;
      for (let r = 1; r < count; r++) {
        const row = first + r * size;
        const u = unit[start + r];
        const [center, spread] = [sign * j.sm * u, (j.ss - j.across) * u];
        for (let c = 0; c < size; c++) M[row + c] = across * K[row + c] - center * K[first + c] - spread * along[c];
      }
      this.#addJacobian(l, gamma);
    }
  }
}

type SparseRow = { readonly places: Int32Array; readonly values: Float64Array };

function sparseRow(row: Float64Array): SparseRow {
  const places = Int32Array.from([...row.keys()].filter((k) => row[k] !== 0));
  return { places, values: Float64Array.from(places, (k) => row[k]) };
}

/** Softness of the proximal steps over gamma, from step to step. */
const SOFTNESS = [1e-2, 2e-3, 4e-4, 8e-5, 1.6e-5, 3.2e-6] as const;

/**
 * Rows that matter: an image component below 1e-11 of the largest cannot be told from rounding, and its curvature in K
 * (the square) would leave Newton's system singular. The centre always stays.
 */
function keptRows(image: LimitImage, weights: Float64Array): number[] {
  const size = image.rows.map((row, r) => {
    let sum = 0;
    for (let k = 0; k < row.length; k++) sum += (row[k] * row[k]) / weights[k];
    return Math.sqrt(sum) + Math.abs(image.constant[r]);
  });
  const least = 1e-11 * size.reduce((a, b) => Math.max(a, b));
  return size.flatMap((s, r) => (r === 0 || s > least ? [r] : []));
}
