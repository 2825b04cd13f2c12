/**
 * What hosts publish to each other's subjects:
 *
 *   knock    0 | channel 16 | e 32 | x 32                    to a host; the answer goes to the reply subject
 *   answer   1 | channel 16 | e 32 | x 32
 *   sealed   2 | channel 16 | count u64 BE | rest u8 | ciphertext | tag 16      rest: 0 last of a frame, 1 more, 2 over
 */
export const ID_BYTES = 16;
const KEY_BYTES = 32;
const GREETING_BYTES = 1 + ID_BYTES + 2 * KEY_BYTES;
const HEADER_BYTES = 1 + ID_BYTES + 8 + 1;
/** What sealing adds to a piece of a frame. */
export const SEALED_BYTES = HEADER_BYTES + 16;

const KINDS = ["knock", "answer", "sealed"] as const;
export const RESTS = ["last", "more", "over"] as const;
export type Rest = (typeof RESTS)[number];

export type Packet =
  | { readonly kind: "knock" | "answer"; readonly id: Buffer; readonly e: Buffer; readonly x: Buffer }
  | {
      readonly kind: "sealed";
      readonly id: Buffer;
      readonly count: number;
      readonly rest: Rest;
      readonly header: Buffer;
      readonly sealed: Buffer;
    };

export const greeting = (kind: "knock" | "answer", id: Uint8Array, e: Uint8Array, x: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.of(KINDS.indexOf(kind)), id, e, x]);

export function headerOf(id: Uint8Array, count: number, rest: Rest): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = KINDS.indexOf("sealed");
  header.set(id, 1);
  header.writeBigUInt64BE(BigInt(count), 1 + ID_BYTES);
  header[HEADER_BYTES - 1] = RESTS.indexOf(rest);
  return header;
}

/** Reads what anybody may have published; undefined: no packet. */
export function readPacket(data: Uint8Array): Packet | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const kind = KINDS[bytes[0]];
  const id = bytes.subarray(1, 1 + ID_BYTES);
  if (kind === undefined || id.length < ID_BYTES) return undefined;
  if (kind !== "sealed") {
    if (bytes.length !== GREETING_BYTES) return undefined;
    const x = GREETING_BYTES - KEY_BYTES;
    return { kind, id, e: bytes.subarray(x - KEY_BYTES, x), x: bytes.subarray(x) };
  }
  if (bytes.length < SEALED_BYTES) return undefined;
  const rest = RESTS[bytes[HEADER_BYTES - 1]];
  if (rest === undefined) return undefined;
  const count = Number(bytes.readBigUInt64BE(1 + ID_BYTES));
  return { kind, id, count, rest, header: bytes.subarray(0, HEADER_BYTES), sealed: bytes.subarray(HEADER_BYTES) };
}
