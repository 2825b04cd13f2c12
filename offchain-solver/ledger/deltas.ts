/** The deltas of a Settled event. */
import { type Delta, SYSTEM_ID } from "./settlementModel.ts";

const DELTA_BYTES = 16;

/** Account ids in the order of the event's deltas, from the head of the payload. */
export function accountOrder(payload: Uint8Array): number[] {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const ids = Array.from({ length: view.getUint16(0) }, (_, k) => view.getUint32(3 + 4 * k));
  for (let k = 0; k < 3; k++) if ((view.getUint8(2) >> k) & 1) ids.push(SYSTEM_ID + k);
  return ids;
}

/** Nano-dollars i72 and grams i56 an account. */
export function decodeDeltas(payload: Uint8Array, packed: Uint8Array): Delta[] {
  const ids = accountOrder(payload);
  if (packed.length !== DELTA_BYTES * ids.length)
    throw new RangeError(`deltas: ${packed.length} bytes for ${ids.length} accounts`);
  return ids.map((id, k) => {
    let word = 0n;
    for (const byte of packed.subarray(DELTA_BYTES * k, DELTA_BYTES * (k + 1))) word = (word << 8n) | BigInt(byte);
    return { id, money: BigInt.asIntN(72, word >> 56n), carbon: BigInt.asIntN(56, word) };
  });
}
