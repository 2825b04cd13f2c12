import { hardhatOfProject, SIMULATED } from "../embedded.ts";
import { InputError } from "../../io/inputError.ts";
import { reachChain, type ServedChain } from "./served.ts";

/**
 * Hardhat's simulated network behind a port of this machine; ends with this process and keeps nothing. `port` 0: any
 * that is free. Its clock starts at `initialDate`.
 */
export async function hardhatChain(initialDate: Date, port: number): Promise<ServedChain> {
  const { network } = await hardhatOfProject();
  const server = await network.createServer({ network: SIMULATED, override: { initialDate } }, "127.0.0.1", port);
  const bound = await listening(server, port);
  const chain = await reachChain(`http://127.0.0.1:${bound}`);
  return {
    ...chain,
    async close() {
      chain.provider.destroy();
      await server.close();
    },
  };
}

/** A taken port is an event of the server's own socket, which nobody else hears. */
async function listening(server: { listen: () => Promise<{ port: number }> }, port: number): Promise<number> {
  if (port !== 0) await checkFree(port);
  return (await server.listen()).port;
}

/** Throws InputError where something listens on this port of 127.0.0.1 already. */
export async function checkFree(port: number): Promise<void> {
  const { createServer } = await import("node:net");
  await new Promise<void>((free, taken) => {
    const probe = createServer();
    probe.once("error", ({ code }: NodeJS.ErrnoException) =>
      taken(new InputError(`port ${port}: ${code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`}`)),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => free()));
  });
}
