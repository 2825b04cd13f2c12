import { parentPort, workerData } from "node:worker_threads";
import type { AgentStart, Reply, Task } from "./protocol.ts";

/** The thread's entry: one task after another, each answered; whatever goes wrong is an answer too. */
const port = parentPort!;
const broken = (error: unknown): Reply => ({
  kind: "broken",
  error: error instanceof Error ? (error.stack ?? error.message) : String(error),
});

const { createAgentHost } = await import("./agentHost.ts");
const host = createAgentHost(workerData as AgentStart);
let before: Promise<unknown> = Promise.resolve();
port.on("message", ({ number, task }: { number: number; task: Task }) => {
  before = before.then(async () => {
    let reply: Reply;
    try {
      reply = await host(task);
    } catch (error) {
      reply = broken(error);
    }
    port.postMessage({ number, reply });
  });
});
