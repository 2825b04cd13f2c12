import { randomBytes } from "node:crypto";
import { connect, type ConnectionOptions, type Msg, type NatsConnection } from "@nats-io/transport-node";
import type { Channel, Dialled, Listener } from "../host/connection.ts";
import type { HostOptions, HostTransport } from "../host/hostOptions.ts";
import { openHost, type Front } from "../host/openHost.ts";
import { closeConnection, flush } from "./closeConnection.ts";
import { greeting, ID_BYTES, readPacket, type Packet } from "./packet.ts";
import { createSealKey, sealOf, type Seal, type SealKey } from "./seal.ts";
import { SealedChannel, type Broker } from "./sealedChannel.ts";

/** The subject that a host hears. */
export type NatsAddress = { readonly subject: string };

export type NatsOptions = HostOptions<NatsAddress> & {
  /** Subjects of one market begin with it: letters, digits, dots. */
  readonly space: string;
  readonly broker: Pick<ConnectionOptions, "servers" | "user" | "pass" | "token" | "authenticator" | "tls">;
};

export const subjectOf = (space: string, parties: readonly number[]): NatsAddress => ({
  subject: `${space}.${Math.min(...parties)}`,
});

/** A dialled host that is there answers within this time. */
const ANSWER_MS = 5_000;
/**
 * A broker that took a connection greets within this time. The client notices a connection that ends in mid-greeting
 * only by it.
 */
const GREETING_MS = 5_000;

/**
 * Opens a host at a NATS broker, to which it only goes out. Packets are sealed from host to host: the broker learns who
 * talks to whom and how much, can drop, and can neither read nor change nor repeat them. Rejects with an Error that
 * names the broker where that is not reached.
 */
export function openNats(options: NatsOptions): Promise<HostTransport<NatsAddress>> {
  const x = createSealKey();
  const address = subjectOf(
    options.space,
    options.residents.map(({ party }) => party),
  );
  return openHost(options, { use: "seal", key: `0x${x.public.toString("hex")}` }, async (front) => {
    const connection = await connectTo(options.broker, address.subject);
    const switchboard = new Switchboard(connection, x, options.space, address.subject, front);
    watch(connection, options, () => switchboard.end("the broker was lost"));
    return {
      address,
      dial: ({ subject }, told) => switchboard.dial(subject, told),
      async close() {
        switchboard.end("this host closes");
        await closeConnection(connection);
      },
    };
  });
}

async function connectTo(broker: NatsOptions["broker"], name: string): Promise<NatsConnection> {
  try {
    // A broker that refuses its hosts for a while, its token being changed, say, is tried on.
    const patience = { maxReconnectAttempts: -1, ignoreAuthErrorAbort: true, reconnectTimeWait: 250 };
    return await connect({ ...broker, ...patience, name, timeout: GREETING_MS, pingInterval: 10_000 });
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`broker ${String(broker.servers)}: ${message}`, { cause: error });
  }
}

function watch(connection: NatsConnection, { observe = () => undefined }: NatsOptions, back: () => void): void {
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "reconnect") back();
      if (status.type === "disconnect" || status.type === "reconnect")
        observe({ kind: "broker", state: status.type === "reconnect" ? "back" : "lost", reason: status.server });
      if (status.type === "error") observe({ kind: "broker", state: "refuses", reason: status.error.message });
    }
  })();
}

/** A knock that waits for its answer; undefined: the broker says that nobody listens. */
type Dial = {
  readonly answered: (packet: Greeting | undefined) => void;
  readonly ended: (reason: string) => void;
};
type Greeting = Extract<Packet, { kind: "knock" | "answer" }>;

/** Channels by their ids, and the subject at which their packets come in. */
class Switchboard {
  private readonly x: SealKey;
  private readonly space: string;
  private readonly subject: string;
  private readonly front: Front;
  private readonly broker: Broker;
  private readonly channels = new Map<string, SealedChannel>();
  /** Channels whose other end has not said who it is, oldest first. */
  private readonly strangers = new Set<SealedChannel>();
  private readonly dials = new Map<string, Dial>();
  private readonly forged = new Set<string>();

