import { workerData } from "node:worker_threads";
import type { Reply, Request, Start } from "./protocol.ts";

/**
 * A worker thread's entry: answers one request after another; whatever goes wrong is an answer too, for nobody listens
 * to events.
 */
const { port, replies, part } = workerData as Start;

function answer(reply: Reply): void {
  port.postMessage(reply);
  // After the message: who sees the count finds the message.
  Atomics.add(replies, 0, 1);
  Atomics.notify(replies, 0);
}

function broken(error: unknown): Reply {
  return { kind: "broken", error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

try {
  // Not imported statically: an error while modules load would be lost.
  const { createHost } = await import("./host.ts");
  const host = createHost(part);
  port.on("message", (request: Request) => {
    let reply: Reply;
    try {
      reply = host(request);
    } catch (error) {
      reply = broken(error);
    }
    answer(reply);
  });
} catch (error) {
  answer(broken(error));
}
