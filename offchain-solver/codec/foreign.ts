/**
 * Reading what anybody may have written. That bytes are none of what they should be is a value; whatever else is thrown
 * while they are read is our own fault, and goes on.
 */
import { isError } from "ethers";

/** How ethers says that bytes do not decode. */
const ILL_FORMED = ["BAD_DATA", "BUFFER_OVERRUN", "CALL_EXCEPTION", "INVALID_ARGUMENT", "NUMERIC_FAULT"] as const;

/** Whether an error only says that bytes do not decode; ethers wraps some until they are looked at. */
export function isIllFormed(error: unknown): boolean {
  const told: unknown = error instanceof Error && "error" in error ? error.error : error;
  return ILL_FORMED.some((code) => isError(told, code));
}

/** JSON as text or as bytes of UTF-8; undefined: it is none. */
export function foreignJson(from: string | Uint8Array): { readonly value: unknown } | undefined {
  const text = typeof from === "string" ? from : utf8(from);
  if (text === undefined) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (error) {
    // The one thing that can be wrong with bytes.
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}
