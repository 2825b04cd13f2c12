import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { seeded } from "../../offchain-solver/scenarios/prng.ts";

export type Faults = {
  readonly seed: number;
  /** Every chunk takes this long, each way. */
  readonly delayMs: number;
  /** How likely a chunk is held up, and for how long. */
  readonly stall: number;
  readonly stallMs: number;
  /** How likely a chunk is the connection's last. */
  readonly reset: number;
};
export const NO_FAULTS: Faults = { seed: 1, delayMs: 0, stall: 0, stallMs: 0, reset: 0 };

export type FaultyProxy = {
  readonly address: { readonly host: string; readonly port: number };
  /** Breaks every connection there is. */
  readonly reset: () => void;
  /** From now on nothing comes through, and nobody is told. */
  readonly freeze: () => void;
  readonly counts: { connections: number; resets: number; stalls: number };
  /** Everything that the dialling side sent on its first connection. */
  readonly recorded: () => Buffer;
  readonly close: () => Promise<void>;
};

/** Stands before a listening port of 127.0.0.1, and does to what passes what networks do. */
export async function startProxy(
  target: { readonly host: string; readonly port: number },
  faults: Faults = NO_FAULTS,
): Promise<FaultyProxy> {
  const random = seeded(faults.seed);
  const counts = { connections: 0, resets: 0, stalls: 0 };
  const open = new Set<Socket>();
  const record: Buffer[] = [];
  let frozen = false;
  const carry = (from: Socket, to: Socket, first: boolean): void => {
    let last = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      if (first) record.push(chunk);
      let wait = faults.delayMs;
      if (random() < faults.stall) {
        counts.stalls++;
        wait += faults.stallMs;
      }
      const cut = random() < faults.reset;
      const due = new Promise<void>((resolve) => (wait > 0 ? setTimeout(resolve, wait) : resolve()));
      last = last.then(async () => {
        await due;
        if (frozen || to.destroyed) return;
        if (!cut) return void to.write(chunk);
        counts.resets++;
        from.destroy();
        to.destroy();
      });
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      open.delete(from);
      void last.then(() => frozen || to.destroy());
    });
    open.add(from);
  };
  const server = createServer((dialling) => {
    counts.connections++;
    const answering = connect(target.port, target.host);
    carry(dialling, answering, counts.connections === 1);
    carry(answering, dialling, false);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const reset = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    address: { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    reset,
    freeze: () => (frozen = true),
    counts,
    recorded: () => Buffer.concat(record),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        reset();
      }),
  };
}
