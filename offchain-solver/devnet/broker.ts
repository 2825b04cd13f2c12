/** A NATS server of a devnet's own: Debian's `nats-server`, on this machine alone. */
import { connect } from "@nats-io/transport-node";
import { InputError } from "../io/inputError.ts";
import { NATS_TOKEN } from "../node/carrier.ts";
import { spawnBound } from "./boundProcess.ts";
import { freePorts } from "./ports.ts";

export type Broker = { readonly url: string; readonly port: number; readonly close: () => Promise<void> };

const START_MS = 30_000;
const ANSWER_MS = 5_000;

/** Throws InputError where nobody answers there, before dozens of processes find that out. */
export async function reachBroker(address: string): Promise<void> {
  const token = process.env[NATS_TOKEN];
  try {
    const settings = {
      servers: [address],
      timeout: ANSWER_MS,
      reconnect: false,
      ...(token !== undefined && { token }),
    };
    await (await connect(settings)).close();
  } catch (error) {
    throw new InputError(`--broker ${address === "" ? '""' : address}: ${(error as Error).message}`);
  }
}

/**
 * Starts one on 127.0.0.1 and waits until it listens; it does not outlive this process. `port` 0: any that is free.
 * `args`: more of its own. Throws InputError where there is none, or the port is in use.
 */
export async function startBroker(port = 0, args: readonly string[] = []): Promise<Broker> {
  const [at] = await freePorts(1, port);
  const child = spawnBound("nats-server", ["-a", "127.0.0.1", "-p", String(at), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    // Debian installs it where not every user looks.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  const orphaned = (): void => void child.kill("SIGKILL");
  process.once("exit", orphaned);
  let log = "";
  try {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new InputError(`nats-server: is not ready: ${log}`)), START_MS);
      child.once("error", ({ code, message }: NodeJS.ErrnoException) =>
        reject(
          new InputError(
            code === "ENOENT"
              ? "nats-server: is not installed: install Debian's package of that name, or name a broker that runs"
              : `nats-server: ${message}`,
          ),
        ),
      );
      child.once("exit", (code) => reject(new InputError(`nats-server: ended with exit code ${code}: ${log}`)));
      child.once("exit", () => clearTimeout(late));
      child.once("error", () => clearTimeout(late));
      child.stderr!.setEncoding("utf8").on("data", (text: string) => {
        log += text;
        if (!log.includes("Server is ready")) return;
        clearTimeout(late);
        resolve();
      });
    });
  } catch (error) {
    process.off("exit", orphaned);
    child.kill("SIGKILL");
    throw error;
  }
  child.removeAllListeners("exit");
  child.stderr!.removeAllListeners("data").resume();
  return {
    url: `nats://127.0.0.1:${at}`,
    port: at,
    close: () =>
      new Promise((resolve) => {
        process.off("exit", orphaned);
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill();
      }),
  };
}
