import type { Link, Party, Transport } from "./transport.ts";

/** All parties in one process, with a clock that stands still while messages are under way. */
export type MemoryTransport<M> = Transport<M> & {
  /** Delivers until nothing is under way and no timer runs, or until `over` says so. */
  readonly run: (over?: () => boolean) => void;
};

/** First in, first out without a seed; a seeded random order with one. */
export function memoryTransport<M>(seed?: number): MemoryTransport<M> {
  const queue = seed === undefined ? inOrder<Parcel<M>>() : shuffled<Parcel<M>>(seed >>> 0);
  const parties = new Map<number, Party<M>>();
  const timers = new Map<number, number>();
  let now = 0;
  const deliver = ({ from, to, message }: Parcel<M>): void => parties.get(to)?.message(from, message);
  /** Time passes only when everybody waits. */
  const ring = (): boolean => {
    let [who, when] = [NaN, Infinity];
    for (const [self, at] of timers) if (at < when) [who, when] = [self, at];
    if (when === Infinity) return false;
    now = when;
    timers.delete(who);
    parties.get(who)?.timeout();
    return true;
  };
  return {
    join(self, party): Link<M> {
      if (parties.has(self)) throw new RangeError(`party ${self} is on the network already`);
      parties.set(self, party);
      const here = (): boolean => parties.get(self) === party;
      return {
        send(to, message) {
          if (here()) queue.push({ from: self, to, message });
        },
        setTimer(afterMs) {
          if (here()) timers.set(self, now + afterMs);
        },
        close() {
          if (!here()) return;
          parties.delete(self);
          timers.delete(self);
        },
      };
    },
    run(over = () => false) {
      while (!over()) {
        const parcel = queue.pop();
        if (parcel !== undefined) deliver(parcel);
        else if (!ring()) return;
      }
    },
  };
}

type Parcel<M> = { readonly from: number; readonly to: number; readonly message: M };
type Queue<T> = { readonly push: (item: T) => void; readonly pop: () => T | undefined };

function inOrder<T>(): Queue<T> {
  const queue: T[] = [];
  let head = 0;
  return {
    push: (item) => void queue.push(item),
    pop() {
      if (head === queue.length) {
        queue.length = 0;
        head = 0;
        return undefined;
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

/** Takes a random item each time; mulberry32, 32 bits of state are plenty for shuffling deliveries. */
function shuffled<T>(seed: number): Queue<T> {
  const items: T[] = [];
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    push: (item) => void items.push(item),
    pop() {
      if (items.length === 0) return undefined;
      const pick = Math.floor(random() * items.length);
      [items[pick], items[items.length - 1]] = [items[items.length - 1], items[pick]];
      return items.pop();
    },
  };
}
