import { randomBytes } from "node:crypto";
import type { TypedDataDomain } from "ethers";
import type { ChannelKey } from "../../codec/channelKey.ts";
import type { Carriage, Channel, Listener, Reception } from "./connection.ts";
import { Delivery } from "./delivery.ts";
import type { Envelope } from "./frame.ts";
import { shakeHands, type Established } from "./handshake.ts";
import { doubt, helloBytes, helloText, type Hello } from "./hello.ts";
import type { Bounds, HostTransport, Peer, PeerHost, Timing, Traffic } from "./hostOptions.ts";
import { knownSigners } from "./knownSigners.ts";
import { Line } from "./line.ts";
import { Lives } from "./lives.ts";
import type { NetworkEvent } from "./networkEvent.ts";

export type Own = {
  readonly use: ChannelKey["use"];
  readonly domain: TypedDataDomain;
  /** Who lives here, with what each signed. */
  readonly parties: Hello["parties"];
  readonly validUntil: number;
  readonly timing: Timing;
  readonly bounds: Bounds;
  readonly now: () => number;
  readonly observe: (event: NetworkEvent) => void;
};

/** Another host, and what is exchanged with it. */
type Neighbour<Address> = {
  peers: readonly Peer[];
  address: Address;
  readonly line: Line;
  lives: Lives;
  /** Why nothing is taken from it or sent to it. */
  dropped: string | undefined;
  /** Of a host that this one dials: the pause before the next attempt, whether one is under way, why one failed. */
  pauseMs: number;
  dialling: boolean;
  trouble: string | undefined;
  timer: NodeJS.Timeout | undefined;
};

const nameOf = (parties: readonly { readonly party: number }[]): number =>
  Math.min(...parties.map(({ party }) => party));
const newLife = (): string => randomBytes(16).toString("hex");
const sameParties = (a: readonly Peer[], b: readonly Peer[]): boolean =>
  a.length === b.length &&
  a.every(({ party, nodeKey }) => b.some((other) => other.party === party && other.nodeKey === nodeKey));

/** Connections to other hosts: dialled by whoever has the lower name, proved, kept alive, made again. */
export class Host<Address> {
  private readonly own: Own;
  private readonly self: number;
  private readonly delivery: Delivery;
  private neighbours = new Map<number, Neighbour<Address>>();
  /** Where parties elsewhere live. */
  private readonly homes = new Map<number, Neighbour<Address>>();
  private heart: NodeJS.Timeout | undefined;
  private owing: NodeJS.Timeout | undefined;
  private carriage: Carriage<Address> | undefined;
  private closing = false;
  private closed: Promise<void> | undefined;
  private readonly signerOf = knownSigners();

  readonly reception: Reception = {
    opened: (channel) => this.greet(channel, undefined),
    refused: (address, reason) => this.own.observe({ kind: "refused", address, claims: undefined, reason }),
  };

  constructor(own: Own) {
    this.own = own;
    this.self = nameOf(own.parties);
    this.delivery = new Delivery(
      new Set(own.parties.map(({ party }) => party)),
      (envelope) => this.carry(envelope),
      () => this.neighbours.forEach(({ line, dropped }) => dropped === undefined && line.flush()),
    );
  }

  transport(carriage: Carriage<Address>, peers: readonly PeerHost<Address>[]): HostTransport<Address> {
    this.carriage = carriage;
    // Not before: a host that nothing carries is closed by nobody, and would keep its process alive.
    const { heartbeatMs } = this.own.timing;
    this.heart = setInterval(() => this.neighbours.forEach(({ line }) => line.beat()), heartbeatMs);
    this.setPeers(peers);
    return {
      address: carriage.address,
      join: (self, party) => this.delivery.join(self, party),
      setPeers: (now) => this.setPeers(now),
      connected: () => [...this.neighbours.values()].filter(({ line }) => line.connected).map(({ line }) => line.host),
      drop: (party, reason) => {
        const neighbour = this.homes.get(party);
        if (neighbour) this.drop(neighbour, reason);
      },
      readmit: (party) => this.readmit(party),
      underWay: () => this.underWay(),
      traffic: () => this.traffic(),
      close: () => (this.closed ??= this.close()),
    };
  }

