/**
 * What each party may say: so many messages at once, and so many a second after that. Honest nodes stay far below;
 * reading, recovering and noting down what others send must not keep a node from its own work.
 */
export class Allowance {
  readonly #most: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  readonly #left = new Map<number, { tokens: number; atMs: number }>();

  constructor(most: number, perSecond: number, nowMs: () => number = () => performance.now()) {
    this.#most = most;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  /** false: it has said too much. */
  take(party: number): boolean {
    const nowMs = this.#nowMs();
    const { tokens, atMs } = this.#left.get(party) ?? { tokens: this.#most, atMs: nowMs };
    const left = Math.min(this.#most, tokens + ((nowMs - atMs) / 1000) * this.#perSecond) - 1;
    this.#left.set(party, { tokens: Math.max(-1, left), atMs: nowMs });
    return left >= 0;
  }
}
