import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isFile, readJson } from "../../io/readJson.ts";
import { writeText } from "../../io/target.ts";
import { summaryOf, type ZooOptions, type ZooSummary } from "./zoo.ts";
import type { ZooRow } from "./zooRow.ts";

/** What a part of a zoo is of; `run`: sessions on a chain too. */
export type ZooPartOf = Pick<ZooOptions, "seed" | "count" | "method" | "maxIterations"> & { readonly run: boolean };

/** One call's markets, cleared by one and the same code. */
export type ZooPart = ZooPartOf & {
  /** See `codeOf`. */
  readonly code: string;
  readonly summary: ZooSummary;
  readonly rows: readonly ZooRow[];
};

/** The folders that decide how a market ends. */
const DECIDES = ["numerics", "grid", "market", "clearing", "simulation", "codec", "auditor", "ledger"] as const;

/** Hash of the code that clears and judges, without its tests: rows of one hash are of one clearing. */
export function codeOf(): string {
  const root = join(import.meta.dirname, "..", "..");
  const hash = createHash("sha256");
  for (const folder of DECIDES) {
    const files = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    for (const file of files.filter((name) => /(?<!\.test)(?<!\.d)\.(ts|js)$/.test(name)).sort())
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(root, folder, file)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Rows are this command's own: only what tells parts apart is looked at. */
const PartSchema = z.looseObject({
  code: z.string(),
  seed: z.int(),
  count: z.int(),
  method: z.string(),
  maxIterations: z.int(),
  run: z.boolean(),
  rows: z.array(z.looseObject({ seed: z.int(), failures: z.array(z.string()) })),
});
const RecordSchema = z.object({ parts: z.array(PartSchema) });

/** A record's parts; none where there is no file yet. */
export const partsOf = (file: string): ZooPart[] =>
  isFile(file) ? (readJson(file, RecordSchema).parts as unknown as ZooPart[]) : [];

const sameAs =
  (a: ZooPartOf) =>
  (b: ZooPartOf): boolean =>
    a.seed === b.seed && a.method === b.method && a.maxIterations === b.maxIterations && a.run === b.run;

/** Rows that a part's code has cleared before: what was broken off goes on from there. */
export function rowsKept(parts: readonly ZooPart[], part: ZooPartOf, code: string): ZooRow[] {
  const before = parts.find((one) => sameAs(part)(one) && one.code === code);
  return before === undefined ? [] : before.rows.slice(0, part.count);
}

/** Writes the part among the others, a row a line; one that was there with the same seed and options goes. */
export function writePart(file: string, others: readonly ZooPart[], of: ZooPartOf, done: Pick<ZooPart, "code" | "rows">) {
  const part = { ...of, ...done, count: done.rows.length, summary: summaryOf(done.rows) };
  const parts = [...others.filter((one) => !sameAs(of)(one)), part].sort((a, b) => a.seed - b.seed);
  const text = parts.map(({ rows, ...head }) => {
    const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
    return ` ${JSON.stringify(head).slice(0, -1)},"rows":[\n${lines}\n ]}`;
  });
  writeText(file, `{"about":"generated markets; times depend on the machine","parts":[\n${text.join(",\n")}\n]}\n`);
}

