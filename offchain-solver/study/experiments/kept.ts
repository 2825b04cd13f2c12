/** What takes hours is kept piece by piece, a line of JSON each, so that it can be measured in parts. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type * as z from "zod";
import { InputError } from "../../io/inputError.ts";
import { checkShape, readText } from "../../io/readJson.ts";

/** The pieces that a file holds; none where there is no file yet. Throws InputError. */
export function keptLines<T>(file: string | undefined, schema: z.ZodType<T>): T[] {
  if (file === undefined || !existsSync(file)) return [];
  return readText(file)
    .split("\n")
    .flatMap((line, k) => {
      const where = `${file}: line ${k + 1}`;
      return line.trim() === "" ? [] : [checkShape(where, parsed(where, line), schema)];
    });
}

function parsed(where: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new InputError(`${where}: is no JSON, as a line that was cut off: without it the file can be gone on from`);
  }
}

/** Adds a piece as a line of its own, also where the last line has no end. */
export function keepLine(file: string | undefined, piece: unknown): void {
  if (file === undefined) return;
  const open = existsSync(file) && !/(?:^|\n)$/.test(readFileSync(file, "utf8"));
  appendFileSync(file, `${open ? "\n" : ""}${JSON.stringify(piece)}\n`);
}
