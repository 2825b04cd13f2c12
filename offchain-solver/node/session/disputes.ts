/**
 * Members that contradict each other, where nobody else can tell which of the two is wrong: one says that the other has
 * sent nothing, or proposes a trade that they did not agree on. The rule that decides who takes part no more is such
 * that one member alone takes itself out, or itself and one other, never a session.
 */

/** `arbiter`'s word needs no second: whoever conducts sees for itself what did not come. */
export type Dispute = { readonly accuser: number; readonly accused: number; readonly reason: string };

export type Disputed = { readonly party: number; readonly reason: string };

/**
 * Who goes, in the order of the rule: whom the arbiter misses and who waits for nobody itself; then, as long as one is
 * in more disputes than one, the one that is in most; and of two who are at odds with each other alone, both. Where
 * some accuse and are accused, they only wait in a row for whoever is at its end.
 */
export function whoGoes(disputes: readonly Dispute[], arbiter: number): Disputed[] {
  const between = disputes.filter(({ accuser, accused }) => accuser !== accused && accused !== arbiter);
  const waiting = new Set(between.filter(({ accuser }) => accuser !== arbiter).map(({ accuser }) => accuser));
  const ends = between.filter(({ accused }) => !waiting.has(accused));
  const gone = new Map<number, string>();
  for (const { accuser, accused, reason } of ends) if (accuser === arbiter) gone.set(accused, reason);
  // Nobody at an end: all of a ring accuse each other.
  let left = (ends.length > 0 ? ends : between).filter(({ accuser }) => accuser !== arbiter);
  for (;;) {
    left = left.filter(({ accuser, accused }) => !gone.has(accuser) && !gone.has(accused));
    if (left.length === 0) return [...gone].map(([party, reason]) => ({ party, reason }));
    const opponents = new Map<number, Set<number>>();
    const note = (one: number, other: number): void =>
      void opponents.set(one, (opponents.get(one) ?? new Set()).add(other));
    for (const { accuser, accused } of left) {
      note(accuser, accused);
      note(accused, accuser);
    }
    const most = Math.max(...[...opponents.values()].map(({ size }) => size));
    const worst = [...opponents].filter(([, { size }]) => size === most).map(([party]) => party);
    for (const party of most > 1 ? worst.slice(0, 1) : worst)
      gone.set(party, left.find(({ accuser, accused }) => accuser === party || accused === party)!.reason);
  }
}
