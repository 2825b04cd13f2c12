/**
 * Compiles without the optimiser, which changes what code costs and not what it does. All mutants of all files that a
 * contract is made of are compiled at once, each behind its switch (switches.ts); the few that cannot be switched, a
 * guard that is left out or what changes a type, are compiled alone.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutants.ts";
import { idsIn, switched, turnedOn } from "./switches.ts";
import { contractOf, CONTRACTS, sourceOf } from "./targets.ts";

type Solc = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string };
type Location = { readonly file: string; readonly start: number; readonly end: number };
type Fault = { readonly severity: string; readonly formattedMessage: string; readonly sourceLocation?: Location };
type Output = {
  readonly errors?: readonly Fault[];
  readonly sources?: Record<string, { readonly ast: unknown }>;
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>
  >;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KEPT = join(ROOT, "cache/mutants");
const solc = createRequire(import.meta.url)("solc") as Solc;

/** `changed`: sources, by file of contracts/, that differ from those on disk. */
function compiled(files: readonly string[], outputSelection: unknown, changed: ReadonlyMap<string, string>): Output {
  const contents = (path: string): string => {
    const own = path.startsWith("contracts/") ? changed.get(path.slice("contracts/".length)) : undefined;
    return own ?? readFileSync(join(ROOT, path.startsWith("@") ? "node_modules" : "", path), "utf8");
  };
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [`contracts/${file}`, { content: contents(`contracts/${file}`) }])),
    settings: { viaIR: true, evmVersion: "osaka", optimizer: { enabled: false }, outputSelection },
  };
  return JSON.parse(
    solc.compile(JSON.stringify(input), { import: (path) => ({ contents: contents(path) }) }),
  ) as Output;
}

type Code = { readonly code: string } | { readonly faults: readonly Fault[] };

/** What was compiled is kept beside Hardhat's own: a survey that is asked for again begins at once. */
function codeOf(target: string, changed: ReadonlyMap<string, string>): Code {
  const sources = readdirSync(CONTRACTS, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sol"));
  const input = sources.sort().map((file) => [file, changed.get(file) ?? sourceOf(file)]);
  const kept = join(
    KEPT,
    createHash("sha256")
      .update(JSON.stringify([target, input]))
      .digest("hex"),
  );
  if (existsSync(kept)) return { code: readFileSync(kept, "utf8") };
  const compiled = codeAnew(target, changed);
  if ("code" in compiled) {
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(kept, compiled.code);
  }
  return compiled;
}

function codeAnew(target: string, changed: ReadonlyMap<string, string>): Code {
  const { file, name } = contractOf(target);
  const path = `contracts/${file}`;
  const output = compiled([file], { [path]: { [name]: ["evm.bytecode.object"] } }, changed);
  const faults = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  const code = output.contracts?.[path]?.[name].evm.bytecode.object;
  return faults.length > 0 || code === undefined ? { faults } : { code };
}

/** Creation code by target, in which mutants can be switched on. */
export type Switchboard = {
  readonly codes: ReadonlyMap<string, string>;
  /** By number: index in all mutants. */
  readonly switchable: ReadonlySet<number>;
};

/** `mutants`, numbered by their index, of files that are compiled into `targets`. */
export function switchboard(
  mutants: readonly Mutant[],
  targets: readonly string[],
  say: (text: string) => void,
): Switchboard {
  const files = [...new Set(mutants.map(({ file }) => file))];
  const trees = compiled(files, { "*": { "": ["ast"] } }, new Map()).sources ?? {};
  const without = new Set<number>();
  for (;;) {
    const parts = files.map((file) => {
      const own = mutants.flatMap((mutant, id) => (mutant.file === file ? [{ mutant, id }] : []));
      return [file, switched(sourceOf(file), trees[`contracts/${file}`].ast, own, without)] as const;
    });
    const changed = new Map(parts.map(([file, { source }]) => [file, source]));
    const codes = new Map<string, string>();
    const refused = targets.flatMap((target) => {
      say(`compiles ${target}`);
      const code = codeOf(target, changed);
      if ("code" in code) codes.set(target, code.code);
      return "faults" in code ? code.faults : [];
    });
    if (refused.length === 0) return { codes, switchable: new Set(parts.flatMap(([, { ids }]) => [...ids])) };
    const ids = refused.flatMap((fault) => blamed(fault, changed));
    if (ids.every((id) => without.has(id))) throw new Error(refused[0].formattedMessage);
    ids.forEach((id) => without.add(id));
  }
}

/** The switches on the lines that the compiler complains of. */
function blamed({ sourceLocation: at }: Fault, changed: ReadonlyMap<string, string>): number[] {
  const source = changed.get(at?.file.slice("contracts/".length) ?? "");
  if (source === undefined || at === undefined) return [];
  const bytes = Buffer.from(source);
  const from = bytes.lastIndexOf("\n", at.start) + 1;
  const to = bytes.indexOf("\n", at.end);
  return idsIn(bytes.subarray(from, to).toString());
}

/** Code of each of the mutant's targets; a message where the compiler refuses it. */
export function codesOf(
  { codes, switchable }: Switchboard,
  mutant: Mutant,
  id: number,
  targets: readonly string[],
): ReadonlyMap<string, string> | string {
  const own = new Map<string, string>();
  for (const target of targets) {
    const on = switchable.has(id) ? turnedOn(codes.get(target) as string, id) : undefined;
    if (on !== undefined) own.set(target, on);
    if (switchable.has(id)) continue;
    const source = sourceOf(mutant.file).split("\n").with(mutant.line, mutant.after).join("\n");
    const code = codeOf(target, new Map([[mutant.file, source]]));
    if ("faults" in code) return code.faults[0].formattedMessage;
    own.set(target, code.code);
  }
  if (own.size === 0) throw new Error(`${mutant.file}:${mutant.line + 1}: in none of ${targets.join(", ")}`);
  return own;
}
