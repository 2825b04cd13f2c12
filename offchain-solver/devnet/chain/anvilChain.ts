/**
 * Anvil, a client by others, as a devnet's chain, in a process that can be killed and comes back. Its state is asked
 * for after every stretch of blocks and written whole, the newest copies kept: the file that anvil itself writes can be
 * torn by a kill. What came after the newest copy is lost then: to everybody a chain that went backwards.
 */
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { JsonRpcProvider } from "ethers";
import { InputError } from "../../io/inputError.ts";
import { spawnBound } from "../boundProcess.ts";
import { freePorts } from "../ports.ts";
import { reachChain, type ServedChain } from "./served.ts";

/** Copies of the state that are kept. */
const COPIES = 3;
/**
 * States of so many blocks are kept, in memory and in copies: a few hundred kB each, where everything else that a copy
 * holds of a block is some 20 kB. Nobody asks for one that is older.
 */
const STATES = 48;
const START_MS = 120_000;

export type AnvilChain = ServedChain & {
  /** Writes a copy of the state; true: there was something new. */
  readonly save: () => Promise<boolean>;
  /** kill -9; comes back with the newest copy, on the same port. */
  readonly kill: () => Promise<void>;
  readonly comeBack: () => Promise<void>;
  /** Resolves, with what ended it, once it has ended without having been told to from here. */
  readonly ended: Promise<string>;
};

/** From the package for Linux on x64; on another platform, where npm leaves that out, from GRIDPACT_ANVIL. */
function binary(): string {
  const own = process.env.GRIDPACT_ANVIL;
  if (own !== undefined) return own;
  try {
    return createRequire(import.meta.url).resolve("@foundry-rs/anvil-linux-amd64/bin/anvil");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new InputError(
      `anvil: none comes with ${process.platform} on ${process.arch}: set GRIDPACT_ANVIL to its path`,
    );
  }
}

/**
 * `initialDate`: of the first block. Where `folder` holds copies of a chain that began then, the newest goes on. Throws
 * InputError where the port is in use, or a copy is damaged.
 */
export async function anvilChain(initialDate: Date, port: number, folder: string): Promise<AnvilChain> {
  const [free] = await freePorts(1, port);
  mkdirSync(folder, { recursive: true });
  let child: ChildProcess | undefined;
  const first = Math.floor(initialDate.getTime() / 1000);
  let clock = clockOf(folder) ?? first;
  const { promise: ended, resolve: endsBy } = Promise.withResolvers<string>();
  let told = false;
  const gone = (): boolean => child === undefined || child.exitCode !== null || child.signalCode !== null;
  const start = async (): Promise<void> => {
    const out = openSync(join(folder, "anvil.log"), "a");
    child = spawnBound(binary(), argumentsFor(free, clock, folder), { stdio: ["ignore", out, out] });
    closeSync(out);
    told = false;
    child.once("exit", (code, signal) => told || endsBy(signal ?? `exit code ${code}`));
    await answers(`http://127.0.0.1:${free}`, child);
  };
  // Neither an error that nobody caught leaves it behind.
  const orphaned = (): void => void child?.kill("SIGKILL");
  process.once("exit", orphaned);
  await start();
  const chain = await reachChain(`http://127.0.0.1:${free}`);
  let saved = -1;
  const save = async (): Promise<boolean> => {
    // Nobody would answer, ever.
    if (gone()) return false;
    const { number: block, timestamp } = (await chain.provider.getBlock("latest"))!;
    if (block === saved) return false;
    writeCopy(folder, block, withOneFirstBlock(await dump(chain.provider), first));
    saved = block;
    clock = timestamp;
    return true;
  };
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    told = true;
    if (gone()) return;
    const over = new Promise((done) => child!.once("exit", done));
    child!.kill(signal);
    await over;
  };
  return {
    ...chain,
    save,
    ended,
    kill: () => stop("SIGKILL"),
    async comeBack() {
      await start();
      saved = -1;
    },
    async close() {
      chain.provider.destroy();
      await stop("SIGTERM");
      process.off("exit", orphaned);
    },
  };
}

function argumentsFor(port: number, clock: number, folder: string): string[] {
  const copy = copiesIn(folder).at(-1);
  return [
    ...["--port", `${port}`, "--hardfork", "osaka", "--enable-tx-gas-limit", "--silent"],
    ...["--preserve-historical-states", "--prune-history", `${STATES}`],
    // Also with a copy: else anvil takes this machine's clock, years after a replayed series.
    ...["--timestamp", `${clock}`],
    ...(copy === undefined ? [] : ["--load-state", join(folder, copy)]),
  ];
}

const dump = (provider: JsonRpcProvider): Promise<string> =>
  provider.send("anvil_dumpState", [true]) as Promise<string>;

const copiesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^state-\d+\.json$/.test(name))
    .sort();

type Dump = { blocks: { header: { number: string; timestamp: string } }[] };

/** Of the newest copy's last block, s; undefined: there is none. */
function clockOf(folder: string): number | undefined {
  const copy = copiesIn(folder).at(-1);
  if (copy === undefined) return undefined;
  const file = join(folder, copy);
  try {
    const { blocks } = JSON.parse(readFileSync(file, "utf8")) as Dump;
    return Math.max(...blocks.map(({ header }) => Number(header.timestamp)));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new InputError(`${file}: is damaged: remove it, and the chain goes on from the copy before`);
  }
}

/**
 * The state comes as gzip in hexadecimal; `--load-state` reads JSON. An anvil that was started with a copy keeps beside
 * the chain's first block the one that it made itself before it read the copy, and takes either when it starts again:
 * to everybody another chain. Only the one of `first`, s, is the chain's.
 */
function withOneFirstBlock(state: string, first: number): string {
  const dumped = JSON.parse(gunzipSync(Buffer.from(state.slice(2), "hex")).toString("utf8")) as Dump;
  const blocks = dumped.blocks.filter(
    ({ header: { number, timestamp } }) => Number(number) > 0 || Number(timestamp) === first,
  );
  return JSON.stringify({ ...dumped, blocks });
}

function writeCopy(folder: string, block: number, json: string): void {
  const name = `state-${String(block).padStart(9, "0")}.json`;
  const draft = join(folder, `${name}.draft`);
  try {
    writeFileSync(draft, json, { flush: true });
  } catch (error) {
    // On a full disk a part of it would take what is left.
    rmSync(draft, { force: true });
    throw error;
  }
  renameSync(draft, join(folder, name));
  for (const old of copiesIn(folder).slice(0, -COPIES)) rmSync(join(folder, old));
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
  for (const end = performance.now() + START_MS; performance.now() < end; await sleep(50)) {
    if (child.exitCode !== null) throw new InputError(`anvil: ended with exit code ${child.exitCode}`);
    try {
      if ((await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })).ok) return;
    } catch (error) {
      // fetch's word for nobody there: not yet.
      if (!(error instanceof TypeError)) throw error;
    }
  }
  throw new InputError(`anvil: no answer within ${START_MS / 1000} s`);
}
