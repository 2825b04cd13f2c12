/** bench/mutations.json: of every file that was tried what has become of its mutants, and which source that was. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Mutant, Outcome } from "./mutants.ts";
import { allMutantsOf, hashOf, mutable, TARGETS } from "./targets.ts";

const RECORD = fileURLToPath(new URL("../../bench/mutations.json", import.meta.url));

export type Row = Mutant & { readonly outcome: Outcome };
export type FileRecord = {
  readonly file: string;
  /** SHA-256 of the source that was mutated. */
  readonly source: string;
  readonly alive?: readonly Pick<Mutant, "line" | "after">[];
} & Readonly<Record<Outcome, number>>;

export const OUTCOMES: readonly Outcome[] = ["killed", "survived", "timed out", "equivalent", "not compiled"];
export const isAlive = (outcome: Outcome): boolean => outcome === "survived" || outcome === "timed out";

export const recorded = (): FileRecord[] =>
  existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, "utf8")) as FileRecord[]) : [];

/** Files whose record is of another source, or of other mutants, or that have none. */
export function stale(records: readonly FileRecord[] = recorded()): string[] {
  return mutable().filter((file) => {
    const last = records.find((one) => one.file === file);
    const counted = OUTCOMES.reduce((sum, outcome) => sum + (last?.[outcome] ?? 0), 0);
    return last?.source !== hashOf(file) || counted !== allMutantsOf(file).length;
  });
}

/** The mutants of `file` that its record left alive. */
export function leftAlive(file: string): Mutant[] {
  const last = recorded().find((one) => one.file === file);
  if (last?.source !== hashOf(file)) throw new Error(`${file} is not the one that was recorded`);
  return allMutantsOf(file).filter(({ line, after }) =>
    last.alive?.some((one) => one.line === line && one.after === after),
  );
}

/** With `again`, `rows` are those that the record left alive, and what it says of the others stays. */
export function record(file: string, rows: readonly Row[], again: boolean): void {
  const kept = recorded();
  const last = again ? kept.find((one) => one.file === file) : undefined;
  const count = (outcome: Outcome): number =>
    rows.filter((row) => row.outcome === outcome).length + (isAlive(outcome) ? 0 : (last?.[outcome] ?? 0));
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)])) as Record<Outcome, number>;
  const alive = rows.filter(({ outcome }) => isAlive(outcome)).map(({ line, after }) => ({ line, after }));
  const now: FileRecord = { file, source: hashOf(file), ...counts, ...(alive.length > 0 ? { alive } : {}) };
  const records = Object.keys(TARGETS).flatMap((name) =>
    name === file ? now : kept.filter((one) => one.file === name),
  );
  writeFileSync(RECORD, `[\n${records.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`);
}
