/** Whether a session moves: what has come of it is looked at, not what was said, since anybody can talk for ever. */
export class Patience {
  readonly #forMs: number;
  readonly #longer: Readonly<Record<string, number>>;
  #reached: string | undefined;
  #movedMs = -Infinity;

  /** `forMs`: how long nothing may come of it; `longer`: in some stages at least so long. */
  constructor(forMs: number, longer: Readonly<Record<string, number>> = {}) {
    this.#forMs = forMs;
    this.#longer = longer;
  }

  /** true: `reached`, which names how far the session has come, has been the same for too long; then it counts anew. */
  exhausted(reached: string, nowMs: number, stage = ""): boolean {
    const stalled =
      reached === this.#reached && nowMs - this.#movedMs > Math.max(this.#forMs, this.#longer[stage] ?? 0);
    if (stalled || reached !== this.#reached) this.#movedMs = nowMs;
    this.#reached = reached;
    return stalled;
  }
}
