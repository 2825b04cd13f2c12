/** What a host that nobody trusts answers, read no further than a bound: one without end must not fill a memory. */

/** Bytes: many times what a year's events in one answer, or the witness of 150 homes over 96 periods, take. */
export const MOST_BODY = 64 * 2 ** 20;

/** Throws a RangeError where there is more than `most` bytes; the rest is not asked for. */
export async function boundedBody(response: Response, most = MOST_BODY): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  if (response.body !== null)
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += part.length;
      // Leaving the loop tells the host that nobody reads on.
      if (length > most) throw new RangeError(`an answer of more than ${most} bytes`);
      parts.push(part);
    }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
