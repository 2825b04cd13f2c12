/** Whether a session moves: what has come of it is looked at, not what was said, since anybody can talk for ever. */
export class Patience {
  readonly #forMs: number;
  #reached: string | undefined;
  #movedMs = -Infinity;

  /** `forMs`: how long nothing may come of it. */
  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  /** true: `reached`, which names how far the session has come, has been the same for too long; then it counts anew. */
  exhausted(reached: string, nowMs: number): boolean {
    const stalled = reached === this.#reached && nowMs - this.#movedMs > this.#forMs;
    if (stalled || reached !== this.#reached) this.#movedMs = nowMs;
    this.#reached = reached;
    return stalled;
  }
}
