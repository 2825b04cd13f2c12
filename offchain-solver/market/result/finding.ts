/**
 * What a node found when it checked something against its own view. `predicate` names the first rule that is broken.
 */
export type Finding =
  { readonly kind: "valid" } | { readonly kind: "invalid"; readonly predicate: string; readonly detail: string };

export const VALID: Finding = { kind: "valid" };
export const invalid = (predicate: string, detail: string): Finding => ({ kind: "invalid", predicate, detail });
