import type { Transport } from "./transport.ts";

/** In-memory transport: first in, first out without a seed; a seeded random order with one. */
export function memoryTransport<M>(seed?: number): Transport<M> {
  const queue: { from: number; to: number; message: M }[] = [];
  let head = 0;
  let state = seed === undefined ? 0 : seed >>> 0;
  /** Mulberry32: 32 bits of state are plenty for shuffling deliveries. */
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    send: (from, to, message) => void queue.push({ from, to, message }),
    deliver() {
      if (head === queue.length) {
        queue.length = 0;
        head = 0;
        return undefined;
      }
      if (seed !== undefined) {
        const pick = head + Math.floor(random() * (queue.length - head));
        [queue[head], queue[pick]] = [queue[pick], queue[head]];
      }
      const next = queue[head++];
      if (head > 4096) {
        queue.splice(0, head);
        head = 0;
      }
      return next;
    },
  };
}
