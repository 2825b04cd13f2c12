/**
 * What an auditor says of one settled session. `predicate` is the name of the Solidity error, first letter in lower
 * case.
 */
export type Verdict =
  | { readonly kind: "valid" }
  | { readonly kind: "invalid"; readonly predicate: string; readonly detail: string }
  | { readonly kind: "undecided"; readonly missing: string };

export const VALID: Verdict = { kind: "valid" };

export function invalid(predicate: string, detail: string): Verdict {
  return { kind: "invalid", predicate, detail };
}

export function undecided(missing: string): Verdict {
  return { kind: "undecided", missing };
}
