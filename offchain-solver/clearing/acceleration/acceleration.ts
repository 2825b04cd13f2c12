import type { Method } from "../../market/result/methods.ts";
import { solveSymmetric } from "../../numerics/dense.ts";
import { AHEAD, beginning, centreOf, LEAST_EXTRA } from "./vanishing.ts";
import { arrive, createWalk, depart, learn, onward, type Walk } from "./walk.ts";

/**
 * What decides the next point. gsa: reduced-rank extrapolation, the several-ratio form of a geometric series, over a
 * rolling window of `memory` increments after every `PERIOD` evaluations. anderson: the same sum after every one. gsa1:
 * one ratio (Aitken).
 */
export type { Method };

/**
 * Evaluations between two extrapolations of gsa. The window rolls on over extrapolated points: one that starts anew
 * after each (period = memory + 1) takes half as many evaluations again.
 */
const PERIOD = 3;

export type AccelerationSettings = {
  readonly method: Method;
  /** Increments combined: q of GSA, memory m of Anderson. */
  readonly memory: number;
  /** D of the safeguard: accepted steps need residual <= D |g_0| (accepted + 1)^-(1 + 1e-6). */
  readonly decay: number;
  /**
   * Extra regularisation of trades, $ per unit^2, that starts here and falls to `keeps` of it an iteration, sooner
   * where the residual falls sooner; in plain iterations only where `plain` says so. Where several prosumers stand at
   * the same tariff, only kappa decides between them, and the iteration moves along such a face by kappa/rho of the
   * way: thousands of steps. The extra term goes that way at once, while everything else is still far off; what it
   * leaves is on the right spot of the face, because with any kappa the face's share of the solution is the shortest
   * one.
   */
  readonly vanishing: {
    readonly start: number;
    readonly keeps: number;
    /**
     * In plain iterations too: what is compared with an accelerated method gets every help that is not the method
     * itself.
     */
    readonly plain?: boolean;
    /**
     * Norm of the first residual that later ones are compared with: a warm start takes it from the session it goes on
     * from.
     */
    readonly reference?: number;
    /**
     * A warm start near the session before is pulled towards this share of the trades it began with, not towards none.
     */
    readonly centre?: number;
  };
};

/**
 * One owner of the whole fixed-point history's Gram matrix: decides from inner products alone how the next point
 * combines the last images w_k, w_{k-1}, ... of the averaged operator. Nothing but sums reaches it.
 *
 * State after evaluation k: point v_k (combination of images), image w_{k+1} = T(v_k), residual g_k = w_{k+1} - v_k.
 */
export type Acceleration = {
  readonly settings: AccelerationSettings;
  /** How many of the last images are usable, newest first; a restart shortens it. */
  usable: number;
  /** Evaluations since the last extrapolation. */
  plain: number;
  /** Gram matrix of the last residuals, newest first, (memory+1)^2 row-major. */
  readonly gram: Float64Array;
  accepted: number;
  rejected: number;
  firstNorm: number;
  /** Smallest residual so far; what it was when it last fell by STALL.fall, and the accepted evaluations since. */
  bestNorm: number;
  markNorm: number;
  sinceMark: number;
  /** Evaluations that go on plain, after a stall. */
  plainLeft: number;
  /** The newest residual belongs to an accelerated point. */
  trial: boolean;
  /** Residuals that the newest image lies beyond the one before it; 0: elsewhere, after a combination. */
  spacing: number;
  /** Length of the next stride along a ray, or of the one that is under way, in residuals. */
  stride: number;
  striding: boolean;
  /** Extra regularisation in force: falls by `keeps`, or with the residual. */
  extra: number;
  /** What it pulls trades towards: this share of those a warm start began with, 0 in a cold session. */
  centre: number;
  readonly walk: Walk;
  /** Stalls so far, and whether one begins with this evaluation that stands still. */
  stalls: number;
  standing: boolean;
};

/**
 * An extrapolated point is taken where its residual is at most this many times the best so far: measured against the
 * one before instead, each could be twice the last. Just above one, because the residual of a good point may rise a
 * little where a limit starts to bind.
 */
const ABOVE_BEST = 1.2;

/**
 * Where the best residual has not fallen to `fall` of itself in `evaluations`, extrapolation leads nowhere: `plain`
 * ones follow, with a new history. Above `stands` of itself the best stands still; what falls nearly by `fall` gets
 * there with the penalties that it has.
 */
const STALL = { evaluations: 60, fall: 0.7, stands: 0.75, plain: 30 } as const;

