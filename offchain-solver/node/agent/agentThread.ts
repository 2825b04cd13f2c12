import { Worker } from "node:worker_threads";
import type { AgentStart, Reply, Task } from "./protocol.ts";

/** Beside this file, and emitted like it. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "agentWorker.ts" : "agentWorker.js", import.meta.url);

/** The thread in which a party's agent reckons: a task is answered once, in the order of asking. */
export class AgentThread {
  readonly #worker: Worker;
  readonly #asked = new Map<number, { done: (reply: Reply) => void; failed: (error: Error) => void }>();
  #number = 0;

  constructor(start: AgentStart) {
    this.#worker = new Worker(WORKER, { workerData: start });
    this.#worker.on("message", ({ number, reply }: { number: number; reply: Reply }) => {
      const asked = this.#asked.get(number);
      this.#asked.delete(number);
      if (reply.kind === "broken") asked?.failed(new Error(`the agent's thread: ${reply.error}`));
      else asked?.done(reply);
    });
    this.#worker.on("error", (error) => this.#fail(error as Error));
    this.#worker.on("exit", () => this.#fail(new Error("the agent's thread has ended")));
  }

  ask(task: Task): Promise<Reply> {
    const number = this.#number++;
    return new Promise((done, failed) => {
      this.#asked.set(number, { done, failed });
      this.#worker.postMessage({ number, task });
    });
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners();
    this.#asked.clear();
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    for (const { failed } of this.#asked.values()) failed(error);
    this.#asked.clear();
  }
}
