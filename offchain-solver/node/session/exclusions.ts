/**
 * Who takes no part in what is left of a session, and why: one member must not be able to void it, by what its honest
 * line asks beyond its mandate, or by an agent that fails time and again. Whoever is left out falls back to the tariff.
 */
import type { LifeOf } from "./messages.ts";

/** A member of whom an honest result asks more than its mandate or its account allows. */
export type Beyond = NonNullable<LifeOf<"attempt">["beyond"]>[number];

/** The failures of one member that nobody's absence explains before the others go on without it. */
const MOST_FAILURES = 2;

export const wordsOf = (beyond: readonly Beyond[]): string =>
  beyond.map(({ party, predicate, detail }) => `party ${party}: ${predicate}: ${detail}`).join("; ");

/** Its own agent says that it never will have an end: the same bits give the same the next time. */
export const isHopeless = (reason: string): boolean => /cannot meet|accurately enough/.test(reason);

/**
 * Why a node takes part in no attempt that is opened like this; `outside`: whom its own claims have found beyond their
 * mandates, undefined where it has claimed nothing yet. Nobody can tell from afar who was not there.
 */
export function openingFault(
  { members, beyond = [] }: Pick<LifeOf<"attempt">, "members" | "beyond">,
  invited: readonly number[],
  outside: ReadonlySet<number> | undefined,
): { readonly code: "wrongMembers" | "leftOutWithinMandate"; readonly detail: string } | undefined {
  if (members.some((id, k) => !invited.includes(id) || (k > 0 && members[k - 1] >= id)))
    return { code: "wrongMembers", detail: `${members.join(", ")} of ${invited.join(", ")}` };
  const within = beyond.filter(({ party }) => members.includes(party) || outside?.has(party) === false);
  return within.length === 0 ? undefined : { code: "leftOutWithinMandate", detail: wordsOf(within) };
}

export class Exclusions {
  readonly #out = new Set<number>();
  /** Until they begin anew: whoever refuses is no help in an attempt. */
  readonly #refusing = new Set<number>();
  readonly #failures = new Map<number, number>();
  #suspect: { readonly party: number; readonly reason: string } | undefined;
  #beyond: readonly Beyond[] = [];

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

  /** False: there was such a result before, and the session is cleared again once. */
  leaveOutBeyond(beyond: readonly Beyond[]): boolean {
    if (this.#beyond.length > 0) return false;
    this.#beyond = beyond;
    for (const { party } of beyond) this.leaveOut(party);
    return true;
  }

  refuses(party: number): void {
    this.#refusing.add(party);
  }

  /** A node begins anew: that may be why others have waited in vain. */
  begins(party: number): void {
    this.#refusing.delete(party);
    this.#suspect = undefined;
  }

  /** Its failure has ended an attempt. */
  fails(party: number, reason: string): void {
    this.#suspect = { party, reason };
  }

  /** The next attempt opens; `explained`: somebody of the last is gone. Returns who has failed too often. */
  blame(explained: boolean): { readonly party: number; readonly reason: string } | undefined {
    const suspect = this.#suspect;
    this.#suspect = undefined;
    if (suspect === undefined || explained) return undefined;
    const failures = (this.#failures.get(suspect.party) ?? 0) + 1;
    this.#failures.set(suspect.party, failures);
    return failures < MOST_FAILURES ? undefined : suspect;
  }
}
