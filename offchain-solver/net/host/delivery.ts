import type { Link, Party } from "../transport.ts";
import type { Envelope } from "./frame.ts";

/** Work goes on in slices of this length, so that sockets are served in between. */
const SLICE_MS = 20;

type Item = Envelope | (() => void);

/**
 * The parties of one host: what arrives for them waits in one queue and is handed over one call at a time, never while
 * somebody sends; what they send elsewhere is given to `carry`, and `settled` called once all that waited was handed
 * over: a host speaks when its parties have nothing left to answer.
 */
export class Delivery {
  private readonly parties = new Map<number, Party<Uint8Array>>();
  private readonly timers = new Map<number, NodeJS.Timeout>();
  private queue: Item[] = [];
  private head = 0;
  private messages = 0;
  private scheduled: NodeJS.Immediate | undefined;
  private readonly residents: ReadonlySet<number>;
  private readonly carry: (envelope: Envelope) => void;
  private readonly settled: () => void;

  constructor(residents: ReadonlySet<number>, carry: (envelope: Envelope) => void, settled: () => void) {
    this.residents = residents;
    this.carry = carry;
    this.settled = settled;
  }

  /** Messages that wait for a resident, and its timers that run. */
  get waiting(): number {
    return this.messages + this.timers.size;
  }

  join(self: number, party: Party<Uint8Array>): Link<Uint8Array> {
    if (!this.residents.has(self)) throw new RangeError(`party ${self} does not live on this host`);
    if (this.parties.has(self)) throw new RangeError(`party ${self} is on the network already`);
    this.parties.set(self, party);
    const here = (): boolean => this.parties.get(self) === party;
    const stop = (): void => {
      clearTimeout(this.timers.get(self));
      this.timers.delete(self);
    };
    return {
      send: (to, bytes) => {
        if (here()) this.send({ from: self, to, bytes });
      },
      setTimer: (afterMs) => {
        if (!here()) return;
        stop();
        const ring = (): void => {
          this.timers.delete(self);
          party.timeout();
        };
        this.timers.set(self, setTimeout(ring, afterMs));
      },
      close: () => {
        if (!here()) return;
        stop();
        this.parties.delete(self);
      },
    };
  }

  /** `after` is called when everything before it was handed over. */
  arrived(envelopes: readonly Envelope[], after: () => void): void {
    for (const envelope of envelopes) this.queue.push(envelope);
    this.messages += envelopes.length;
    this.queue.push(after);
    this.schedule();
  }

  /** Takes back what waits from these parties: a host that was dropped is heard no more. */
  silence(parties: ReadonlySet<number>): void {
    const waiting = this.queue.slice(this.head);
    this.queue = waiting.filter((item) => typeof item === "function" || !parties.has(item.from));
    this.head = 0;
    this.messages -= waiting.length - this.queue.length;
  }

  close(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.parties.clear();
    this.queue = [];
    [this.head, this.messages] = [0, 0];
    clearImmediate(this.scheduled);
  }

  private send(envelope: Envelope): void {
    if (this.residents.has(envelope.to)) {
      this.queue.push(envelope);
      this.messages++;
    } else this.carry(envelope);
    this.schedule();
  }

  private schedule(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      const until = performance.now() + SLICE_MS;
      try {
        while (this.head < this.queue.length && performance.now() < until) this.next();
      } finally {
        // Whatever a party throws is its own fault, and no reason to forget what is left.
        if (this.head < this.queue.length) this.schedule();
        else {
          this.queue = [];
          this.head = 0;
          this.settled();
        }
      }
    });
  }

  private next(): void {
    const item = this.queue[this.head++];
    if (typeof item === "function") return item();
    this.messages--;
    this.parties.get(item.to)?.message(item.from, item.bytes);
  }
}
