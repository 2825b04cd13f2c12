/**
 * The bytes of the messages that agents exchange while they iterate, little-endian:
 *
 *   magic u8 | kind u8 | session u16 | iteration u32 | block u32 | second u16 | third u16     16 bytes
 *   trade: block f64... | response f64[second]
 * offer: block f64... | sums f64[second] | gram f64[third] | claim f64[4], where bit 15 of third is set; its other bits
 * are the length
 *   grid:  extra f64 | block f64... | weights f64[second] | centre f64, where bit 7 of third is set
 *          | rhoScale f64[5], where bit 8 of third is set
 *          bits 4 to 6 of third: what it asks a claim of, 0: nothing; its bits below are the end
 *
 * `session` is the head of the terms' hash: a message of another session is told apart before anything in it is read.
 * As many bytes as `messageBytes` counts.
 */
import { COMMODITIES } from "../market/result/commodities.ts";
import { CLAIM_SIZE } from "../clearing/claim.ts";
import { ASKS, ENDS, messageBytes, type Ask, type Message } from "../clearing/message.ts";
import { ACCEPT, ignore, reject, type Reception } from "../clearing/reception.ts";

/** Changes with the layout. */
const MAGIC = 0x67;
const KINDS = ["trade", "offer", "grid"] as const satisfies readonly Message["kind"][];
const HEAD = 16;
const WITH_CENTRE = 0x80;
const WITH_RHO_SCALE = 0x100;
const ASK_SHIFT = 4;
const ASK_BITS = 0x07;
const END_BITS = 0x0f;
const WITH_CLAIM = 0x8000;

/** No message of a session that fits one transaction is longer. */
export const MAX_MESSAGE_BYTES = 1 << 20;

export type Received = { readonly reception: Reception; readonly message?: Message };

/** The tag of a session with these terms, as every message of it carries it. */
export const sessionTag = (termsHash: string): number => Number.parseInt(termsHash.slice(2, 6), 16);

export function encode(message: Message, session: number): Uint8Array {
  const bytes = new Uint8Array(messageBytes(message));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, MAGIC);
  view.setUint8(1, KINDS.indexOf(message.kind));
  view.setUint16(2, session, true);
  view.setUint32(4, message.iteration, true);
  view.setUint32(8, message.block.length, true);
  const put = numbersAfter(view, HEAD);
  switch (message.kind) {
    case "trade":
      view.setUint16(12, message.response?.length ?? 0, true);
      put(message.block);
      if (message.response !== undefined) put(message.response);
      break;
    case "offer":
      view.setUint16(12, message.sums.length, true);
      view.setUint16(14, message.gram.length | (message.claim === undefined ? 0 : WITH_CLAIM), true);
      put(message.block);
      put(message.sums);
      put(message.gram);
      if (message.claim !== undefined) put(message.claim);
      break;
    case "grid":
      view.setUint16(12, message.weights.length, true);
      view.setUint16(
        14,
        ENDS.indexOf(message.end) |
          (message.centre === undefined ? 0 : WITH_CENTRE) |
          (message.rhoScale === undefined ? 0 : WITH_RHO_SCALE) |
          (asked(message.ask) << ASK_SHIFT),
        true,
      );
      put([message.extra]);
      put(message.block);
      put(message.weights);
      if (message.centre !== undefined) put([message.centre]);
      if (message.rhoScale !== undefined) put(message.rhoScale);
  }
  return bytes;
}

const asked = (ask: Ask | undefined): number => (ask === undefined ? 0 : 1 + ASKS.indexOf(ask));

function numbersAfter(view: DataView, at: number): (numbers: ArrayLike<number>) => void {
  return (numbers) => {
    for (let k = 0; k < numbers.length; k++, at += 8) view.setFloat64(at, numbers[k], true);
  };
}

/** Reads bytes from somebody who may be anybody: never throws, and reads nothing of a message that it turns down. */
export function decode(bytes: Uint8Array, session: number): Received {
  if (bytes.length > MAX_MESSAGE_BYTES) return { reception: reject(`${bytes.length} bytes`) };
  if (bytes.length < HEAD) return { reception: reject("shorter than a head") };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint8(0) !== MAGIC) return { reception: reject("of another version, or no message") };
  const kind = KINDS[view.getUint8(1)];
  if (kind === undefined) return { reception: reject("of no known kind") };
  if (view.getUint16(2, true) !== session) return { reception: ignore("of another session") };
  const counts: Counts = {
    block: view.getUint32(8, true),
    second: view.getUint16(12, true),
    third: view.getUint16(14, true),
  };
  if (bytes.length !== lengthOf(kind, counts)) return { reception: reject("not as long as its head says") };
  const numbers = new Float64Array((bytes.length - HEAD) / 8);
  for (let k = 0; k < numbers.length; k++) {
    numbers[k] = view.getFloat64(HEAD + 8 * k, true);
    if (!Number.isFinite(numbers[k])) return { reception: reject(`number ${k} is ${numbers[k]}`) };
  }
  return read(kind, view.getUint32(4, true), counts, numbers);
}

type Counts = { readonly block: number; readonly second: number; readonly third: number };

function lengthOf(kind: Message["kind"], { block, second, third }: Counts): number {
  switch (kind) {
    case "trade":
      return HEAD + 8 * (block + second);
    case "offer":
      return HEAD + 8 * (block + second + (third & ~WITH_CLAIM) + (third & WITH_CLAIM ? CLAIM_SIZE : 0));
    case "grid":
      return (
        HEAD +
        8 * (1 + block + second + (third & WITH_CENTRE ? 1 : 0) + (third & WITH_RHO_SCALE ? COMMODITIES.length : 0))
      );
  }
}

function read(kind: Message["kind"], iteration: number, counts: Counts, numbers: Float64Array): Received {
  const { block, second, third } = counts;
  switch (kind) {
    case "trade":
      if (third !== 0) return { reception: reject("a count that a trade has not") };
      return {
        reception: ACCEPT,
        message: {
          kind,
          iteration,
          block: numbers.slice(0, block),
          ...(second > 0 && { response: numbers.slice(block) }),
        },
      };
    case "offer": {
      const rest = block + second + (third & ~WITH_CLAIM);
      const [sums, gram] = [numbers.slice(block, block + second), numbers.slice(block + second, rest)];
      const claim = third & WITH_CLAIM ? { claim: numbers.slice(rest) } : {};
      return { reception: ACCEPT, message: { kind, iteration, block: numbers.slice(0, block), sums, gram, ...claim } };
    }
    case "grid": {
      const end = third >> 9 === 0 ? ENDS[third & END_BITS] : undefined;
      if (end === undefined) return { reception: reject("of no known end") };
      const ask = (third >> ASK_SHIFT) & ASK_BITS;
      if (ask > ASKS.length) return { reception: reject("asks for nothing known") };
      const rest = 1 + block + second;
      const centre = third & WITH_CENTRE ? { centre: numbers[rest] } : {};
      const rhoScale = third & WITH_RHO_SCALE ? { rhoScale: numbers.slice(-COMMODITIES.length) } : {};
      const weights = numbers.slice(1 + block, rest);
      const message = {
        kind,
        iteration,
        weights,
        block: numbers.slice(1, 1 + block),
        extra: numbers[0],
        ...centre,
        ...rhoScale,
        ...(ask > 0 && { ask: ASKS[ask - 1] }),
        end,
      };
      return { reception: ACCEPT, message };
    }
  }
}
