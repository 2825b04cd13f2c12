/**
 * Who takes no part in what is left of a session, and why: one member must not be able to void it, by what its honest
 * line asks beyond its mandate, by proposals that cannot be, by an agent that fails or says nothing. Whoever is left
 * out falls back to the tariff.
 */
import { whoGoes, type Dispute, type Disputed } from "./disputes.ts";
import type { LifeOf } from "./messages.ts";

/** A member of whom an honest result asks more than its mandate or its account allows, or whose proposal cannot be. */
export type Beyond = NonNullable<LifeOf<"attempt">["beyond"]>[number];

/** Attempts that one member has spoilt, and nobody's absence explains, before the others go on without it. */
const MOST_FAILURES = 2;

export const wordsOf = (beyond: readonly Beyond[]): string =>
  beyond.map(({ party, predicate, detail }) => `party ${party}: ${predicate}: ${detail}`).join("; ");

/** Its own agent says that it never will have an end: the same bits give the same the next time. */
export const isHopeless = (reason: string): boolean => /cannot meet|accurately enough/.test(reason);

/**
 * Why a node takes part in no attempt that is opened like this; `judged`: of every member that its own claims have
 * looked at, whether the newest of them found it beyond its mandate. Nobody can tell from afar who was not there.
 */
export function openingFault(
  { members, beyond = [] }: Pick<LifeOf<"attempt">, "members" | "beyond">,
  invited: readonly number[],
  judged: ReadonlyMap<number, boolean>,
): { readonly code: "wrongMembers" | "leftOutWithinMandate"; readonly detail: string } | undefined {
  if (members.some((id, k) => !invited.includes(id) || (k > 0 && members[k - 1] >= id)))
    return { code: "wrongMembers", detail: `${members.join(", ")} of ${invited.join(", ")}` };
  const within = beyond.filter(({ party }) => members.includes(party) || judged.get(party) === false);
  return within.length === 0 ? undefined : { code: "leftOutWithinMandate", detail: wordsOf(within) };
}

export class Exclusions {
  readonly #out = new Set<number>();
  /** Until they begin anew: whoever refuses is no help in an attempt. */
  readonly #refusing = new Set<number>();
  readonly #failures = new Map<number, number>();
  readonly #arbiter: number;
  /** Of the attempt under way. */
  #waits: Dispute[] = [];
  /** Somebody has begun anew in it, which is why others wait. */
  #excused = false;
  #beyond: readonly Beyond[];

  /** `arbiter`: who conducts; `beyond`: who has no part in the session from the start. */
  constructor(arbiter: number, beyond: readonly Beyond[] = []) {
    this.#arbiter = arbiter;
    this.#beyond = beyond;
    for (const { party } of beyond) this.leaveOut(party);
  }

  /** For the rest of the session. */
  get out(): ReadonlySet<number> {
    return this.#out;
  }

  get beyond(): readonly Beyond[] {
    return this.#beyond;
  }

  has(party: number): boolean {
    return this.#out.has(party) || this.#refusing.has(party);
  }

  leaveOut(party: number): void {
    this.#out.add(party);
  }

  /** As often as it takes: every time somebody goes, and a quorum is left or the session has no end. */
  leaveOutBeyond(beyond: readonly Beyond[]): void {
    this.#beyond = [...this.#beyond, ...beyond];
    for (const { party } of beyond) this.leaveOut(party);
  }

  refuses(party: number): void {
    this.#refusing.add(party);
  }

  /** A node begins anew: that may be why others have waited in vain. */
  begins(party: number): void {
    this.#refusing.delete(party);
    this.#excused = true;
  }

  /** It has ended an attempt: by itself, or by waiting in vain for others. */
  fails(party: number, reason: string, waitedFor: readonly number[] = []): void {
    if (waitedFor.length === 0) this.#waits.push({ accuser: this.#arbiter, accused: party, reason });
    for (const accused of waitedFor) this.#waits.push({ accuser: party, accused, reason });
  }

  /** The next attempt opens; `explained`: somebody of the last is gone. Returns who has spoilt too many. */
  blame(explained: boolean): Disputed[] {
    const waits = this.#waits;
    const idle = explained || this.#excused;
    this.#waits = [];
    this.#excused = false;
    if (idle) return [];
    return whoGoes(waits, this.#arbiter).filter(({ party }) => {
      const failures = (this.#failures.get(party) ?? 0) + 1;
      this.#failures.set(party, failures);
      return failures >= MOST_FAILURES && party !== this.#arbiter;
    });
  }
}
