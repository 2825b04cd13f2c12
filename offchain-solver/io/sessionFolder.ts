import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "./inputError.ts";

/** What file systems take, less what a number for the second, third, ... run needs, bytes. */
const LONGEST_NAME = 255 - 8;

/** Why a folder cannot be called so, if it cannot: a name from a file must not lead out of the folder it is made in. */
export function folderNameFault(name: string): string | undefined {
  const odd = /[/\\\u0000-\u001f\u007f-\u009f]/.exec(name);
  if (odd !== null) return `holds ${JSON.stringify(odd[0])}, which no folder's name can`;
  if (name.startsWith(".")) return "starts with a dot, which hides a folder or leads out of it";
  const bytes = new TextEncoder().encode(name).length;
  return bytes > LONGEST_NAME ? `makes a folder's name of ${bytes} bytes, more than ${LONGEST_NAME}` : undefined;
}

/** Makes the first of the folders that does not exist. */
function claim(numbered: (run: number) => string): string {
  for (let run = 1; ; run++) {
    const folder = numbered(run);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/**
 * A new folder `out`/`name`, or `name-2`, `name-3`, ... where that is taken, with what `write` puts there, whole or not
 * at all. Nothing that exists is touched, and runs at the same time get folders of their own. Returns its path.
 */
export function writeFolder(out: string, name: string, write: (draft: string) => void): string {
  let draft: string | undefined;
  try {
    mkdirSync(out, { recursive: true });
    draft = claim((run) => join(out, `.draft-${process.pid}-${run}`));
    write(draft);
    const folder = claim((run) => join(out, run === 1 ? name : `${name}-${run}`));
    // Over the empty folder that was just claimed.
    renameSync(draft, folder);
    return folder;
  } catch (error) {
    if (draft !== undefined) rmSync(draft, { recursive: true, force: true });
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new InputError(`--out ${out}: cannot be written (${code})`);
  }
}
