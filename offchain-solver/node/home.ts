/** The folder of one party: its keys, its configuration, its private file, its journal. Nobody else reads it. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../io/inputError.ts";
import type { KeyRole } from "./keystore.ts";

const OWNER_ONLY = { file: 0o600, folder: 0o700 } as const;

export const configFile = (home: string): string => join(home, "node.yaml");
export const keyFile = (home: string, role: KeyRole): string => join(home, "keys", `${role}.json`);
/** A key that is being rotated in: kept until the chain says that it counts. */
export const nextKeyFile = (home: string, role: KeyRole): string => join(home, "keys", `${role}.next.json`);
/** A key that was replaced: sessions from before still ask for it. */
export const oldKeyFile = (home: string, role: KeyRole, address: string): string =>
  join(home, "keys", `${role}.${address.toLowerCase()}.json`);
export const journalFile = (home: string): string => join(home, "journal.sqlite");
export const privateFile = (home: string): string => join(home, "private.json");
/** Where it is unless the configuration says otherwise. */
export const peersFile = (home: string): string => join(home, "peers.json");
export const registrationFile = (home: string): string => join(home, "registration.json");
/** What the operator is sent of a meter's key that comes in. */
export const meterRotationFile = (home: string): string => join(home, "meter-rotation.json");

/** Makes the folder, for its owner alone. Throws InputError where it cannot be. */
export function makeHome(home: string): void {
  try {
    for (const folder of [home, join(home, "keys")]) mkdirSync(folder, { recursive: true, mode: OWNER_ONLY.folder });
    chmodSync(home, OWNER_ONLY.folder);
  } catch (error) {
    throw new InputError(`${home}: cannot be made (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** Others on the machine must not read keystores: a weak password would be all that is between. */
export function checkOwnerOnly(file: string): void {
  if (!existsSync(file) || process.platform === "win32") return;
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new InputError(`${file}: others can read it (mode ${mode.toString(8)}): chmod 600 it`);
}

/** A new file for its owner alone, on the disk when this returns. Throws InputError where there is one already. */
export function writeOwn(file: string, text: string): void {
  if (existsSync(file)) throw new InputError(`${file}: is there already and is never overwritten`);
  const draft = `${file}.draft-${process.pid}`;
  try {
    const handle = openSync(draft, "wx", OWNER_ONLY.file);
    try {
      // Not `writeSync`: on a full disk that writes less than it was given, and throws nothing.
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    replaceOwn(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new InputError(`${file}: cannot be written (${code === "ENOSPC" ? "the disk is full" : code})`);
  }
}

/** As `writeOwn`, in the place of one that may be there. */
export function putOwn(file: string, text: string): void {
  const next = `${file}.next`;
  rmSync(next, { force: true });
  writeOwn(next, text);
  replaceOwn(next, file);
}

/** Moves a file over another, on the disk when this returns. */
export function replaceOwn(from: string, to: string): void {
  renameSync(from, to);
  const folder = openSync(dirname(to), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