  private setPeers(hosts: readonly PeerHost<Address>[]): void {
    const before = this.neighbours;
    this.neighbours = new Map();
    this.homes.clear();
    for (const { parties, address } of hosts) {
      const name = nameOf(parties);
      const neighbour = before.get(name) ?? this.neighbour(name, address);
      before.delete(name);
      if (!sameParties(neighbour.peers, parties))
        neighbour.line.end("its parties or their keys have changed", "peers changed");
      neighbour.peers = parties;
      neighbour.address = address;
      neighbour.line.peers = parties;
      this.neighbours.set(name, neighbour);
      for (const { party } of parties) this.homes.set(party, neighbour);
      this.dial(neighbour);
    }
    for (const { line, timer } of before.values()) {
      clearTimeout(timer);
      line.end("it is no peer any more", "no peer any more");
    }
  }

  private neighbour(name: number, address: Address): Neighbour<Address> {
    const { bounds, timing, observe } = this.own;
    const line = new Line(name, newLife(), bounds, timing, {
      arrived: (envelopes, after) => this.delivery.arrived(envelopes, after),
      owes: () => this.owes(),
      ended: (reason) => {
        observe({ kind: "disconnected", host: name, reason });
        this.dialLater(neighbour);
      },
      broke: (reason) => this.drop(neighbour, reason),
    });
    const neighbour: Neighbour<Address> = {
      peers: [],
      address,
      line,
      lives: new Lives(),
      dropped: undefined,
      pauseMs: timing.firstPauseMs,
      dialling: false,
      trouble: undefined,
      timer: undefined,
    };
    return neighbour;
  }

  /** To a party that nobody knows: nothing happens. */
  private carry(envelope: Envelope): void {
    const home = this.homes.get(envelope.to);
    if (home?.dropped === undefined) home?.line.carry(envelope);
  }

  private owes(): void {
    this.owing ??= setTimeout(() => {
      this.owing = undefined;
      for (const { line } of this.neighbours.values()) line.acknowledge();
    }, this.own.timing.acknowledgeMs);
  }

  private dial(neighbour: Neighbour<Address>): void {
    const { line } = neighbour;
    const idle = !line.connected && !neighbour.dialling && neighbour.dropped === undefined;
    if (this.self > line.host || !idle || this.closing || this.neighbours.get(line.host) !== neighbour) return;
    clearTimeout(neighbour.timer);
    neighbour.dialling = true;
    this.carriage?.dial(neighbour.address, {
      opened: (channel) => this.greet(channel, neighbour),
      failed: (reason) => this.missed(neighbour, reason),
    });
  }

  /** Pauses are drawn at random around a length that doubles, so that hosts do not all come back at once. */
  private dialLater(neighbour: Neighbour<Address>): void {
    clearTimeout(neighbour.timer);
    if (this.closing) return;
    neighbour.timer = setTimeout(() => this.dial(neighbour), neighbour.pauseMs * (0.5 + Math.random()));
    neighbour.pauseMs = Math.min(2 * neighbour.pauseMs, this.own.timing.longestPauseMs);
  }

  private missed(neighbour: Neighbour<Address>, reason: string, turnedAway = false): void {
    neighbour.dialling = false;
    // Said once, not at every attempt.
    if (neighbour.trouble !== reason)
      this.own.observe({ kind: turnedAway ? "turnedAway" : "unreachable", host: neighbour.line.host, reason });
    neighbour.trouble = reason;
    this.dialLater(neighbour);
  }

  private greet(channel: Channel, dialled: Neighbour<Address> | undefined): Listener {
    const { timing, bounds, observe } = this.own;
    return shakeHands({
      channel,
      dialled: dialled?.line.host,
      helloMs: timing.helloMs,
      hello: (host) => this.hello(host),
      doubt: (hello) => this.doubt(hello, channel, dialled),
      known: (hello) => this.known(hello, channel),
      failed: (reason, claims, turnedAway) =>
        dialled
          ? this.missed(dialled, reason, turnedAway)
          : observe({ kind: "refused", address: channel.where, claims, reason }),
      longestHello: () => helloBytes(Math.max(1, ...[...this.neighbours.values()].map(({ peers }) => peers.length))),
      longestFrame: bounds.messageBytes + (1 << 20),
    });
  }

