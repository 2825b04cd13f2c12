/** Processes of a devnet's parties: started, watched, started again, stopped; none outlives its supervisor. */
import { fork, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as Onboarding from "../chain/onboarding.ts";
import { homeOf } from "./parties.ts";

const ENTRY = fileURLToPath(
  new URL(`../node/partyProcess.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
);
/**
 * Dozens share a machine: of the 16 MB a space in which each of a process's two threads puts what is new, and which it
 * fills before it looks what is used no more, a party needs 1. That halves what its process holds.
 */
const SMALL = ["--max-semi-space-size=1"];
/** A process that has not said that it runs by then has not started. */
const START_MS = 120_000;
const STOP_MS = 10_000;

export type Supervised = {
  readonly id: number;
  child: ChildProcess | undefined;
  /** Ends by themselves, without having been told to. */
  crashes: number;
  wanted: boolean;
};

export class Supervisor {
  readonly #data: string;
  readonly #parties = new Map<number, Supervised>();
  readonly #crashed: (id: number, why: string) => void;

  /** `crashed` is told of a process that ended without having been stopped or killed from here. */
  constructor(data: string, crashed: (id: number, why: string) => void) {
    this.#data = data;
    this.#crashed = crashed;
  }

  get ids(): number[] {
    return [...this.#parties.keys()];
  }

  pidOf(id: number): number | undefined {
    return this.#parties.get(id)?.child?.pid;
  }

  logFile(id: number): string {
    return join(this.#data, "log", `${id === Onboarding.OPERATOR_ID ? "operator" : id}.log`);
  }

  /** Resolves once the process runs; rejects with the last line that it said where it does not come to that. */
  start(id: number): Promise<void> {
    const one = this.#parties.get(id) ?? { id, child: undefined, crashes: 0, wanted: true };
    this.#parties.set(id, one);
    one.wanted = true;
    const out = openSync(this.logFile(id), "a");
    const role = id === Onboarding.OPERATOR_ID ? "operator" : "node";
    const child = fork(ENTRY, [homeOf(this.#data, id), role], {
      // Ctrl-C is for its supervisor; it notices by itself where that has gone.
      detached: true,
      stdio: ["ignore", out, out, "ipc"],
      execArgv: [...process.execArgv, ...SMALL],
      env: {
        MALLOC_ARENA_MAX: "2",
        ...process.env,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(this.#data, "compiled"),
      },
    });
    closeSync(out);
    one.child = child;
    return new Promise((runs, fails) => {
      const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
      child.once("message", () => {
        clearTimeout(late);
        runs();
      });
      child.once("exit", (code, signal) => {
        clearTimeout(late);
        if (one.child === child) one.child = undefined;
        const why = signal ?? `exit code ${code}`;
        fails(new Error(`party ${id} did not start (${why}): ${this.lastLine(id)}`));
        if (!one.wanted) return;
        one.crashes++;
        this.#crashed(id, why);
      });
    });
  }

  lastLine(id: number): string {
    return readFileSync(this.logFile(id), "utf8").trimEnd().split("\n").at(-1) ?? "";
  }

  /** kill -9: nothing is flushed, nothing is said. */
  async kill(id: number): Promise<void> {
    const one = this.#parties.get(id);
    if (one?.child === undefined) return;
    const { child } = one;
    one.wanted = false;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGKILL");
    await gone;
  }

  /** Everybody is asked to stop; whoever does not is killed. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#parties.values()].map(async (one) => {
        one.wanted = false;
        const { child } = one;
        if (child === undefined) return;
        const gone = new Promise((done) => child.once("exit", done));
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await gone;
        clearTimeout(late);
      }),
    );
  }
}
