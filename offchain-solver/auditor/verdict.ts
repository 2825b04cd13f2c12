/**
 * What an auditor says of one settled session. `predicate` is the name of the Solidity error, first letter in lower
 * case. A session that is valid may be uncertified by some: their regret is missing, not signed, or absurd, and nobody
 * knows how much better they could do.
 */
export type Verdict =
  | { readonly kind: "valid"; readonly uncertifiedBy?: readonly number[] }
  | { readonly kind: "invalid"; readonly predicate: string; readonly detail: string }
  | { readonly kind: "undecided"; readonly missing: string };

export const VALID: Verdict = { kind: "valid" };

/** Valid, whatever these prosumers could still gain. */
export const uncertified = (by: readonly number[]): Verdict =>
  by.length === 0 ? VALID : { kind: "valid", uncertifiedBy: by };

export function invalid(predicate: string, detail: string): Verdict {
  return { kind: "invalid", predicate, detail };
}

export function undecided(missing: string): Verdict {
  return { kind: "undecided", missing };
}

/** Of several things that are judged together: the first that is invalid, or all that is missing. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  const bad = verdicts.find(({ kind }) => kind === "invalid");
  if (bad !== undefined) return bad;
  const missing = verdicts.flatMap((one) => (one.kind === "undecided" ? [one.missing] : []));
  return missing.length === 0 ? VALID : undecided([...new Set(missing)].join("; "));
}

/** The verdict in words, on one line. */
export function verdictText(verdict: Verdict): string {
  if (verdict.kind === "invalid") return `invalid: ${verdict.predicate}: ${verdict.detail}`;
  if (verdict.kind === "undecided") return `undecided, missing: ${verdict.missing}`;
  return verdict.uncertifiedBy === undefined ? "valid" : `valid, uncertified by ${verdict.uncertifiedBy.join(", ")}`;
}
