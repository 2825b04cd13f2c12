/**
 * What two hosts tell each other on a connection, little-endian:
 *
 *   hello        0 | JSON (hello.ts)                                                           first, once, each way
 *   batch        1 | number u64 | acknowledged u64 | messages, each: to i64 | from i64 | length u32 | bytes
 *   acknowledge  2 | acknowledged u64                                                          also as a heartbeat
 *   bye          3 | why, UTF-8                                                                last
 */
export type Envelope = { readonly from: number; readonly to: number; readonly bytes: Uint8Array };
export type Frame =
  | { readonly kind: "hello"; readonly text: string }
  | {
      readonly kind: "batch";
      readonly number: number;
      readonly acknowledged: number;
      readonly envelopes: readonly Envelope[];
    }
  | { readonly kind: "acknowledge"; readonly acknowledged: number }
  | { readonly kind: "bye"; readonly reason: string };

const KINDS = ["hello", "batch", "acknowledge", "bye"] as const satisfies readonly Frame["kind"][];
const BATCH_HEAD = 17;
const ENVELOPE_HEAD = 20;
const LONGEST_REASON = 200;

export const envelopeBytes = (length: number): number => ENVELOPE_HEAD + length;

/** A batch that is not numbered yet. */
export function batchOf(envelopes: readonly Envelope[]): Uint8Array {
  let size = BATCH_HEAD;
  for (const { bytes } of envelopes) size += envelopeBytes(bytes.length);
  const frame = new Uint8Array(size);
  const view = new DataView(frame.buffer);
  frame[0] = KINDS.indexOf("batch");
  let at = BATCH_HEAD;
  for (const { from, to, bytes } of envelopes) {
    view.setBigInt64(at, BigInt(to), true);
    view.setBigInt64(at + 8, BigInt(from), true);
    view.setUint32(at + 16, bytes.length, true);
    frame.set(bytes, at + ENVELOPE_HEAD);
    at += envelopeBytes(bytes.length);
  }
  return frame;
}

/** Writes into a batch how far it and the other side's are. */
export function stamp(batch: Uint8Array, number: number, acknowledged: number): Uint8Array {
  const view = new DataView(batch.buffer, batch.byteOffset);
  view.setBigUint64(1, BigInt(number), true);
  view.setBigUint64(9, BigInt(acknowledged), true);
  return batch;
}

export function acknowledgement(acknowledged: number): Uint8Array {
  const frame = new Uint8Array(9);
  frame[0] = KINDS.indexOf("acknowledge");
  new DataView(frame.buffer).setBigUint64(1, BigInt(acknowledged), true);
  return frame;
}

export const helloFrame = (text: string): Uint8Array => texts("hello", text);
export const bye = (reason: string): Uint8Array => texts("bye", reason.slice(0, LONGEST_REASON));

function texts(kind: "hello" | "bye", text: string): Uint8Array {
  const written = new TextEncoder().encode(text);
  const frame = new Uint8Array(1 + written.length);
  frame[0] = KINDS.indexOf(kind);
  frame.set(written, 1);
  return frame;
}

/** Reads a frame from somebody who may be anybody: never throws; a text says what is wrong with it. */
export function readFrame(bytes: Uint8Array): Frame | string {
  if (bytes.length === 0) return "an empty frame";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (KINDS[bytes[0]]) {
    case "hello":
      return { kind: "hello", text: new TextDecoder().decode(bytes.subarray(1)) };
    case "bye":
      // Shown to people: no control characters from a stranger.
      return {
        kind: "bye",
        reason: new TextDecoder().decode(bytes.subarray(1, 1 + LONGEST_REASON)).replaceAll(/[^\x20-\x7e]/g, "?"),
      };
    case "acknowledge":
      if (bytes.length !== 9) return "an acknowledgement of another length";
      return { kind: "acknowledge", acknowledged: Number(view.getBigUint64(1, true)) };
    case "batch": {
      if (bytes.length < BATCH_HEAD) return "a batch shorter than its head";
      const envelopes = readEnvelopes(bytes, view);
      if (envelopes === undefined) return "a batch whose messages do not fill it";
      const [number, acknowledged] = [1, 9].map((at) => Number(view.getBigUint64(at, true)));
      return { kind: "batch", number, acknowledged, envelopes };
    }
    default:
      return `a frame of no known kind: ${bytes[0]}`;
  }
}

function readEnvelopes(bytes: Uint8Array, view: DataView): Envelope[] | undefined {
  const envelopes: Envelope[] = [];
  let at = BATCH_HEAD;
  while (at < bytes.length) {
    if (bytes.length - at < ENVELOPE_HEAD) return undefined;
    const end = at + envelopeBytes(view.getUint32(at + 16, true));
    if (end > bytes.length) return undefined;
    envelopes.push({
      to: Number(view.getBigInt64(at, true)),
      from: Number(view.getBigInt64(at + 8, true)),
      bytes: bytes.subarray(at + ENVELOPE_HEAD, end),
    });
    at = end;
  }
  return envelopes;
}
