/** Runs tests on code in a process of its own, which is started again when it does not answer or has grown. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Job, Reply } from "./testHost.ts";

/** The longest suite, on a machine that is busy elsewhere; what takes this long does not end. */
const TIMEOUT_MS = 600_000;
const MOST_MEGABYTES = 1_500;

type Codes = Job["codes"];

export class Tester {
  #child: ChildProcess | undefined;
  readonly #codes: Codes;

  /** `codes`: what stands in the artifacts between jobs. */
  constructor(codes: Codes) {
    this.#codes = codes;
  }

  /** Undefined where the tests did not end. */
  async run(job: Omit<Job, "keep">): Promise<Reply | undefined> {
    const child = this.#child ?? (await this.#start());
    const reply = await ask(child, job);
    if (reply === undefined || reply.megabytes > MOST_MEGABYTES) this.end();
    return reply;
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL("testHost.ts", import.meta.url)), {
      env: { ...process.env, GRIDPACT_ANY_SIZE: "1", GRIDPACT_DIFFERENTIAL: "100" },
    });
    this.#child = child;
    await answer(child);
    await ask(child, { codes: this.#codes, suites: [], keep: true });
    return child;
  }

  end(): void {
    this.#child?.kill("SIGTERM");
    this.#child = undefined;
  }
}

function ask(child: ChildProcess, job: Job): Promise<Reply | undefined> {
  const reply = answer(child);
  child.send(job);
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS * Math.max(1, job.suites.length / 4));
  return reply.finally(() => clearTimeout(timer)) as Promise<Reply | undefined>;
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => {
    const exited = (): void => resolve(undefined);
    child.once("exit", exited);
    child.once("message", (message) => {
      child.off("exit", exited);
      resolve(message);
    });
  });
}
