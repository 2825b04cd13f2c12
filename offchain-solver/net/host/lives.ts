/** Former lives that are known again. */
const KEPT = 16;
/** A hello may have been under way while its host was started again; two of them were not. */
const RETURNS = 2;

/**
 * Tells a host that is started again, whose life is a new one each time, from a key that two processes use at once:
 * they take each other's place, and what was a former life comes back.
 */
export class Lives {
  readonly #lives: string[] = [];
  #returns = 0;

  /** A connection of that life begins; true: the key is in use in two places. */
  begins(life: string): boolean {
    const at = this.#lives.indexOf(life);
    if (at >= 0 && at === this.#lives.length - 1) return false;
    if (at >= 0) this.#lives.splice(at, 1);
    this.#lives.push(life);
    if (this.#lives.length > KEPT) this.#lives.shift();
    return at >= 0 && ++this.#returns >= RETURNS;
  }
}
