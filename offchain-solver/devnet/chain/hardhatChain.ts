import { freePorts } from "../ports.ts";
import { hardhatOfProject } from "../embedded.ts";
import { SIMULATED } from "../simulated.ts";
import { reachChain, type ServedChain } from "./served.ts";

/**
 * Hardhat's simulated network behind a port of this machine; ends with this process and keeps nothing. `port` 0: any
 * that is free. Its clock starts at `initialDate`. Throws InputError where the port is in use.
 */
export async function hardhatChain(initialDate: Date, port: number): Promise<ServedChain> {
  const { network } = await hardhatOfProject();
  // A taken port would be an event of the server's own socket, which nobody hears.
  const [free] = await freePorts(1, port);
  const server = await network.createServer({ network: SIMULATED, override: { initialDate } }, "127.0.0.1", free);
  await server.listen();
  const chain = await reachChain(`http://127.0.0.1:${free}`);
  return {
    ...chain,
    async close() {
      chain.provider.destroy();
      await server.close();
    },
  };
}
