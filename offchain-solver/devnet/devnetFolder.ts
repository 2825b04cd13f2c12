/** What the folder of a devnet says of it, so that it goes on where it was stopped. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod";
import type { Deployment } from "../chain/deployment.ts";
import { InputError } from "../io/inputError.ts";
import { readJson } from "../io/readJson.ts";
import { putOwn } from "../node/home.ts";
import { passwordFile } from "./parties.ts";

export const CHAINS = ["hardhat", "anvil"] as const;
export type ChainKind = (typeof CHAINS)[number];

const address = z.string();
const StandingSchema = z.strictObject({
  version: z.literal(1),
  scenario: z.string(),
  chain: z.enum(CHAINS),
  /** Of the chain's first block. */
  begun: z.iso.datetime(),
  deployment: z.strictObject({
    chainId: z.string(),
    block: z.int().nonnegative(),
    ...{ authority: address, token: address, registry: address, market: address },
    ...{ delivery: address.optional(), carbonCredit: address.optional() },
  }),
});

/** A devnet that stands: all that its folder does not say elsewhere. */
export type Standing = {
  readonly scenario: string;
  readonly chain: ChainKind;
  readonly begun: string;
  readonly deployment: Deployment;
};

export type DevnetFolder = {
  readonly data: string;
  /** Of a devnet that goes on. */
  readonly standing: Standing | undefined;
  /** Nobody else runs one in it until this. */
  readonly close: () => void;
  /** Of one that was new or empty: also removes all that was put there, for a devnet that was refused. */
  readonly discard?: () => void;
};

const lockFile = (data: string): string => join(data, "devnet.lock");
const standingFile = (data: string): string => join(data, "devnet.json");

/** Once its market stands, and its chain's copy has it. */
export function writeStanding(data: string, { deployment, ...rest }: Standing): void {
  const { chainId, ...contracts } = deployment;
  const said = { version: 1, ...rest, deployment: { chainId: `${chainId}`, ...contracts } };
  putOwn(standingFile(data), `${JSON.stringify(StandingSchema.parse(said), undefined, 2)}\n`);
}

/**
 * A folder of its own, new, emptied by `reset`, or that of a devnet that goes on: what is no devnet's is never mixed
 * with, nor removed. `chain`: what was asked for. Throws InputError with what keeps it from that.
 */
export function openFolder(
  asked: string | undefined,
  { reset = false, chain }: { readonly reset?: boolean; readonly chain?: ChainKind },
): DevnetFolder {
  if (asked === undefined) {
    const made = mkdtempSync(join(tmpdir(), "gridpact-devnet-"));
    return fresh(made, made);
  }
  // Other processes are told of it, whose folder is another.
  const data = resolve(asked);
  if (!existsSync(data) || readdirSync(data).length === 0) {
    return fresh(data, mkdirSync(data, { recursive: true }));
  }
  if (!existsSync(lockFile(data)) && !(existsSync(passwordFile(data)) && existsSync(join(data, "operator"))))
    throw new InputError(`--data ${data}: holds something else than a devnet`);
  const folder = locked(data, undefined);
  try {
    if (!reset) return { ...folder, standing: standingOf(data, chain) };
  } catch (error) {
    folder.close();
    throw error;
  }
  folder.close();
  rmSync(data, { recursive: true });
  return fresh(data, mkdirSync(data, { recursive: true }));
}

/** `made`: the outermost folder that was not there before. */
function fresh(data: string, made: string | undefined): DevnetFolder {
  const folder = locked(data, undefined);
  const discard = (): void => {
    folder.close();
    for (const path of made === undefined ? readdirSync(data).map((name) => join(data, name)) : [made])
      rmSync(path, { recursive: true, force: true });
  };
  return { ...folder, discard };
}

function standingOf(data: string, asked: ChainKind | undefined): Standing {
  const cannot = (why: string): InputError => new InputError(`--data ${data}: ${why}; --reset begins anew`);
  if (!existsSync(standingFile(data))) throw cannot("holds a devnet that was stopped before its market stood");
  const { deployment, version: _version, ...rest } = readJson(standingFile(data), StandingSchema);
  if (rest.chain === "hardhat")
    throw cannot(
      "holds a devnet whose chain ended with the process that it was in: only one with --chain anvil goes on",
    );
  if (asked !== undefined && asked !== rest.chain)
    throw cannot(`holds a devnet on ${rest.chain}, which --chain ${asked} cannot take over`);
  const { delivery, carbonCredit, chainId, ...contracts } = deployment;
  const posting = { ...(delivery && { delivery }), ...(carbonCredit && { carbonCredit }) };
  return { ...rest, deployment: { chainId: BigInt(chainId), ...contracts, ...posting } };
}

/** The lock goes with the process that holds it, whatever that ends by. */
function locked(data: string, standing: Standing | undefined): DevnetFolder {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(lockFile(data), { timeout: 0 });
    lock.exec(
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version=1; COMMIT",
    );
  } catch (error) {
    lock?.close();
    const { errcode, message } = error as { errcode?: number; message: string };
    if (errcode === undefined) throw error;
    throw new InputError(
      `--data ${data}: ${errcode === 5 ? "a devnet runs in it already" : `cannot be locked (${message})`}`,
    );
  }
  const held = lock;
  return { data, standing, close: () => held.close() };
}
