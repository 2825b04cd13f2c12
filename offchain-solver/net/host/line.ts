import type { Channel } from "./connection.ts";
import { acknowledgement, batchOf, bye, envelopeBytes, type Envelope, type Frame } from "./frame.ts";
import type { Hello } from "./hello.ts";
import type { Bounds, Peer, Timing } from "./hostOptions.ts";
import { Pair } from "./pair.ts";

/** A batch ends with the message that makes it longer than this. */
const BATCH_BYTES = 1 << 18;

export type LineReports = {
  readonly arrived: (envelopes: readonly Envelope[], after: () => void) => void;
  /** Something was delivered that the other side does not know of yet. */
  readonly owes: () => void;
  readonly ended: (reason: string) => void;
  /** It broke the protocol. */
  readonly broke: (reason: string) => void;
};

type Counts = { messages: number; frames: number; bytes: number };

/** What this host exchanges with one other, whether or not there is a connection to it just now. */
export class Line {
  readonly host: number;
  readonly sent: Counts = { messages: 0, frames: 0, bytes: 0 };
  readonly received: Counts = { messages: 0, frames: 0, bytes: 0 };
  private readonly outbox: Envelope[] = [];
  private readonly bounds: Bounds;
  private readonly timing: Timing;
  private readonly reports: LineReports;
  private readonly voices = new Set<number>();
  private pair: Pair;
  private channel: Channel | undefined;
  private choked = false;
  /** Bytes taken and not delivered yet. */
  private inHand = 0;
  /** Whether something was delivered that the other side has not been told of, and how much. */
  private owing = false;
  private unsaid = 0;
  /** Beats of the heart since a frame came, since one went, and since the other side acknowledged anything. */
  private silent = 0;
  private quiet = 0;
  private stalled = 0;

  constructor(host: number, life: string, bounds: Bounds, timing: Timing, reports: LineReports) {
    this.host = host;
    this.bounds = bounds;
    this.timing = timing;
    this.reports = reports;
    this.pair = new Pair(life, bounds.windowBytes);
  }

  get connected(): boolean {
    return this.channel !== undefined;
  }

  get underWay(): number {
    return this.outbox.length + this.pair.unacknowledged;
  }

  get life(): string {
    return this.pair.life;
  }

  get heard(): Hello["heard"] {
    return this.pair.heard;
  }

  set peers(peers: readonly Peer[]) {
    this.voices.clear();
    for (const { party } of peers) this.voices.add(party);
  }

  carry(envelope: Envelope): void {
    this.outbox.push(envelope);
  }

  /** Makes batches of what residents sent, and sends what may go. */
  flush(): void {
    for (let from = 0; from < this.outbox.length;) {
      let [to, size] = [from, 0];
      while (to < this.outbox.length && size < BATCH_BYTES) size += envelopeBytes(this.outbox[to++].bytes.length);
      this.pair.keep(batchOf(this.outbox.slice(from, to)));
      from = to;
    }
    this.sent.messages += this.outbox.length;
    this.outbox.length = 0;
    if (this.pair.heldBytes > this.bounds.queueBytes)
      return this.reports.broke(`${this.pair.heldBytes} bytes wait for it, and it takes none`);
    this.sendOn();
  }

  /** A connection whose other end is known to be that host takes the place of any before it. */
  establish(channel: Channel, { life, heard }: Hello): void {
    this.end("another connection took its place");
    if (!this.pair.resume(life, heard)) {
      channel.close();
      return this.reports.broke("it claims to have heard what was never sent");
    }
    this.channel = channel;
    this.choked = false;
    this.silent = this.quiet = this.stalled = 0;
    this.sendOn();
  }

  frame(frame: Frame, bytes: number): void {
    this.silent = 0;
    this.received.frames++;
    this.received.bytes += bytes;
    switch (frame.kind) {
      case "hello":
        return this.reports.broke("it said hello twice");
      case "bye":
        return this.end(`it ended the connection: ${frame.reason}`);
      case "acknowledge":
        return this.acknowledged(frame.acknowledged);
      case "batch":
        return this.batch(frame, bytes);
    }
  }

