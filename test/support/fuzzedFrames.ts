import { randomBytes } from "node:crypto";
import type { Message } from "../../offchain-solver/clearing/message.ts";
import { acknowledgement, batchOf, stamp } from "../../offchain-solver/net/host/frame.ts";
import { encode } from "../../offchain-solver/net/wire.ts";
import type { Random } from "../../offchain-solver/scenarios/prng.ts";

export const FUZZ_TAG = 0x1234;

const below = (random: Random, bound: number): number => Math.floor(random() * bound);

/** A message of the clearing, its numbers drawn; sometimes of another session, sometimes with what is no number. */
function message(random: Random): Uint8Array {
  const numbers = (most: number): Float64Array =>
    Float64Array.from({ length: below(random, most) }, () => (random() < 0.02 ? NaN : random() * 100));
  const iteration = below(random, 2 ** 32);
  const drawn: Message[] = [
    { kind: "trade", iteration, block: numbers(30) },
    { kind: "offer", iteration, block: numbers(30), sums: numbers(30), gram: numbers(16) },
    { kind: "grid", iteration, weights: numbers(16), block: numbers(30), extra: random(), end: "no" },
  ];
  return encode(drawn[below(random, 3)], random() < 0.3 ? FUZZ_TAG ^ 1 : FUZZ_TAG);
}

/** Changes some bytes, cuts it short or makes it longer. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (let k = below(random, 4); k >= 0 && changed.length > 0; k--)
    changed[below(random, changed.length)] = below(random, 256);
  if (random() < 0.2) return changed.subarray(0, below(random, changed.length + 1));
  return random() < 0.1 ? Uint8Array.from([...changed, ...randomBytes(below(random, 40))]) : changed;
}

/**
 * A frame for a host: garbage, a frame with changed bytes, or a batch whose messages have them. `number`: the batch
 * that comes next.
 */
export function fuzzedFrame(random: Random, number: number, from: number, to: number): Uint8Array {
  const kind = random();
  if (kind < 0.1) return randomBytes(below(random, 300));
  const many = random() < 0.5 ? 1 : below(random, 5);
  const envelopes = Array.from({ length: many }, () => {
    const bytes = message(random);
    return { from, to, bytes: kind < 0.5 ? mutated(bytes, random) : bytes };
  });
  const frame = kind > 0.9 ? acknowledgement(below(random, 3)) : stamp(batchOf(envelopes), number, 0);
  return kind > 0.7 && kind < 0.85 ? mutated(frame, random) : frame;
}
