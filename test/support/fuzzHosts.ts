import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { connect } from "@nats-io/transport-node";
import { openNats, subjectOf, type NatsAddress } from "../../offchain-solver/net/nats/openNats.ts";
import { readPacket } from "../../offchain-solver/net/nats/packet.ts";
import { openTls, type TlsAddress } from "../../offchain-solver/net/tls/openTls.ts";
import { decode } from "../../offchain-solver/net/wire.ts";
import { seeded } from "../../offchain-solver/scenarios/prng.ts";
import { FUZZ_TAG, fuzzedFrame } from "./fuzzedFrames.ts";
import { startNats } from "./natsServer.ts";
import { meet, nodeKey, openOne, peerOf, until } from "./openHosts.ts";
import { enter } from "./roguePeer.ts";

export type Fuzzed = {
  readonly messages: number;
  /** How often the peer was dropped and named. */
  readonly dropped: number;
  /** What it was dropped for, and how often. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Messages of an honest peer that arrived all the while, of those sent. */
  readonly honest: readonly [arrived: number, sent: number];
  /** Heap in use after a fifth of the messages and after all, MB. */
  readonly heapMb: readonly [early: number, late: number];
  readonly seconds: number;
};

const QUICK = { heartbeatMs: 1_000, firstPauseMs: 5, longestPauseMs: 50, lingerMs: 500 };
const LOCAL = { host: "127.0.0.1", port: 0 };

/** Waits without a clock: the next turn of the event loop, in which sockets are served. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function heapMb(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** A peer with good keys sends frames that are not, over one connection after another, beside an honest one. */
export async function fuzzTls(count: number, seed: number): Promise<Fuzzed> {
  const random = seeded(seed);
  const start = performance.now();
  const reasons: Record<string, number> = {};
  let dropped = 0;
  const observe = (event: { kind: string; reason?: string }): void => {
    if (event.kind !== "dropped") return;
    dropped++;
    const reason = (event.reason ?? "").replaceAll(/-?\d+/g, "N");
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  };
  const victim = await openOne<TlsAddress>((rest) => openTls({ ...rest, listen: LOCAL }), [5], {
    timing: QUICK,
    observe,
  });
  const honest = await openOne<TlsAddress>((rest) => openTls({ ...rest, listen: LOCAL }), [0], { timing: QUICK });
  let arrived = 0;
  victim.host.join(5, {
    message(from, bytes) {
      if (from === 0) return void arrived++;
      // What a node does with what is no message.
      const { reception } = decode(bytes, FUZZ_TAG);
      if (reception.kind === "reject") victim.host.drop(from, reception.reason);
    },
    timeout: () => undefined,
  });
  const link = honest.host.join(0, { message: () => undefined, timeout: () => undefined });
  honest.host.setPeers([peerOf(victim)]);
  victim.host.setPeers([peerOf(honest), { parties: [{ party: 1, nodeKey: nodeKey(1).address }], address: LOCAL }]);
  let [messages, sent, early] = [0, 0, 0];
  for (let life = 0; messages < count; life++) {
    victim.host.readmit(1);
    const rogue = await enter(victim.host.address, 1, 5, { life: life.toString(16).padStart(32, "0") });
    for (let number = 1; !rogue.socket.destroyed && messages < count && number < 100; number++) {
      rogue.send(fuzzedFrame(random, number, 1, 5));
      messages++;
      // One at a time, so that each is sent over an open connection.
      const before = victim.host.traffic().receivedFrames;
      while (!rogue.socket.destroyed && victim.host.traffic().receivedFrames === before) await turn();
    }
    if (life % 20 === 0) {
      link.send(5, Uint8Array.of(life & 255));
      sent++;
    }
    rogue.socket.destroy();
    if (early === 0 && messages >= count / 5) early = heapMb();
  }
  await until(() => arrived === sent, "the honest peer's messages");
  const late = heapMb();
  await Promise.all([victim.host.close(), honest.host.close()]);
  const seconds = (performance.now() - start) / 1000;
  return { messages, dropped, reasons, honest: [arrived, sent], heapMb: [early, late], seconds };
}

/**
 * Somebody at the broker publishes garbage, and changed copies of what hosts said, to a host in the middle of a talk.
 */
export async function fuzzNats(count: number, seed: number): Promise<Fuzzed> {
  const random = seeded(seed);
  const start = performance.now();
  const server = await startNats();
  const space = "fuzz";
  const open = (party: number) =>
    openOne<NatsAddress>((rest) => openNats({ ...rest, space, broker: { servers: server.url } }), [party], {
      timing: QUICK,
    });
  const [victim, honest] = await Promise.all([open(5), open(0)]);
  let arrived = 0;
  victim.host.join(5, { message: () => void arrived++, timeout: () => undefined });
  const link = honest.host.join(0, { message: () => undefined, timeout: () => undefined });
  const wire = await connect({ servers: server.url });
  const seen: Uint8Array[] = [];
  const { subject } = subjectOf(space, [5]);
  wire.subscribe(subject, {
    callback(_, { data }) {
      if (seen.length < 64 && readPacket(data)) seen.push(Uint8Array.from(data));
    },
  });
  await wire.flush();
  meet([victim, honest]);
  let [sent, early] = [0, 0];
  for (let messages = 0; messages < count; messages++) {
    const known = seen[Math.floor(random() * seen.length)] as Uint8Array | undefined;
    const bytes = Uint8Array.from(
      random() < 0.2 || known === undefined ? randomBytes(Math.floor(random() * 200)) : known,
    );
    for (let k = Math.floor(random() * 3); k > 0 && bytes.length > 0; k--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    wire.publish(subject, bytes, { reply: `${space}.rogue.${messages % 100}` });
    if (messages % 100 !== 0) continue;
    link.send(5, Uint8Array.of(1));
    sent++;
    await wire.flush();
    await until(() => arrived === sent, "the honest peer's message", 60_000);
    if (early === 0 && messages >= count / 5) early = heapMb();
  }
  const late = heapMb();
  const reasons: Record<string, number> = {};
  for (const event of victim.events)
    if ("reason" in event)
      reasons[`${event.kind}: ${event.reason}`] = (reasons[`${event.kind}: ${event.reason}`] ?? 0) + 1;
  const dropped = victim.events.filter(({ kind }) => kind === "dropped").length;
  await Promise.all([victim.host.close(), honest.host.close(), wire.close()]);
  await server.stop();
  const seconds = (performance.now() - start) / 1000;
  return { messages: count, dropped, reasons, honest: [arrived, sent], heapMb: [early, late], seconds };
}
