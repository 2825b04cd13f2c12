import { connect as connectTcp, type Socket } from "node:net";
import { createServer } from "node:tls";
import { expect } from "chai";
import { startProxy } from "../../../test/support/faultyProxy.ts";
import { DOMAIN, nodeKey, openOne, peerOf, until, type Open, type Opened } from "../../../test/support/openHosts.ts";
import { connectRogue, enter, framed, type Rogue } from "../../../test/support/roguePeer.ts";
import { helloOf, YEAR_2100 } from "../../../test/support/signedHello.ts";
import { channelKeyDigest } from "../../codec/channelKey.ts";
import { acknowledgement, batchOf, helloFrame, stamp } from "../host/frame.ts";
import type { HostOptions } from "../host/hostOptions.ts";
import { createCertificate } from "./certificate.ts";
import { openTls, type TlsAddress } from "./openTls.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const QUICK = {
  // Longer than any handshake of a busy machine takes: only who says nothing is to run into it.
  helloMs: 3_000,
  heartbeatMs: 20,
  silenceMs: 200,
  stallMs: 300,
  firstPauseMs: 10,
  longestPauseMs: 50,
  lingerMs: 200,
};
const open: Open<TlsAddress> = (options) => openTls({ ...options, listen: LOCAL });
const ofAnother = () => ({ use: "tls", key: createCertificate().key }) as const;
const partyAt = (party: number, address = LOCAL) => ({
  parties: [{ party, nodeKey: nodeKey(party).address }],
  address,
});