export function createAcceleration(settings: AccelerationSettings): Acceleration {
  const depth = settings.memory + 1;
  return {
    settings,
    usable: 0,
    plain: 0,
    gram: new Float64Array(depth * depth),
    accepted: 0,
    rejected: 0,
    firstNorm: 0,
    bestNorm: Infinity,
    markNorm: Infinity,
    sinceMark: 0,
    plainLeft: 0,
    trial: false,
    spacing: 1,
    stride: STRIDE.first,
    striding: false,
    // A warm start waits for its first residual, which may be none.
    extra: settings.vanishing.reference === undefined ? beginning(settings, 0) : 0,
    centre: 0,
    walk: createWalk(depth),
    stalls: 0,
    standing: false,
  };
}

/** Depth of history that owners must keep. */
export const depthOf = (settings: AccelerationSettings): number =>
  settings.method === "admm" ? 1 : settings.method === "gsa1" ? 3 : settings.memory + 1;

/**
 * Takes row = <g_k, g_{k-j}>, j = 0.. of the newest residual and returns weights over the images w_{k+1}, w_k, ... that
 * make the next point; they add up to one.
 */
export function nextWeights(state: Acceleration, row: Float64Array): Float64Array {
  arrive(state.walk);
  const weights = weightsAfter(state, row);
  depart(state.walk, weights);
  return weights;
}

function weightsAfter(state: Acceleration, row: Float64Array): Float64Array {
  const { method, decay } = state.settings;
  const depth = depthOf(state.settings);
  const weights = new Float64Array(depth);
  const norm = Math.sqrt(row[0]);
  if (state.firstNorm === 0) {
    state.firstNorm = norm;
    state.extra = beginning(state.settings, norm);
    state.centre = centreOf(state.settings, norm);
  }
  const { keeps, reference = state.firstNorm } = state.settings.vanishing;
  state.extra = Math.min(state.extra * keeps, AHEAD * beginning(state.settings, state.firstNorm) * (norm / reference));
  if (!(state.extra >= LEAST_EXTRA)) state.extra = 0;
  // Shift the Gram matrix by one and put the newest row in front.
  for (let a = depth - 1; a > 0; a--)
    for (let b = depth - 1; b > 0; b--) state.gram[a * depth + b] = state.gram[(a - 1) * depth + b - 1];
  for (let b = 0; b < depth; b++) state.gram[b] = state.gram[b * depth] = row[b];

  const { striding, walk } = state;
  const { leading } = walk;
  state.striding = walk.leading = false;
  state.spacing = striding ? state.stride + 1 : state.trial ? 0 : 1;
  if (state.trial) {
    state.trial = false;
    const bound = (decay * state.firstNorm) / summable(state.accepted + 1);
    if (norm > ABOVE_BEST * state.bestNorm || norm > bound) {
      // Back to the last accepted image, one place further down; the trial's own image and residual are forgotten.
      state.rejected++;
      state.usable = 0;
      state.plain = 0;
      if (striding) lengthen(state, false);
      if (leading) learn(walk, false);
      weights[1] = 1;
      return weights;
    }
    state.accepted++;
    // A residual that points back says that the face was passed.
    if (striding) lengthen(state, row[1] > 0);
    if (leading) learn(walk, row[1] > 0);
  }
  state.bestNorm = Math.min(state.bestNorm, norm);
  state.usable = Math.min(state.usable + 1, depth);
  const due = stalled(state);
  if (method === "admm") return plainStep(weights);
  const ray = method !== "gsa1" && state.usable > 1 && onRay(state.gram, depth);
  if (due) return ray ? alongRay(state, depth, weights) : plainStep(weights);
  if (method === "gsa1") return oneRatio(state, depth, weights);
  state.plain++;
  if (state.usable < 2 || (method === "gsa" && state.plain < PERIOD)) return plainStep(weights);
  if (ray) return alongRay(state, depth, weights);
  if (striding) {
    // What lies behind a stride would call the iterates back: they go on from here.
    state.usable = 1;
    return plainStep(weights);
  }
  return combination(state, depth, weights);
}

/** The shortest combination of the residuals, or of those that go on where that one would go back. */
function combination(state: Acceleration, depth: number, weights: Float64Array): Float64Array {
  const { walk } = state;
  const size = state.usable;
  const M = new Float64Array(size * size);
  let trace = 0;
  for (let a = 0; a < size; a++) {
    for (let b = 0; b < size; b++) M[a * size + b] = state.gram[a * depth + b];
    trace += M[a * size + a];
  }
  for (let a = 0; a < size; a++) M[a * size + a] += 1e-12 * trace;
  const gamma = solveSymmetric(M.slice(), new Float64Array(size).fill(1));
  const total = gamma?.reduce((s, g) => s + g, 0) ?? 0;
  if (!gamma || !(Math.abs(total) > 0) || gamma.some((g) => !(Math.abs(g / total) < 1e6))) return plainStep(weights);
  const onwards = onward(walk, M, gamma);
  walk.leading = onwards !== undefined;
  for (let a = 0; a < size; a++) weights[a] = onwards ? onwards[a] : gamma[a] / total;
  state.trial = true;
  state.plain = 0;
  return weights;
}

