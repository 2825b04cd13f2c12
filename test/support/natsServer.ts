import { startBroker } from "../../offchain-solver/devnet/broker.ts";

export type NatsServer = { readonly url: string; readonly port: number; readonly stop: () => Promise<void> };

/** Starts Debian's nats-server on 127.0.0.1, and waits until it listens. */
export async function startNats(port?: number, args: readonly string[] = []): Promise<NatsServer> {
  const { close, ...broker } = await startBroker(port, args);
  return { ...broker, stop: close };
}
