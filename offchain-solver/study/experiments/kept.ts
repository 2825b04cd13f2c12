/** What takes hours is kept piece by piece, a line of JSON each, so that it can be measured in parts. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import type * as z from "zod";
import { InputError } from "../../io/inputError.ts";

/** The pieces that a file holds; none where there is no file yet. Throws InputError. */
export function keptLines<T>(file: string | undefined, schema: z.ZodType<T>): T[] {
  if (file === undefined || !existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, k) => {
      if (line.trim() === "") return [];
      const piece = schema.safeParse(parsed(line));
      if (!piece.success) throw new InputError(`${file}: line ${k + 1}: ${piece.error.issues[0].message}`);
      return [piece.data];
    });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

export function keepLine(file: string | undefined, piece: unknown): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(piece)}\n`);
}