function lengthen(state: Acceleration, good: boolean): void {
  const { least, most, longer, shorter } = STRIDE;
  state.stride = Math.min(most, Math.max(least, state.stride * (good ? longer : shorter)));
}

/** To the newest image itself. */
function plainStep(weights: Float64Array): Float64Array {
  weights[0] = 1;
  return weights;
}

/**
 * Counts evaluations without progress; true while plain ones are due. The history begins anew with them, and again
 * after them.
 */
function stalled(state: Acceleration): boolean {
  state.standing = false;
  if (state.plainLeft > 0) {
    state.plainLeft--;
    if (state.plainLeft === 0) {
      state.usable = 0;
      state.markNorm = state.bestNorm;
      state.sinceMark = 0;
    }
    return true;
  }
  state.sinceMark++;
  if (state.bestNorm <= STALL.fall * state.markNorm) {
    state.markNorm = state.bestNorm;
    state.sinceMark = 0;
  }
  if (state.sinceMark < STALL.evaluations) return false;
  state.plainLeft = STALL.plain;
  state.stalls++;
  state.standing = state.bestNorm > STALL.stands * state.markNorm;
  return true;
}

/**
 * To the newest image, with nothing behind it: residuals of other penalties are of another norm, and not compared with
 * these.
 */
export function startAgain(state: Acceleration): Float64Array {
  state.usable = state.plain = state.plainLeft = state.sinceMark = 0;
  state.bestNorm = state.markNorm = Infinity;
  state.trial = state.striding = false;
  return plainStep(new Float64Array(depthOf(state.settings)));
}

/** v* = w + r/(1-r) (w - w_prev), r = <g_k, g_{k-1}>/<g_{k-1}, g_{k-1}>: the one-ratio form (Aitken). */
function oneRatio(state: Acceleration, depth: number, weights: Float64Array): Float64Array {
  weights[0] = 1;
  if (state.usable < 3) return weights;
  const ratio = state.gram[1] / state.gram[depth + 1];
  if (!(ratio > 0) || !(ratio < 0.999)) return weights;
  weights[0] = 1 + ratio / (1 - ratio);
  weights[1] = -ratio / (1 - ratio);
  state.trial = true;
  state.usable = 0;
  return weights;
}

/** Two residuals that differ by less than this share, squared, are one vector. */
const SAME = 1e-4;

/**
 * Strides along a ray, in residuals: the first, the bounds, and what comes after one that was taken and one that was
 * not.
 */
const STRIDE = { first: 4, least: 1, most: 1e4, longer: 2, shorter: 0.25 } as const;

/**
 * Do the iterates walk along a ray, to a face that they have not reached? Their residuals are one vector then: no
 * combination is shorter, and the one that comes out is the mean of the points walked through, so that every step would
 * go back by half the history, and be accepted for being no worse, for ever.
 */
function onRay(gram: Float64Array, depth: number): boolean {
  const [newest, both, before] = [gram[0], gram[1], gram[depth + 1]];
  return newest - 2 * both + before <= SAME * newest;
}

/**
 * Walks on along the ray, further with every stride that was good, but not beyond where its residual would vanish. The
 * direction is known where the last step went along it.
 */
function alongRay(state: Acceleration, depth: number, weights: Float64Array): Float64Array {
  const { gram, spacing } = state;
  if (spacing === 0) return plainStep(weights);
  const [newest, both, before] = [gram[0], gram[1], gram[depth + 1]];
  const change = newest - 2 * both + before;
  const reach = change > 0 ? Math.sqrt(newest / change) * spacing : Infinity;
  state.stride = Math.min(state.stride, reach);
  weights[0] = 1 + state.stride / spacing;
  weights[1] = -state.stride / spacing;
  state.striding = true;
  state.trial = true;
  state.plain = 0;
  return weights;
}

/**
 * n^(1 + 2^-20): the tiny exponent makes the sum of its inverses converge; twenty square roots keep powers out of this
 * floor.
 */
function summable(n: number): number {
  let root = n;
  for (let i = 0; i < 20; i++) root = Math.sqrt(root);
  return n * root;
}