  drained(): void {
    this.choked = false;
    this.sendOn();
    this.acknowledge();
  }

  /** Sends what is owed, unless something that was sent since has told it. */
  acknowledge(): void {
    if (!this.owing || this.choked) return;
    this.owing = false;
    this.unsaid = 0;
    this.put(acknowledgement(this.pair.deliveredNumber));
  }

  /** Called every `heartbeatMs`. Counting beats and not time, a host that was busy itself blames nobody. */
  beat(): void {
    if (this.channel === undefined) return;
    const { heartbeatMs, silenceMs, stallMs } = this.timing;
    if (++this.silent * heartbeatMs > silenceMs) return this.end(`nothing was heard for ${silenceMs / 1000} s`);
    this.stalled = this.pair.unacknowledged > 0 && this.silent <= 1 ? this.stalled + 1 : this.stalled;
    if (this.stalled * heartbeatMs > stallMs)
      return this.reports.broke(`it has acknowledged nothing for ${stallMs / 1000} s, though it speaks`);
    if (this.quiet++ > 0 && !this.choked) this.put(acknowledgement(this.pair.deliveredNumber));
  }

  /** Ends the connection, if there is one; what was not acknowledged waits for the next. */
  end(reason: string, farewell?: string): void {
    const { channel } = this;
    if (channel === undefined) return;
    this.channel = undefined;
    if (farewell !== undefined) channel.send(bye(farewell));
    channel.close(farewell !== undefined);
    this.reports.ended(reason);
  }

  /** Forgets all that was under way. */
  forget(life: string): void {
    this.pair = new Pair(life, this.bounds.windowBytes);
    this.outbox.length = 0;
  }

  private batch(frame: Extract<Frame, { kind: "batch" }>, bytes: number): void {
    this.acknowledged(frame.acknowledged);
    if (this.channel === undefined) return;
    const { pair, bounds } = this;
    const before = pair.heard?.number;
    if (!pair.accept(frame.number)) return this.reports.broke(`its batch ${frame.number} came after ${before}`);
    const alien = frame.envelopes.find(({ from }) => !this.voices.has(from));
    if (alien !== undefined) return this.reports.broke(`it speaks for party ${alien.from}, who does not live on it`);
    this.inHand += bytes;
    if (this.inHand > 2 * bounds.windowBytes + bounds.messageBytes)
      return this.reports.broke(`it sent ${this.inHand} bytes at once`);
    this.received.messages += frame.envelopes.length;
    const life = pair.heard?.life as string;
    this.reports.arrived(frame.envelopes, () => {
      this.inHand -= bytes;
      pair.deliver(life, frame.number);
      this.owing = true;
      this.unsaid += bytes;
      // Whoever sends much must not run out of window while it waits for an acknowledgement.
      if (this.unsaid > bounds.windowBytes / 4) this.acknowledge();
      else this.reports.owes();
    });
  }

  private acknowledged(number: number): void {
    const before = this.pair.unacknowledged;
    if (!this.pair.acknowledge(number)) return this.reports.broke(`it acknowledges batch ${number}, never sent`);
    if (this.pair.unacknowledged === before) return;
    this.stalled = 0;
    this.sendOn();
  }

  private sendOn(): void {
    while (this.channel !== undefined && !this.choked) {
      const batch = this.pair.take();
      if (batch === undefined) return;
      this.owing = false;
      this.unsaid = 0;
      this.put(batch);
    }
  }

  private put(frame: Uint8Array): void {
    if (this.channel === undefined) return;
    this.quiet = 0;
    this.sent.frames++;
    this.sent.bytes += frame.length;
    if (!this.channel.send(frame)) this.choked = true;
  }
}
