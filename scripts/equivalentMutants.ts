/** Mutants that do what the original does, each with the reason. */
import type { Mutant } from "./mutants.ts";

type Equivalent = Pick<Mutant, "file" | "before" | "after"> & { readonly because: string };

/** Lines without their indentation. */
export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: "libraries/Quorum.sol",
    before: "signed := and(and(called, eq(mload(0), key)), iszero(gt(s, MAX_S)))",
    after: "signed := and(eq(mload(0), key), iszero(gt(s, MAX_S)))",
    because: "a call that fails leaves the zero that was stored before it, and no key is zero",
  },
  {
    file: "libraries/CodeBlob.sol",
    before: "if (data.length > MAX_LENGTH) revert BlobTooLong(data.length);",
    after: "if (data.length >= MAX_LENGTH) revert BlobTooLong(data.length);",
    because: "keys, mandates and grid models are all of even length, and the largest length is odd",
  },
  {
    file: "Registry.sol",
    before: "if (failure != ECDSA.RecoverError.NoError || signer != key) revert NoProofOfPossession(key);",
    after: "if (signer != key) revert NoProofOfPossession(key);",
    because: "a recovery that fails gives the zero address, and a zero key was refused before",
  },
  {
    file: "Registry.sol",
    before: "if (model.length < GridModel.HEADER) revert GridModelLength(model.length);",
    after: "if (model.length < GridModel.HEADER) {}",
    because: "the length asked for next is at least the header's, so a shorter model is refused with the same error",
  },
];

export function equivalentTo({ file, before, after }: Mutant): string | undefined {
  return EQUIVALENT.find((one) => one.file === file && one.before === before.trim() && one.after === after.trim())
    ?.because;
}
