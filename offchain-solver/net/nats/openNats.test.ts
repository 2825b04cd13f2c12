import { startProxy } from "../../../test/support/faultyProxy.ts";
import { startNats } from "../../../test/support/natsServer.ts";
import { asOne, openHosts, type Open } from "../../../test/support/openHosts.ts";
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
