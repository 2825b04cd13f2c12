/**
 * A member's own mask over its iterates: every number of a step that its agent makes is moved by a random part of that
 * step. Where nothing moves any more nothing is masked, so the end is the same point; what partner and operator see on
 * the way no longer gives its marginal cost to many digits (docs/privacy.md says to how many, and what it costs).
 */
export type Mask = {
  /** Most that a step is moved by, part of itself, below 1. */
  readonly share: number;
  /** Next number of the owner's secret stream, in [-1, 1): one that nobody can guess, and a replay draws again. */
  readonly draw: () => number;
};

/** What the next number's step is multiplied by. */
export const factorOf = ({ share, draw }: Mask): number => 1 + share * draw();
