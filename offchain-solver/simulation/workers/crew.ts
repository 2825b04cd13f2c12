import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from "node:worker_threads";
import type { Part, Reply, Request, Start } from "./protocol.ts";

/**
 * A worker that has not answered after this long is lost (out of memory, say), which nothing tells a thread that waits.
 */
const PATIENCE_MS = 600_000;

/** Worker threads that work while the calling thread waits for them, so that whoever calls stays synchronous. */
export type Crew = {
  /**
   * Sends every worker its request and waits for all replies, in the order of the workers. Throws what went wrong in a
   * worker.
   */
  readonly ask: <K extends Reply["kind"]>(
    kind: K,
    request: (worker: number) => Request,
  ) => readonly Extract<Reply, { kind: K }>[];
  /** Ends the threads, whatever they are doing. */
  readonly close: () => void;
};

/** Beside this file, and emitted like it. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "worker.ts" : "worker.js", import.meta.url);

export function openCrew(parts: readonly Part[]): Crew {
  const replies = new Int32Array(new SharedArrayBuffer(4));
  const workers: Worker[] = [];
  const ports: MessagePort[] = [];
  for (const part of parts) {
    const { port1, port2 } = new MessageChannel();
    const start: Start = { port: port2, replies, part };
    const worker = new Worker(WORKER, { workerData: start, transferList: [port2] });
    // What goes wrong comes as a reply; the event would arrive after it and end the process.
    worker.on("error", () => undefined);
    worker.unref();
    workers.push(worker);
    ports.push(port1);
  }

  function receive(port: MessagePort, worker: number): Reply {
    for (;;) {
      const seen = Atomics.load(replies, 0);
      const received = receiveMessageOnPort(port) as { message: Reply } | undefined;
      if (received) return received.message;
      if (Atomics.wait(replies, 0, seen, PATIENCE_MS) === "timed-out")
        throw new Error(`worker thread ${worker + 1} of ${parts.length} does not answer`);
    }
  }

  return {
    ask(kind, request) {
      ports.forEach((port, w) => port.postMessage(request(w)));
      const got = ports.map(receive);
      return got.map((reply, w) => {
        if (reply.kind === "broken")
          throw new Error(`worker thread ${w + 1} of ${parts.length} failed: ${reply.error}`);
        if (reply.kind !== kind) throw new Error(`worker thread ${w + 1} answered ${reply.kind} instead of ${kind}`);
        return reply as Extract<Reply, { kind: typeof kind }>;
      });
    },
    close() {
      for (const port of ports) port.close();
      for (const worker of workers) void worker.terminate();
    },
  };
}
