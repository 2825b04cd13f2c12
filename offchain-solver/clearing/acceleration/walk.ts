import { solveSymmetric } from "../../numerics/dense.ts";

/**
 * How far the points of the history lie along the way that the iterates walk, in residuals. Where residuals hardly
 * change, a price walks to an offer that is far, and the shortest combination of them is the mean of the points walked
 * through: it goes back by half the history, and is taken for being no worse, for ever. Of the combinations that go on,
 * the shortest one is taken there instead.
 */
export type Walk = {
  /** Of the images, newest first, and of the point that the next image comes from. */
  readonly positions: Float64Array;
  point: number;
  /** Residuals that the next combination goes on by, and whether the last one did. */
  lead: number;
  leading: boolean;
};

/** Combinations hardly shorter than the newest residual gain nothing. */
const NO_GAIN = 0.99;
/** What a combination that goes on may be longer, squared: a fifth of what would be rejected. */
const LONGER = 1.1;
/** Going on: bounds, and what comes after one that was good and one that was not. */
const LEAD = { least: 0.25, most: 1e4, more: 2, less: 0.25 } as const;
/** Combinations with larger weights are rounding. */
const LARGEST_WEIGHT = 1e6;

export const createWalk = (depth: number): Walk => ({
  positions: new Float64Array(depth),
  point: 0,
  lead: 1,
  leading: false,
});

/** A new image: one residual beyond its point. */
export function arrive(walk: Walk): void {
  walk.positions.copyWithin(1, 0);
  walk.positions[0] = walk.point + 1;
}

/** On to the point that combines the images so. */
export function depart(walk: Walk, weights: Float64Array): void {
  walk.point = 0;
  for (let a = 0; a < weights.length; a++) walk.point += weights[a] * walk.positions[a];
}

export function learn(walk: Walk, good: boolean): void {
  walk.lead = Math.min(LEAD.most, Math.max(LEAD.least, walk.lead * (good ? LEAD.more : LEAD.less)));
}

/**
 * The shortest combination that goes on by `lead`, or less where that were too long; undefined where the shortest of
 * all is short, or goes on by itself. M: Gram matrix of the residuals, and a = M^-1 1.
 */
export function onward(walk: Walk, M: Float64Array, a: Float64Array): Float64Array | undefined {
  const [size, newest] = [a.length, M[0]];
  const ahead = Float64Array.from(a, (_, k) => walk.positions[k] - walk.positions[0]);
  const [oneA, aheadA] = [sum(a), product(ahead, a)];
  if (1 / oneA <= NO_GAIN * NO_GAIN * newest || aheadA / oneA >= 0) return undefined;
  const b = solveSymmetric(M.slice(), ahead);
  if (b === undefined) return undefined;
  const [oneB, aheadB] = [sum(b), product(ahead, b)];
  const determinant = oneA * aheadB - oneB * aheadA;
  if (!(Math.abs(determinant) > 0)) return undefined;
  // No further than the history reaches back: beyond it nothing is known.
  walk.lead = Math.min(walk.lead, Math.max(1, -Math.min(...ahead)));
  for (let by = walk.lead; ; by = by < 0.5 ? 0 : by / 2) {
    const [ofA, ofB] = [(aheadB - oneB * by) / determinant, (oneA * by - aheadA) / determinant];
    if (by > 0 && !(ofA + ofB * by <= LONGER * newest)) continue;
    const weights = new Float64Array(size);
    for (let k = 0; k < size; k++) weights[k] = ofA * a[k] + ofB * b[k];
    return weights.some((weight) => !(Math.abs(weight) < LARGEST_WEIGHT)) ? undefined : weights;
  }
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
function product(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k] * b[k];
  return total;
}
