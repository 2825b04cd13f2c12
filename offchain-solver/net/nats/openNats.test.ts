import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { startProxy } from "../../../test/support/faultyProxy.ts";
import { startNats } from "../../../test/support/natsServer.ts";
import { asOne, openHosts, openOne, until, type Open } from "../../../test/support/openHosts.ts";
import { connectedTransportSuite } from "../../../test/support/transportSuite.ts";
import { openNats, type NatsAddress } from "./openNats.ts";

for (const [name, hosts] of [
  ["NATS, a host each", [[-1], [0], [1], [2], [3], [7]]],
  ["NATS, several on a host", [[-1, 2], [0, 1], [3], [7]]],
] as const)
  connectedTransportSuite(name, async () => {
    const server = await startNats();
    const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
    const servers = `nats://127.0.0.1:${proxy.address.port}`;
    const open: Open<NatsAddress> = (options) => openNats({ ...options, space: "test.market", broker: { servers } });
    const under = asOne(await openHosts(open, hosts));
    return {
      ...under,
      disturb: proxy.reset,
      async stop() {
        await under.stop();
        await proxy.close();
        await server.stop();
      },
    };
  });

describe("a host whose connection to the broker ends in mid-greeting", () => {
  it("is back within seconds", async function () {
    this.timeout(60_000);
    const server = await startNats();
    const open = new Set<Socket>();
    let made = 0;
    // The second connection ends as soon as the client has answered the broker's first word.
    const door = createServer((client) => {
      const second = ++made === 2;
      const broker = connect(server.port, "127.0.0.1");
      for (const [from, to] of [
        [client, broker],
        [broker, client],
      ]) {
        open.add(from);
        from.on("data", (bytes) => (second && from === client ? client.destroy() : to.write(bytes)));
        from.on("error", () => undefined);
        from.on("close", () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
    const servers = `nats://127.0.0.1:${(door.address() as AddressInfo).port}`;
    const host = await openOne<NatsAddress>(
      (options) => openNats({ ...options, space: "test.greeting", broker: { servers } }),
      [0],
    );
    try {
      for (const socket of open) socket.destroy();
      const back = (): boolean => host.events.some((event) => event.kind === "broker" && event.state === "back");
      await until(back, "that it is back", 15_000);
      if (made < 3) throw new Error(`${made} connections were made`);
    } finally {
      await host.host.close();
      await new Promise((resolve) => door.close(resolve));
      await server.stop();
    }
  });
});
