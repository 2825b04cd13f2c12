/** anvil, a chain client written by others, on a free port of this machine. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export type Anvil = { readonly url: string; readonly close: () => void };

/** From the package for Linux on x64; on another platform, where npm leaves that out, from GRIDPACT_ANVIL. */
function binary(): string {
  const own = process.env.GRIDPACT_ANVIL;
  if (own !== undefined) return own;
  try {
    return createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new Error(
      `no anvil comes with ${process.platform} on ${process.arch}: set GRIDPACT_ANVIL to the path of one`,
    );
  }
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** With the transaction gas limit of EIP-7825; more arguments as anvil takes them. */
export async function startAnvil(...more: string[]): Promise<Anvil> {
  const port = await freePort();
  const args = ["--port", `${port}`, "--hardfork", "osaka", "--enable-tx-gas-limit", "--silent", ...more];
  const anvil = spawn(binary(), args, { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries++) {
    try {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
      await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
      return { url, close: () => void anvil.kill() };
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await sleep(50);
    }
  }
  anvil.kill();
  throw new Error("anvil does not answer");
}
