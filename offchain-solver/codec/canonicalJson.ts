/** One spelling of a JSON value, and so one hash: RFC 8785 (JSON Canonicalization Scheme). */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * The bytes of a value: keys ascending by UTF-16 code units, no spaces, numbers in the shortest form that reads back to
 * the same IEEE 754 double, a missing optional left out. Throws TypeError on what JSON cannot hold: NaN, an infinity, a
 * lone surrogate, other objects.
 */
export function canonicalBytes(value: Json): Uint8Array {
  return new TextEncoder().encode(spell(value));
}

function spell(value: Json): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${value} has no form in JSON`);
  if (typeof value === "string" && !value.isWellFormed()) throw new TypeError("a lone surrogate has no form in UTF-8");
  if (value === null || typeof value !== "object") {
    const spelled = JSON.stringify(value);
    if (spelled === undefined || typeof value === "bigint")
      throw new TypeError(`a ${typeof value} has no form in JSON`);
    return spelled;
  }
  if (Array.isArray(value)) return `[${value.map(spell).join(",")}]`;
  if (Object.getPrototypeOf(value) !== Object.prototype)
    throw new TypeError(`a ${Object.prototype.toString.call(value)} has no form in JSON`);
  const entries = Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  // The default order of strings is by UTF-16 code units, as the scheme wants it.
  const ascending = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${ascending.map(([key, item]) => `${spell(key)}:${spell(item)}`).join(",")}}`;
}
