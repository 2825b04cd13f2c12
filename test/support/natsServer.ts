import { startBroker } from "../../offchain-solver/devnet/broker.ts";
import { freePorts } from "../../offchain-solver/devnet/ports.ts";

export type NatsServer = { readonly url: string; readonly port: number; readonly stop: () => Promise<void> };

/** A port of 127.0.0.1 that nobody listens on just now. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0];

/** Starts Debian's nats-server on 127.0.0.1, and waits until it listens. */
export async function startNats(port?: number, args: readonly string[] = []): Promise<NatsServer> {
  const { close, ...broker } = await startBroker(port, args);
  return { ...broker, stop: close };
}