describe("a TLS host under attack", () => {
  let opened: Opened<TlsAddress>[] = [];
  const got: [from: number, bytes: number[]][] = [];
  /** Host 5, which expects parties 0 and 1 to dial it; what its party hears is kept. */
  async function victim(options: Partial<HostOptions<TlsAddress>> = {}): Promise<Opened<TlsAddress>> {
    const one = await openOne(open, [5], { timing: QUICK, ...options });
    opened.push(one);
    one.host.join(5, { message: (from, bytes) => void got.push([from, [...bytes]]), timeout: () => undefined });
    one.host.setPeers([partyAt(0), partyAt(1)]);
    return one;
  }
  const told = ({ events }: Opened<TlsAddress>, kind: string): string[] =>
    events.flatMap((event) => (event.kind === kind && "reason" in event ? [event.reason] : []));
  /** The other peer is served all the while. */
  async function othersGoOn({ host }: Opened<TlsAddress>): Promise<void> {
    const other = await enter(host.address, 1, 5);
    other.batch(1, 0, [{ from: 1, to: 5, bytes: Uint8Array.of(42) }]);
    await until(() => got.some(([from, bytes]) => from === 1 && bytes[0] === 42), "the other peer's message");
    other.socket.destroy();
  }
  afterEach(async () => {
    got.length = 0;
    await Promise.all(opened.map(({ host }) => host.close()));
    opened = [];
  });

  const turnedDown: [title: string, as: (address: TlsAddress) => Promise<Rogue>, reason: RegExp][] = [
    [
      "another's signature under one's own certificate",
      async (address) => {
        const rogue = await connectRogue(address);
        // As party 0 has said it on a connection of its own.
        rogue.send(helloOf(0, 5, ofAnother()));
        return rogue;
      },
      /^the key of this connection is not bound to party 0: it is signed by 0x\w+, and the node key registered/,
    ],
    [
      "a key that is not the registered one",
      async (address) => {
        const certificate = createCertificate();
        const rogue = await connectRogue(address, { certificate });
        const bound = { party: 0, use: "tls", key: certificate.key, validUntil: YEAR_2100 } as const;
        const { serialized } = nodeKey(77).signingKey.sign(channelKeyDigest(DOMAIN, bound));
        rogue.send(
          helloOf(0, 5, { use: "tls", key: certificate.key }, { parties: [{ party: 0, signature: serialized }] }),
        );
        return rogue;
      },
      new RegExp(
        `signed by ${nodeKey(77).address}, and the node key registered for that party is ${nodeKey(0).address}`,
      ),
    ],
    ["a party that is no peer", (address) => enter(address, 3, 5), /host 3 is no peer of host 5/],
    ["a hello to another host", (address) => enter(address, 0, 6), /wants to speak to host 6/],
    [
      "a party more than lives on that host",
      (address) =>
        enter(address, 0, 5, { parties: [0, 1].map((party) => ({ party, signature: `0x${"11".repeat(65)}` })) }),
      /party 1 is not known to live on host 0/,
    ],
    [
      "a clock that is five minutes ahead",
      (address) => enter(address, 0, 5, { time: Date.now() + 300_000 }),
      /its clock is 5\.0 minutes ahead of this one's/,
    ],
    [
      "a key of yesterday",
      (address) => enter(address, 0, 5, { validUntil: 1_600_000_000 }),
      /counted until 2020-09-13/,
    ],
    [
      "another version of the protocol",
      async (address) => {
        const rogue = await connectRogue(address);
        rogue.send(helloFrame('{"version":2,"anything":"else"}'));
        return rogue;
      },
      /it speaks version 2 of the protocol, this host 1/,
    ],
    [
      "a batch before any hello",
      async (address) => {
        const rogue = await connectRogue(address);
        rogue.batch(1, 0, [{ from: 0, to: 5, bytes: Uint8Array.of(1) }]);
        return rogue;
      },
      /it speaks before it has said who it is/,
    ],
    [
      "a gigabyte announced by a stranger",
      async (address) => {
        const rogue = await connectRogue(address);
        rogue.socket.write(Buffer.from([0, 0, 0, 0x40]));
        return rogue;
      },
      /a frame of 1073741824 bytes was announced/,
    ],
    ["silence after TLS", (address) => connectRogue(address), /has not said who it is within 3 s/],
  ];
  for (const [title, as, reason] of turnedDown)
    it(`turns down, names and outlives ${title}`, async () => {
      const one = await victim();
      const rogue = await as(one.host.address);
      expect(await rogue.ended).to.match(reason);
      expect(told(one, "refused").join()).to.match(reason);
      expect(got).to.deep.equal([]);
      expect(one.host.connected()).to.deep.equal([]);
      await othersGoOn(one);
    });

  it("turns down whoever shows no certificate, or speaks TLS 1.2", async () => {
    const one = await victim();
    const bare = await connectRogue(one.host.address, { certificate: undefined });
    const old = await connectRogue(one.host.address, { maxVersion: "TLSv1.2" });
    await Promise.all([bare.ended, old.ended]);
    await until(() => told(one, "refused").length === 2, "two refusals");
    expect(told(one, "refused").join())
      .to.match(/no certificate/)
      .and.match(/protocol/);
    await othersGoOn(one);
  });

  const dropped: [title: string, how: (rogue: Rogue) => void, reason: RegExp][] = [
    [
      "speaks for another party",
      (rogue) => rogue.batch(1, 0, [{ from: 1, to: 5, bytes: Uint8Array.of(9) }]),
      /it speaks for party 1, who does not live on it/,
    ],
    [
      "replays a batch",
      (rogue) => [1, 2, 2].forEach((n) => rogue.batch(n, 0, [{ from: 0, to: 5, bytes: Uint8Array.of(n) }])),
      /its batch 2 came after 2/,
    ],
    ["leaves a batch out", (rogue) => [1, 3].forEach((n) => rogue.batch(n, 0, [])), /its batch 3 came after 1/],
    ["acknowledges what was never sent", (rogue) => rogue.batch(1, 7, []), /acknowledges batch 7, never sent/],
    ["says hello twice", (rogue) => rogue.send(helloOf(0, 5, ofAnother())), /said hello twice/],
    [
      "announces a gigabyte",
      (rogue) => rogue.socket.write(Buffer.from([0, 0, 0, 0x40])),
      /1073741824 bytes was announced/,
    ],
    ["sends a frame of no kind", (rogue) => rogue.send(Uint8Array.of(9, 9)), /a frame of no known kind: 9/],
    [
      "sends a batch that is cut short",
      (rogue) => rogue.send(stamp(batchOf([{ from: 0, to: 5, bytes: new Uint8Array(9) }]).subarray(0, 40), 1, 0)),
      /a batch whose messages do not fill it/,
    ],
  ];
  for (const [title, how, reason] of dropped)
    it(`drops, names and shuts out a peer that ${title}, and lets it in when it is readmitted`, async () => {
      const one = await victim();
      const rogue = await enter(one.host.address, 0, 5);
      expect(one.host.connected()).to.deep.equal([0]);
      how(rogue);
      expect(await rogue.ended).to.match(reason);
      expect(told(one, "dropped").join()).to.match(reason);
      expect(got.filter(([from]) => from !== 0)).to.deep.equal([]);
      const again = await enter(one.host.address, 0, 5);
      expect(await again.ended).to.match(/it was dropped: /);
      await othersGoOn(one);
      one.host.readmit(0);
      const back = await enter(one.host.address, 0, 5, { life: "cd".repeat(16) });
      back.batch(1, 0, [{ from: 0, to: 5, bytes: Uint8Array.of(77) }]);
      await until(() => got.some(([, [first]]) => first === 77), "the readmitted peer's message");
      back.socket.destroy();
    });

  it("hears no more of a peer that it drops, however much of it waits", async () => {
    const one = await openOne(open, [5], { timing: QUICK });
    opened.push(one);
    let heard = 0;
    one.host.join(5, {
      message: (from) => ++heard === 3 && one.host.drop(from, "what it says is no message"),
      timeout: () => undefined,
    });
    one.host.setPeers([partyAt(0)]);
    const rogue = await enter(one.host.address, 0, 5);
    const empty = { from: 0, to: 5, bytes: new Uint8Array(0) };
    rogue.batch(1, 0, new Array<typeof empty>(50_000).fill(empty));
    expect(await rogue.ended).to.equal("dropped: what it says is no message");
    expect([heard, one.host.underWay()]).to.deep.equal([3, 0]);
  });

  it("delivers nothing of a connection that is replayed byte by byte", async () => {
    const one = await victim();
    const proxy = await startProxy(one.host.address);
    const rogue = await enter(proxy.address, 0, 5);
    rogue.batch(1, 0, [{ from: 0, to: 5, bytes: Uint8Array.of(1) }]);
    await until(() => got.length === 1, "the message");
    rogue.socket.destroy();
    await until(() => told(one, "disconnected").length === 1, "the end of the connection");
    const replay = connectTcp(one.host.address.port, "127.0.0.1");
    const closed = new Promise((resolve) => replay.on("close", resolve).on("error", () => undefined));
    replay.resume().write(proxy.recorded());
    await closed;
    await othersGoOn(one);
    expect(got.filter(([from]) => from === 0)).to.have.length(1);
    expect(one.host.connected()).not.to.include(0);
    await proxy.close();
  });

  it("sends nothing to whoever stands in the middle with a certificate of its own", async () => {
    const seen: Buffer[] = [];
    const certificate = createCertificate();
    const middle = createServer(
      {
        cert: certificate.cert,
        key: certificate.privateKey,
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["gridpact/1"],
      },
      (socket) => {
        socket.on("error", () => undefined);
        socket.on("data", (chunk: Buffer) => seen.push(chunk));
        // As host 7 says it elsewhere.
        socket.write(framed(helloOf(7, 5, ofAnother())));
      },
    );
    await new Promise<void>((resolve) => middle.listen(0, "127.0.0.1", resolve));
    const { port } = middle.address() as { port: number };
    const one = await openOne(open, [5], { timing: QUICK });
    opened.push(one);
    const link = one.host.join(5, { message: () => undefined, timeout: () => undefined });
    one.host.setPeers([partyAt(7, { host: "127.0.0.1", port })]);
    link.send(7, Buffer.from("a secret of party 5"));
    await until(() => told(one, "unreachable").length > 0, "that it is not taken for host 7");
    expect(told(one, "unreachable").join()).to.match(/not bound to party 7/);
    expect(Buffer.concat(seen).includes("a secret")).to.equal(false);
    await one.host.close();
    opened = [];
    await new Promise((resolve) => middle.close(resolve));
  });

  it("lets peers in while strangers hold more connections than it keeps", async () => {
    const one = await victim({ bounds: { strangers: 8 } });
    const loris: Socket[] = Array.from({ length: 40 }, () =>
      connectTcp(one.host.address.port, "127.0.0.1").on("error", () => undefined),
    );
    loris.forEach((socket) => socket.write(Uint8Array.of(22)));
    await othersGoOn(one);
    // Those that were not pushed out run out of time.
    await Promise.all(
      loris.map((socket) => socket.destroyed || new Promise((resolve) => socket.resume().on("close", resolve))),
    );
  });

  it("drops a peer that speaks and never acknowledges, and one that takes less than waits for it", async () => {
    for (const [bounds, sends, reason] of [
      [{}, 1, /it has acknowledged nothing for 0.3 s, though it speaks/],
      [{ queueBytes: 1 << 16 }, 2, /bytes wait for it, and it takes none/],
    ] as const) {
      const one = await openOne(open, [5], { timing: QUICK, bounds });
      opened.push(one);
      const link = one.host.join(5, { message: () => undefined, timeout: () => undefined });
      one.host.setPeers([partyAt(0)]);
      const rogue = await enter(one.host.address, 0, 5);
      for (let k = 0; k < sends; k++) link.send(0, new Uint8Array(50_000));
      const alive = setInterval(() => rogue.send(acknowledgement(0)), 20);
      expect(await rogue.ended).to.match(reason);
      clearInterval(alive);
      expect(told(one, "dropped").join()).to.match(reason);
      expect(one.host.underWay()).to.equal(0);
    }
  });

  it("finds that a connection is half open, and makes another", async () => {
    const one = await victim();
    const proxy = await startProxy(one.host.address);
    const zero = await openOne(open, [0], { timing: QUICK });
    opened.push(zero);
    const link = zero.host.join(0, { message: () => undefined, timeout: () => undefined });
    zero.host.setPeers([peerOf(one, proxy.address)]);
    link.send(5, Uint8Array.of(1));
    await until(() => got.length === 1, "the first message");
    proxy.freeze();
    link.send(5, Uint8Array.of(2));
    await until(
      () => told(zero, "disconnected").length > 0 && told(one, "disconnected").length > 0,
      "both ends to see it",
    );
    expect(told(zero, "disconnected").join()).to.match(/nothing was heard for 0.2 s/);
    zero.host.setPeers([peerOf(one)]);
    await until(() => got.length === 2, "the second message");
    expect(got).to.deep.equal([
      [0, [1]],
      [0, [2]],
    ]);
    await proxy.close();
  });

  it("says which port is in use", async () => {
    const one = await victim();
    const error = await openTls({ residents: [], peers: [], domain: DOMAIN, listen: one.host.address }).catch(
      (e: Error) => e,
    );
    expect((error as Error).message).to.equal(`127.0.0.1:${one.host.address.port} is in use by another program`);
  });
});