  private hello(host: number): string {
    const { parties, validUntil, now } = this.own;
    const { life, heard } = (this.neighbours.get(host) as Neighbour<Address>).line;
    return helloText({ host: this.self, to: host, life, heard, time: Math.floor(now()), validUntil, parties });
  }

  private doubt(hello: Hello, channel: Channel, dialled: Neighbour<Address> | undefined): string | undefined {
    const neighbour = this.neighbours.get(hello.host);
    if (this.closing) return "this host is closing";
    if (neighbour === undefined) return `host ${hello.host} is no peer of host ${this.self}`;
    if (dialled === undefined && hello.host > this.self) return "the host with the higher name waits to be dialled";
    if (neighbour.dropped !== undefined) return `it was dropped: ${neighbour.dropped}`;
    const { use, domain, now, timing } = this.own;
    const { peers } = neighbour;
    const { key } = channel;
    return doubt(hello, {
      signerOf: this.signerOf,
      self: this.self,
      peers,
      domain,
      use,
      key,
      now: now(),
      clockSkewMs: timing.clockSkewMs,
    });
  }

  private known(hello: Hello, channel: Channel): Established {
    const neighbour = this.neighbours.get(hello.host) as Neighbour<Address>;
    const { line } = neighbour;
    neighbour.dialling = false;
    neighbour.trouble = undefined;
    neighbour.pauseMs = this.own.timing.firstPauseMs;
    clearTimeout(neighbour.timer);
    line.establish(channel, hello);
    if (neighbour.lives.begins(hello.life))
      this.drop(neighbour, "two processes use its key at once, and take each other's place");
    if (line.connected) this.own.observe({ kind: "connected", host: line.host });
    return {
      frame: (frame, bytes) => line.frame(frame, bytes),
      broke: (reason) => this.drop(neighbour, reason),
      drained: () => line.drained(),
      closed: (reason) => line.end(reason),
    };
  }

  private drop(neighbour: Neighbour<Address>, reason: string): void {
    if (neighbour.dropped !== undefined) return;
    neighbour.dropped = reason;
    neighbour.line.end(`dropped: ${reason}`, `dropped: ${reason}`);
    neighbour.line.forget(newLife());
    this.delivery.silence(new Set(neighbour.peers.map(({ party }) => party)));
    this.own.observe({ kind: "dropped", host: neighbour.line.host, reason });
  }

  private readmit(party: number): void {
    const neighbour = this.homes.get(party);
    if (neighbour?.dropped === undefined) return;
    neighbour.dropped = undefined;
    neighbour.lives = new Lives();
    this.dial(neighbour);
  }

  private underWay(): number {
    let total = this.delivery.waiting;
    for (const { line } of this.neighbours.values()) total += line.underWay;
    return total;
  }

  private traffic(): Traffic {
    const total = {
      sentMessages: 0,
      sentFrames: 0,
      sentBytes: 0,
      receivedMessages: 0,
      receivedFrames: 0,
      receivedBytes: 0,
    };
    for (const {
      line: { sent, received },
    } of this.neighbours.values()) {
      total.sentMessages += sent.messages;
      total.sentFrames += sent.frames;
      total.sentBytes += sent.bytes;
      total.receivedMessages += received.messages;
      total.receivedFrames += received.frames;
      total.receivedBytes += received.bytes;
    }
    return total;
  }

  private async close(): Promise<void> {
    this.closing = true;
    const until = performance.now() + this.own.timing.lingerMs;
    const unsent = (): boolean => [...this.neighbours.values()].some(({ line }) => line.connected && line.underWay > 0);
    while (unsent() && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(this.heart);
    clearTimeout(this.owing);
    this.delivery.close();
    for (const { line, timer } of this.neighbours.values()) {
      clearTimeout(timer);
      line.end("this host closes", "it closes");
    }
    await this.carriage?.close();
  }
}
