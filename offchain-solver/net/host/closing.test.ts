import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { expect } from "chai";
import { startNats } from "../../../test/support/natsServer.ts";
import { openOne, nodeKey, peerOf, until, type Open } from "../../../test/support/openHosts.ts";
import { openResources } from "../../../test/support/openResources.ts";
import { connectRogue, enter } from "../../../test/support/roguePeer.ts";
import { openNats, subjectOf, type NatsAddress } from "../nats/openNats.ts";
import { openTls, type TlsAddress } from "../tls/openTls.ts";

const SPACE = "closing";
const NOBODY = { message: () => undefined, timeout: () => undefined };
const peerAt = <Address>(party: number, address: Address) => ({
  parties: [{ party, nodeKey: nodeKey(party).address }],
  address,
});

/** Takes connections and says nothing on them. */
async function mute(port = 0): Promise<{ server: Server; port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => undefined).resume()));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, sockets };
}
const stop = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

describe("a host that is closed", () => {
  it("over TLS leaves nothing open, whoever has connected or is being dialled, and soon", async () => {
    const before = await openResources();
    const open: Open<TlsAddress> = (options) => openTls({ ...options, listen: { host: "127.0.0.1", port: 0 } });
    const silent = await mute();
    // With the times of a real host: to say who they are, strangers have ten seconds.
    const one = await openOne(open, [5]);
    const other = await openOne(open, [9]);
    one.host.join(5, NOBODY);
    other.host.join(9, NOBODY);
    one.host.setPeers([
      peerOf(other),
      peerAt(0, { host: "127.0.0.1", port: 1 }),
      peerAt(7, { host: "127.0.0.1", port: silent.port }),
    ]);
    other.host.setPeers([peerOf(one)]);
    const { port } = one.host.address;
    const raw = connectTcp(port, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    const half = connectTcp(port, "127.0.0.1")
      .on("error", () => undefined)
      .resume();
    half.write(Uint8Array.of(22, 3, 1));
    const wordless = await connectRogue(one.host.address);
    const peer = await enter(one.host.address, 0, 5);
    const refused = await enter(one.host.address, 3, 5);
    await until(() => one.host.connected().length === 2 && silent.sockets.length === 1, "that all are there");
    const began = performance.now();
    await one.host.close();
    expect(performance.now() - began).to.be.lessThan(4_000);
    await Promise.all([wordless.ended, peer.ended, refused.ended]);
    await other.host.close();
    await until(() => [raw, half, ...silent.sockets].every(({ closed }) => closed), "that its other ends are closed");
    await stop(silent.server);
    expect(await openResources()).to.deep.equal(before);
  });

  it("over NATS leaves nothing open, whoever has knocked, and while the broker is being dialled", async () => {
    const before = await openResources();
    let nats = await startNats();
    const open: Open<NatsAddress> = (options) => openNats({ ...options, space: SPACE, broker: { servers: nats.url } });
    const one = await openOne(open, [5]);
    // It answers, and is nobody's peer: it does not say who it is.
    const other = await openOne(open, [9]);
    one.host.join(5, NOBODY);
    one.host.setPeers([peerAt(9, subjectOf(SPACE, [9])), peerAt(77, subjectOf(SPACE, [77]))]);
    await until(() => one.events.length > 0, "that it was told something");
    await nats.stop();
    const silent = await mute(nats.port);
    await until(() => silent.sockets.length >= 2, "that both dial what listens there now");
    await Promise.all([one.host.close(), other.host.close()]);
    await until(() => silent.sockets.every(({ closed }) => closed), "that what they dialled is closed");
    await stop(silent.server);
    expect(await openResources()).to.deep.equal(before);
    nats = await startNats();
    const third = await openOne(open, [5]);
    await third.host.close();
    await nats.stop();
    expect(await openResources()).to.deep.equal(before);
  });
});
