/**
 * Why a batch or its bytes are refused: the name of a Solidity error, first letter in lower case, and its arguments.
 */
export type Refusal = { readonly kind: "refused"; readonly predicate: string; readonly detail: readonly bigint[] };

/** Carries a refusal out of nested checks to the one function that returns it as a value. */
export class RefusedError extends Error {
  readonly refusal: Refusal;
  constructor(predicate: string, detail: readonly (bigint | number)[]) {
    super(`${predicate}(${detail.join(", ")})`);
    this.name = "RefusedError";
    this.refusal = { kind: "refused", predicate, detail: detail.map(BigInt) };
  }
}

export function refuse(predicate: string, ...detail: (bigint | number)[]): never {
  throw new RefusedError(predicate, detail);
}

/** Runs `check`; a refusal comes back as a value, anything else is our bug and goes on. */
export function attempt<T>(check: () => T): T | Refusal {
  try {
    return check();
  } catch (error) {
    if (error instanceof RefusedError) return error.refusal;
    throw error;
  }
}