  constructor(connection: NatsConnection, x: SealKey, space: string, subject: string, front: Front) {
    this.x = x;
    this.space = space;
    this.subject = subject;
    this.front = front;
    this.broker = {
      publish: (to, packet, reply) => {
        if (!connection.isClosed()) connection.publish(to, packet, reply === undefined ? {} : { reply });
      },
      flush: () => flush(connection),
      longestPacket: () => connection.info?.max_payload ?? 1 << 20,
    };
    for (const heard of [subject, `${subject}.*`])
      connection.subscribe(heard, { callback: (error, message) => void (error ?? this.hear(message)) });
  }

  /** The answer comes to a subject of its own; so does the broker's word that nobody listens. */
  dial(subject: string, { opened, failed }: Dialled): void {
    const id = randomBytes(ID_BYTES);
    const name = id.toString("hex");
    const e = createSealKey();
    const late = setTimeout(() => done("no answer by way of the broker"), ANSWER_MS);
    const done = (reason?: string): void => {
      clearTimeout(late);
      this.dials.delete(name);
      if (reason !== undefined) failed(`${subject}: ${reason}`);
    };
    this.dials.set(name, {
      ended: done,
      answered: (packet) => {
        if (packet === undefined) return done("nobody listens there");
        if (!packet.id.equals(id)) return;
        const seal = sealOf(id, { x: this.x, e }, packet, true);
        done(seal ? undefined : "it answers with no key");
        if (seal) this.open(packet, seal, subject, opened);
      },
    });
    this.broker.publish(subject, greeting("knock", id, e.public, this.x.public), `${this.subject}.${name}`);
  }

  /**
   * Ends every channel and every dial, also of those that have not said who they are. After the broker was away this
   * is quicker than to wait for what it may have lost: a knock for its answer, a packet for the next one's number.
   */
  end(reason: string): void {
    for (const { ended } of [...this.dials.values()]) ended(reason);
    for (const channel of [...this.channels.values()]) channel.end(reason);
  }

  private hear(message: Msg): void {
    const dial = this.dials.get(message.subject.slice(this.subject.length + 1));
    // The broker says 503, in a header, where nobody listens.
    if (dial && message.data.length === 0 && message.headers?.code === 503) return dial.answered(undefined);
    const packet = readPacket(message.data);
    if (packet === undefined) return this.refuse(message.subject, "something came that is no packet");
    if (packet.kind !== "sealed")
      return packet.kind === "knock" ? this.knocked(packet, message.reply) : dial?.answered(packet);
    const name = packet.id.toString("hex");
    const channel = this.channels.get(name);
    if (channel && !channel.packet(packet)) this.refuse(name, "a packet came that the other side has not sealed");
  }

  /** Said once for each place: anybody can publish anything. */
  private refuse(where: string, reason: string): void {
    if (this.forged.has(where) || this.forged.size >= 1024) return;
    this.forged.add(where);
    this.front.reception.refused(where, reason);
  }

  private knocked(packet: Greeting, reply: string | undefined): void {
    // Nobody is made to publish outside the market's subjects, nor to itself.
    const subject = reply?.slice(0, reply.lastIndexOf("."));
    if (!reply?.startsWith(`${this.space}.`) || subject === undefined || subject === this.subject) return;
    const name = packet.id.toString("hex");
    if (this.channels.has(name)) return;
    const e = createSealKey();
    const seal = sealOf(packet.id, { x: this.x, e }, packet, false);
    if (seal === undefined) return this.refuse(subject, "it knocks with no key");
    this.broker.publish(reply, greeting("answer", packet.id, e.public, this.x.public));
    this.strangers.add(this.open(packet, seal, subject, this.front.reception.opened));
    if (this.strangers.size <= this.front.bounds.strangers) return;
    const [oldest] = this.strangers;
    oldest.end("too many came at once");
  }

  private open(
    packet: { readonly id: Buffer; readonly x: Buffer },
    seal: Seal,
    subject: string,
    opened: (channel: Channel) => Listener,
  ): SealedChannel {
    // The packet's bytes are the broker connection's.
    const own = { id: Buffer.from(packet.id), x: Buffer.from(packet.x) };
    const channel: SealedChannel = new SealedChannel(
      own,
      seal,
      { broker: this.broker, subject },
      {
        known: () => this.strangers.delete(channel),
        over: () => {
          this.strangers.delete(channel);
          this.channels.delete(channel.name);
        },
      },
    );
    this.channels.set(channel.name, channel);
    channel.attach(opened(channel.channel));
    return channel;
  }
}
