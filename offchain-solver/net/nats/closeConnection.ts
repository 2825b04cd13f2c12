import type { NatsConnection } from "@nats-io/transport-node";

/** What its waiting messages are given to reach the broker, and a dial that is under way to come to its end. */
const PATIENCE_MS = 1_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves also where the connection is lost on the way: what was not taken is told by the gap it leaves. */
export const flush = (connection: NatsConnection): Promise<void> => connection.flush().catch(() => undefined);

/** Sends what waits, if the broker takes it, and leaves no socket open. */
export async function closeConnection(connection: NatsConnection): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  await Promise.race([flush(connection), new Promise((resolve) => (late = setTimeout(resolve, PATIENCE_MS)))]);
  clearTimeout(late);
  await connection.close();
  await endDial(connection);
}

/** As nats-core 3.4 has it. */
type Inside = {
  readonly protocol?: {
    readonly connectPromise: Promise<void> | null;
    readonly transport?: { readonly socket?: unknown; readonly discard: () => void };
  };
};

/**
 * The client does not end a dial that is under way when its connection is closed: it would reach the broker after all,
 * and stay there for good.
 */
async function endDial(connection: NatsConnection): Promise<void> {
  const { protocol } = connection as unknown as Inside;
  for (const end = performance.now() + PATIENCE_MS; protocol?.connectPromise && performance.now() < end;) {
    const { transport } = protocol;
    const connected = transport?.socket !== undefined;
    transport?.discard();
    // One that is discarded while the broker has not spoken never ends, and holds nothing.
    if (connected) return;
    await pause(5);
  }
}
