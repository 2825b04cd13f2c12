/**
 * Where output goes. A file is written whole or not at all and keeps its mode; a link's target is written, the link
 * stays; a device or pipe is written to, never replaced. What cannot be written is refused before the work.
 */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "./inputError.ts";
import { isFile } from "./readJson.ts";
import { isNoFile } from "./systemError.ts";

/** What file systems take, bytes. */
const LONGEST_NAME = 255;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** Follows links; undefined where there is nothing. */
function statOf(path: string, refuse: (reason: string) => never): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
    return refuse(codeOf(error) === "ENAMETOOLONG" ? "the name is too long" : `cannot be reached (${codeOf(error)})`);
  }
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch (error) {
    if (!isNoFile(error)) throw error;
    return false;
  }
}

/** Streams that this process was given: opening them by name writes there, a rename would cut them off. */
const isGivenStream = (path: string): boolean => /^\/(dev|proc)\//.test(resolve(path));

/** Makes and removes a file: permissions, read-only file systems and missing folders all show in time. */
function probe(folder: string): void {
  const path = draftIn(folder);
  writeFileSync(path, "", { flag: "wx" });
  rmSync(path);
}

let drafts = 0;
/** Short, so that it fits wherever the target's own name does, and no other run's. */
const draftIn = (folder: string): string => join(folder, `.draft-${process.pid}-${drafts++}`);

/**
 * Refuses, before hours of work are spent, a target that cannot be written or must not: no name, a folder, a socket or
 * disk, a link to nowhere, a name that is too long, a place without permission, one of the command's own `inputs`.
 */
export function checkTarget(target: string | undefined, option = "--json", inputs: readonly string[] = []): void {
  if (target === undefined || target === "-") return;
  const refuse = (reason: string): never => {
    throw new InputError(`${option} ${target === "" ? '""' : target}: ${reason}`);
  };
  if (target === "") refuse("names no file");
  if (target.includes("\0")) refuse("holds a zero byte");
  const folder = dirname(target);
  if (!(statOf(folder, refuse)?.isDirectory() ?? false)) refuse(`the folder ${folder} does not exist`);
  if (Buffer.byteLength(basename(target)) > LONGEST_NAME) refuse("the name is too long");
  const found = statOf(target, refuse);
  if (/[/\\]$/.test(target) || found?.isDirectory()) refuse("is a folder");
  if (found === undefined && isLink(target)) refuse("is a link to nowhere");
  if (found?.isSocket() || found?.isBlockDevice()) refuse("is neither a file nor a stream");
  for (const input of inputs) {
    const read = isFile(input) ? statSync(input) : undefined;
    if (found !== undefined && read && read.ino === found.ino && read.dev === found.dev)
      refuse(`is what the command reads (${input})`);
  }
  try {
    if (found) accessSync(target, constants.W_OK);
    if (!found || (found.isFile() && !isGivenStream(target))) probe(dirname(found ? realpathSync(target) : target));
  } catch (error) {
    refuse(`cannot be written (${codeOf(error)})`);
  }
}

/** Links followed as far as there is something. */
function placeOf(target: string): string {
  if (statSync(target, { throwIfNoEntry: false })) return realpathSync(target);
  const folder = dirname(resolve(target));
  return folder === resolve(target) ? folder : join(placeOf(folder), basename(target));
}

/** Two outputs of one command must not be one file. */
export function checkDistinct(targets: Readonly<Record<string, string | undefined>>): void {
  const seen = new Map<string, string>();
  for (const [option, target] of Object.entries(targets)) {
    if (target === undefined || target === "-") continue;
    const path = placeOf(target);
    const other = seen.get(path);
    if (other !== undefined && !/^\/dev\//.test(path))
      throw new InputError(`${option} ${target}: ${other} writes there too`);
    seen.set(path, option);
  }
}

/** A folder that is made when the work is done: what there is of its path must be a folder that can be written to. */
export function checkFolder(target: string, option = "--out"): void {
  const refuse = (reason: string): never => {
    throw new InputError(`${option} ${target === "" ? '""' : target}: ${reason}`);
  };
  if (target === "") refuse("names no folder");
  if (target.includes("\0")) refuse("holds a zero byte");
  let folder = resolve(target);
  for (; statOf(folder, refuse) === undefined; folder = dirname(folder)) {
    if (isLink(folder)) refuse(`${folder} is a link to nowhere`);
    if (Buffer.byteLength(basename(folder)) > LONGEST_NAME) refuse("the name is too long");
  }
  if (!statSync(folder).isDirectory()) refuse(`${folder} is not a folder`);
  try {
    probe(folder);
  } catch (error) {
    refuse(`${folder} cannot be written to (${codeOf(error)})`);
  }
}

/**
 * Writes text whole or not at all: to a neighbour first, then renamed, with the mode and owner of what it replaces. `-`
 * is stdout.
 */
export function writeText(target: string, text: string): void {
  if (target === "-") {
    process.stdout.write(text);
    return;
  }
  try {
    const found = statSync(target, { throwIfNoEntry: false });
    if (found && (!found.isFile() || isGivenStream(target))) {
      writeFileSync(target, text, { flag: "a" });
      return;
    }
    const path = found ? realpathSync(target) : target;
    const draft = draftIn(dirname(path));
    try {
      writeFileSync(draft, text, { flag: "wx" });
      if (found) {
        if (process.getuid?.() === 0) chownSync(draft, found.uid, found.gid);
        chmodSync(draft, found.mode & 0o7777);
      }
      renameSync(draft, path);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    }
  } catch (error) {
    throw new InputError(`${target}: cannot be written (${codeOf(error)})`);
  }
}

export const writeJson = (target: string, value: unknown): void =>
  writeText(target, `${JSON.stringify(value, null, 1)}\n`);
