import { startProxy } from "../../../test/support/faultyProxy.ts";
import { asOne, openOne, peerOf, type Open } from "../../../test/support/openHosts.ts";
import { connectedTransportSuite } from "../../../test/support/transportSuite.ts";
import { openTls, type TlsAddress } from "./openTls.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };
const open: Open<TlsAddress> = (options) => openTls({ ...options, listen: LOCAL });

for (const [name, hosts] of [
  ["TLS, a host each", [[-1], [0], [1], [2], [3], [7]]],
  ["TLS, several on a host", [[-1, 2], [0, 1], [3], [7]]],
] as const)
  connectedTransportSuite(name, async () => {
    const opened = await Promise.all(hosts.map((parties) => openOne(open, parties)));
    // Each is reached through a proxy of its own.
    const proxies = await Promise.all(opened.map(({ host }) => startProxy(host.address)));
    for (const one of opened)
      one.host.setPeers(opened.flatMap((other, k) => (other === one ? [] : [peerOf(other, proxies[k].address)])));
    const under = asOne(opened);
    return {
      ...under,
      disturb: () => proxies.forEach((proxy) => proxy.reset()),
      async stop() {
        await under.stop();
        await Promise.all(proxies.map((proxy) => proxy.close()));
      },
    };
  });
