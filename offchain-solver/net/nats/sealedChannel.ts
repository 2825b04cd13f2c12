import type { Channel, Listener } from "../host/connection.ts";
import { headerOf, SEALED_BYTES, type Packet } from "./packet.ts";
import type { Seal } from "./seal.ts";

export type Broker = {
  readonly publish: (subject: string, packet: Uint8Array, reply?: string) => void;
  /** Resolves when the broker has taken what was published before. */
  readonly flush: () => Promise<void>;
  readonly longestPacket: () => number;
};

/** So much may wait for the broker to take it. */
const HIGH_WATER = 1 << 20;

/** A channel of sealed packets: each is taken once and in turn, and one that is missing ends it. */
export class SealedChannel {
  readonly channel: Channel;
  private readonly id: Buffer;
  private readonly seal: Seal;
  private readonly broker: Broker;
  private readonly subject: string;
  private readonly over: () => void;
  private listener: Listener | undefined;
  private open = true;
  private sent = 0;
  private taken = 0;
  private waiting = 0;
  private flushing = false;
  private parts: Buffer[] = [];
  private held = 0;

  constructor(
    { id, x }: { readonly id: Buffer; readonly x: Buffer },
    seal: Seal,
    to: { readonly broker: Broker; readonly subject: string },
    told: { readonly known: () => unknown; readonly over: () => void },
  ) {
    this.id = id;
    this.seal = seal;
    this.broker = to.broker;
    this.subject = to.subject;
    this.over = told.over;
    this.channel = {
      key: `0x${x.toString("hex")}`,
      where: to.subject,
      known: () => void told.known(),
      send: (frame) => this.send(frame),
      close: () => this.close(),
    };
  }

  get name(): string {
    return this.id.toString("hex");
  }

  /** From now on packets become frames. */
  attach(listener: Listener): void {
    this.listener = listener;
  }

  /** Ends it for a reason of its own, and tells. */
  end(reason: string): void {
    if (!this.open) return;
    this.close();
    this.listener?.closed(reason);
  }

  /** true: it was the other side's. Whatever is not is left alone, or anybody could end a channel. */
  packet({ count, rest, header, sealed }: Extract<Packet, { kind: "sealed" }>): boolean {
    if (!this.open || count < this.taken) return true;
    const plain = this.seal.open(count, header, sealed);
    if (plain === undefined) return false;
    if (count > this.taken) this.end(`${count - this.taken} packets were lost`);
    else if (rest === "over") this.end("it has ended the channel");
    else this.piece(plain, rest === "last");
    return true;
  }

  private piece(plain: Buffer, last: boolean): void {
    const { listener } = this;
    this.taken++;
    this.held += plain.length;
    if (this.held > (listener?.longest() ?? 0)) return listener?.broke(`a frame of ${this.held} bytes or more came`);
    this.parts.push(plain);
    if (!last) return;
    const frame = this.parts.length === 1 ? plain : Buffer.concat(this.parts);
    this.parts = [];
    this.held = 0;
    listener?.frame(frame);
  }

  private send(frame: Uint8Array): boolean {
    if (!this.open) return true;
    const size = this.broker.longestPacket() - SEALED_BYTES;
    for (let at = 0; at < frame.length; at += size) {
      const more = at + size < frame.length;
      this.publish(frame.subarray(at, at + size), more ? "more" : "last");
    }
    this.waiting += frame.length;
    if (this.waiting > HIGH_WATER) void this.drain();
    return this.waiting <= HIGH_WATER;
  }

  private publish(plain: Uint8Array, rest: "more" | "last" | "over"): void {
    this.broker.publish(this.subject, this.seal.seal(this.sent, headerOf(this.id, this.sent, rest), plain));
    this.sent++;
  }

  private async drain(): Promise<void> {
    if (this.flushing) return;
    this.flushing = true;
    await this.broker.flush();
    this.flushing = false;
    this.waiting = 0;
    if (this.open) this.listener?.drained();
  }

  private close(): void {
    if (!this.open) return;
    this.publish(new Uint8Array(0), "over");
    this.open = false;
    this.over();
  }
}
