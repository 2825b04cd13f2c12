import { stamp } from "./frame.ts";

/** Batches are numbered within a life: of whoever sends them, towards one host. */
export type Heard = { readonly life: string; readonly number: number };

/**
 * Batches between two hosts, in order and once each, over connections that come and go: they are numbered from 1, kept
 * until they are acknowledged, and sent again from where the other side says it is when a connection is made anew.
 * Holds no socket and no clock.
 */
export class Pair {
  /** Not acknowledged, oldest first; the first is number `first`. */
  private readonly kept: Uint8Array[] = [];
  private first = 1;
  /** Next to go out on the connection there is. */
  private next = 1;
  private flying = 0;
  private held = 0;
  /** The last batch taken from the other side, and the last of which all was delivered. */
  private taken = 0;
  private delivered = 0;
  /** The life of the other side that the two count. */
  private theirs: string | undefined;
  readonly life: string;
  private readonly windowBytes: number;

  /** `life`: drawn at random, for this pair alone. */
  constructor(life: string, windowBytes: number) {
    this.life = life;
    this.windowBytes = windowBytes;
  }

  get heldBytes(): number {
    return this.held;
  }

  get unacknowledged(): number {
    return this.kept.length;
  }

  get deliveredNumber(): number {
    return this.delivered;
  }

  /** What a hello says of the other side's batches. */
  get heard(): Heard | undefined {
    return this.theirs === undefined ? undefined : { life: this.theirs, number: this.taken };
  }

  keep(batch: Uint8Array): void {
    this.kept.push(batch);
    this.held += batch.length;
  }

  /**
   * A connection was made to a life of the other side, which has heard so much of this one. false: it claims to have
   * heard what was never sent.
   */
  resume(theirs: string, heard: Heard | undefined): boolean {
    if (theirs !== this.theirs) {
      this.theirs = theirs;
      this.taken = 0;
      this.delivered = 0;
    }
    if (heard?.life === this.life && !this.acknowledge(heard.number)) return false;
    this.next = this.first;
    this.flying = 0;
    return true;
  }

  /** false: of a batch that was never sent. */
  acknowledge(number: number): boolean {
    if (number >= this.next) return false;
    for (; this.first <= number; this.first++) {
      const { length } = this.kept.shift() as Uint8Array;
      this.held -= length;
      this.flying -= length;
    }
    return true;
  }

  /** The next batch to send, numbered; undefined: none, or enough is under way. */
  take(): Uint8Array | undefined {
    const batch = this.kept[this.next - this.first];
    if (batch === undefined || (this.flying > 0 && this.flying + batch.length > this.windowBytes)) return undefined;
    this.flying += batch.length;
    return stamp(batch, this.next++, this.delivered);
  }

  /** Whether a batch with this number comes now; whoever has heard nothing yet may be told from any number on. */
  accept(number: number): boolean {
    if (this.taken === 0 ? number < 1 : number !== this.taken + 1) return false;
    this.taken = number;
    return true;
  }

  /** All of a batch was delivered; of another life, that is nothing any more. */
  deliver(life: string, number: number): void {
    if (life === this.theirs) this.delivered = number;
  }
}
