import { asOne, openHosts, type Open } from "../../../test/support/openHosts.ts";
import { startNats } from "../../../test/support/natsServer.ts";
import { transportSuite } from "../../../test/support/transportSuite.ts";
import { openNats, type NatsAddress } from "./openNats.ts";

for (const [name, hosts] of [
  ["NATS, a host each", [[-1], [0], [1], [2], [3], [7]]],
  ["NATS, several on a host", [[-1, 2], [0, 1], [3], [7]]],
] as const)
  transportSuite(name, async () => {
    const server = await startNats();
    const open: Open<NatsAddress> = (options) =>
      openNats({ ...options, space: "test.market", broker: { servers: server.url } });
    const under = asOne(await openHosts(open, hosts));
    return {
      ...under,
      async stop() {
        await under.stop();
        await server.stop();
      },
    };
  });
