import { spawn } from "node:child_process";
import { createServer, type AddressInfo } from "node:net";

export type NatsServer = { readonly url: string; readonly port: number; readonly stop: () => Promise<void> };

/** A port of 127.0.0.1 that nobody listens on just now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Starts Debian's nats-server on 127.0.0.1, and waits until it listens. */
export async function startNats(port?: number, args: readonly string[] = []): Promise<NatsServer> {
  const at = port ?? (await freePort());
  const child = spawn("nats-server", ["-a", "127.0.0.1", "-p", String(at), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`nats-server ended with ${code}: ${log}`)));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (log.includes("Server is ready")) resolve();
    });
  });
  child.removeAllListeners("exit");
  child.stderr.removeAllListeners("data").resume();
  return {
    url: `nats://127.0.0.1:${at}`,
    port: at,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill();
      }),
  };
}
