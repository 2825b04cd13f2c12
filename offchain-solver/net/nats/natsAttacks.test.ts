import { randomBytes } from "node:crypto";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { expect } from "chai";
import { startNats, type NatsServer } from "../../../test/support/natsServer.ts";
import { nodeKey, openHosts, openOne, until, type Open, type Opened } from "../../../test/support/openHosts.ts";
import { helloOf } from "../../../test/support/signedHello.ts";
import { closeConnection } from "./closeConnection.ts";
import { openNats, subjectOf, type NatsAddress } from "./openNats.ts";
import { greeting, headerOf, readPacket, type Packet } from "./packet.ts";
import { createSealKey, sealOf } from "./seal.ts";

const SPACE = "attack";
const QUICK = { helloMs: 300, heartbeatMs: 20, silenceMs: 400, firstPauseMs: 10, longestPauseMs: 50, lingerMs: 200 };

describe("hosts at a hostile broker", () => {
  let server: NatsServer;
  let wire: NatsConnection;
  let [a, b]: Opened<NatsAddress>[] = [];
  const packets: { subject: string; packet: Packet; data: Uint8Array }[] = [];
  const got: number[][] = [];
  let say: (bytes: Uint8Array) => void;
  const open: Open<NatsAddress> = (options) => openNats({ ...options, space: SPACE, broker: { servers: server.url } });
  const told = ({ events }: Opened<NatsAddress>, kind: string): string[] =>
    events.flatMap((event) => (event.kind === kind && "reason" in event ? [event.reason] : []));

  beforeEach(async () => {
    server = await startNats();
    wire = await connect({ servers: server.url });
    // As the broker sees them.
    wire.subscribe(`${SPACE}.>`, {
      callback(_, message) {
        // The bytes that come are the connection's own, and change.
        const [subject, data] = [message.subject, Uint8Array.from(message.data)];
        const packet = readPacket(data);
        if (packet) packets.push({ subject, packet, data });
      },
    });
    await wire.flush();
    [a, b] = await openHosts(open, [[0], [1]], { timing: QUICK });
    const link = a.host.join(0, { message: () => undefined, timeout: () => undefined });
    b.host.join(1, { message: (_, bytes) => void got.push([...bytes]), timeout: () => undefined });
    say = (bytes) => link.send(1, bytes);
    say(Uint8Array.of(1));
    await until(() => got.length === 1, "the first message");
  });
  afterEach(async () => {
    await Promise.all([a.host.close(), b.host.close()]);
    await closeConnection(wire);
    await server.stop();
    packets.length = got.length = 0;
  });
  const goesOn = async (): Promise<void> => {
    const before = got.length;
    say(Uint8Array.of(200));
    await until(() => got.length > before, "a message after it");
    expect(got.at(-1)).to.deep.equal([200]);
  };

  it("show it nothing of what they say", async () => {
    say(Buffer.from("a secret of party 0"));
    await until(() => got.length === 2, "the message");
    expect(packets.some(({ data }) => Buffer.from(data).includes("secret"))).to.equal(false);
    const sizes = new Set(packets.map(({ packet }) => packet.kind));
    expect([...sizes].sort()).to.deep.equal(["answer", "knock", "sealed"]);
  });

  it("take every packet once: what is repeated, changed or made up is left alone, and said once", async () => {
    const sealed = packets.filter(({ subject, packet }) => subject === `${SPACE}.1` && packet.kind === "sealed");
    const connections = told(b, "disconnected").length;
    for (const { subject, data } of sealed) {
      wire.publish(subject, data);
      for (let at = 0; at < data.length; at += 7) {
        const changed = Uint8Array.from(data);
        changed[at] ^= 1;
        wire.publish(subject, changed);
      }
    }
    // The channel that is in use: an earlier one may have come to nothing.
    const { packet } = sealed[sealed.length - 1];
    for (let k = 0; k < 50; k++)
      wire.publish(`${SPACE}.1`, Buffer.concat([headerOf(packet.id, 1000 + k, "last"), randomBytes(60)]));
    wire.publish(`${SPACE}.1`, randomBytes(3));
    await wire.flush();
    await goesOn();
    expect(got).to.have.length(2);
    expect(told(b, "disconnected")).to.have.length(connections);
    expect(told(b, "dropped")).to.deep.equal([]);
    expect(told(b, "refused").filter((reason) => reason.includes("has not sealed"))).to.have.length(1);
  });

  it("deliver nothing of an exchange that is replayed to them, nor of one host's to another", async () => {
    const { host: c } = await openOne(open, [2], { timing: QUICK });
    const heard: number[][] = [];
    c.join(2, { message: (_, bytes) => void heard.push([...bytes]), timeout: () => undefined });
    c.setPeers([{ parties: [{ party: 0, nodeKey: nodeKey(0).address }], address: subjectOf(SPACE, [0]) }]);
    for (const { subject, data } of [...packets])
      if (subject === `${SPACE}.1`)
        for (const to of [1, 2]) wire.publish(`${SPACE}.${to}`, data, { reply: `${SPACE}.0.x` });
    await wire.flush();
    await goesOn();
    expect([got.length, heard]).to.deep.equal([2, []]);
    await c.close();
  });

  it("believe nobody who knocks with a key that its party has not signed", async () => {
    const [x, e] = [createSealKey(), createSealKey()];
    const id = randomBytes(16);
    let answer: Packet | undefined;
    wire.subscribe(`${SPACE}.rogue.*`, { callback: (_, { data }) => void (answer ??= readPacket(data)) });
    wire.publish(`${SPACE}.1`, greeting("knock", id, e.public, x.public), { reply: `${SPACE}.rogue.1` });
    await until(() => answer !== undefined, "an answer");
    if (answer === undefined || answer.kind === "sealed") throw new Error("no answer");
    const seal = sealOf(id, { x, e }, answer, true);
    if (seal === undefined) throw new Error("no seal");
    // As party 0 has signed it for a key of its own.
    const frame = helloOf(0, 1, { use: "seal", key: `0x${createSealKey().public.toString("hex")}` });
    wire.publish(`${SPACE}.1`, seal.seal(0, headerOf(id, 0, "last"), frame));
    await until(() => told(b, "refused").length > 0, "that it is refused");
    expect(told(b, "refused").join()).to.match(/the key of this connection is not bound to party 0/);
    await goesOn();
    expect(got).to.have.length(2);
  });

  it("survive whoever knocks without end, and points of small order", async () => {
    for (let k = 0; k < 300; k++) {
      const keys =
        k % 3 === 0 ? [new Uint8Array(32), new Uint8Array(32)] : [createSealKey().public, createSealKey().public];
      wire.publish(`${SPACE}.1`, greeting("knock", randomBytes(16), keys[0], keys[1]), {
        reply: `${SPACE}.rogue.${k}`,
      });
    }
    await wire.flush();
    await goesOn();
    expect(b.host.connected()).to.deep.equal([0]);
  });

  it("go on where they were when the broker was away", async () => {
    const { port } = server;
    await server.stop();
    for (let k = 2; k < 10; k++) say(Uint8Array.of(k));
    await until(() => b.events.some((event) => event.kind === "broker" && event.state === "lost"), "that it is missed");
    server = await startNats(port);
    await until(() => got.length === 9, "all messages");
    expect(got.flat()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("come back to a broker that has refused them for a while", async function () {
    this.timeout(300_000);
    const { port } = server;
    await server.stop();
    server = await startNats(port, ["--auth", "another token"]);
    const refused = ({ events }: Opened<NatsAddress>): number =>
      events.filter((event) => event.kind === "broker" && event.state === "refuses").length;
    // Twice is when the client would give up for good, were it not told otherwise.
    await until(() => refused(a) > 2 && refused(b) > 2, "that both were refused more than twice");
    await server.stop();
    server = await startNats(port);
    await goesOn();
  });
});

describe("a NATS host", () => {
  it("says which broker is not there", async () => {
    const options = { space: SPACE, broker: { servers: "nats://127.0.0.1:1" } };
    const error = await openOne<NatsAddress>((rest) => openNats({ ...rest, ...options }), [0]).catch((e: Error) => e);
    expect((error as Error).message).to.match(/^broker nats:\/\/127\.0\.0\.1:1: /);
  });
});
