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

/** Deepest that brackets may be nested: ours are a dozen deep, and what walks a value would run out of stack. */
const DEEPEST = 64;

/**
 * JSON as text or as bytes of UTF-8. undefined: it is none, is nested deeper than `deepest`, or holds what has no
 * canonical spelling and so no hash: half a surrogate pair, or a field that would become its object's prototype.
 */
export function foreignJson(from: string | Uint8Array, deepest = DEEPEST): { readonly value: unknown } | undefined {
  const text = typeof from === "string" ? from : utf8(from);
  if (text === undefined || isDeeper(text, deepest)) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return /\\u|__proto__/.test(text) && !hasSpelling(value) ? undefined : { value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

const [QUOTE, ESCAPE, OPEN, CLOSE] = [0x22, 0x5c, [0x5b, 0x7b], [0x5d, 0x7d]] as const;

/** Brackets in strings do not count. By character: every message between nodes comes through here. */
function isDeeper(text: string, deepest: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let k = 0; k < text.length; k++) {
    const character = text.charCodeAt(k);
    if (character === QUOTE) quoted = !quoted;
    else if (quoted && character === ESCAPE) k++;
    else if (quoted) continue;
    else if ((character === OPEN[0] || character === OPEN[1]) && ++depth > deepest) return true;
    else if (character === CLOSE[0] || character === CLOSE[1]) depth--;
  }
  return false;
}

function hasSpelling(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (value === null || typeof value !== "object") return true;
  return Object.entries(value).every(([key, item]) => key !== "__proto__" && key.isWellFormed() && hasSpelling(item));
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
