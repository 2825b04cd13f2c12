/**
 * Changes the contracts one comparison or one refusal at a time and shows that the tests notice.
 *
 *   node scripts/mutateContracts.ts [--files Ledger,Netting] [--every N] [--json FILE]
 *
 * Works on a copy of the tree. A mutant that does not compile is no mutant; one that all tests accept survives, and is printed.
 * Those that are equal to the original by arithmetic are listed in EQUIVALENT with the reason.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = [
  "libraries/Ledger.sol",
  "libraries/Netting.sol",
  "libraries/Quorum.sol",
  "libraries/GridCheck.sol",
  "libraries/FrozenLimits.sol",
  "Market.sol",
  "Sessions.sol",
  "Accounts.sol",
  "Mandates.sol",
  "Registry.sol",
  "reference/PlainRules.sol",
  "reference/PlainGrid.sol",
  "reference/ReferenceMarket.sol",
];
/** Quick suites first: most mutants die in the first. */
const SUITES = [
  ["mutations.ts", "settle.ts"],
  ["accounts.ts", "registry.ts", "grid.ts"],
  ["differential.ts", "audit.ts"],
];

type Mutant = { readonly file: string; readonly line: number; readonly before: string; readonly after: string };

const EQUIVALENT: readonly { readonly file: string; readonly contains: string; readonly because: string }[] = [];

/** Each pattern once a line it matches: the comparison flipped or its end moved, the refusal dropped. */
const RULES: readonly [pattern: RegExp, replacement: string][] = [
  [/ < /, " <= "],
  [/ <= /, " < "],
  [/ > /, " >= "],
  [/ >= /, " > "],
  [/ == /, " != "],
  [/ != /, " == "],
  [/\bslt\(/, "sgt("],
  [/\bsgt\(/, "slt("],
  [/\blt\(/, "gt("],
  [/\bgt\(/, "lt("],
  [/^(\s*)(if \(.*\) )?revert .*;$/, "$1$2{}"],
  [/^(\s*)(_check\w+|refuseTrade|_refuse\w+)\(.*\);$/, "$1{}"],
  [/iszero\(eq\(/, "eq(eq("],
];

function mutantsOf(file: string): Mutant[] {
  return readFileSync(join(ROOT, "contracts", file), "utf8")
    .split("\n")
    .flatMap((text, line) => {
      if (/^\s*(\/\/|\*|import|error|event)|\bfor \(uint256|pragma|function /.test(text)) return [];
      return RULES.filter(([pattern]) => pattern.test(text)).map(([pattern, replacement]) => ({
        file,
        line,
        before: text,
        after: text.replace(pattern, replacement),
      }));
    });
}

const { values } = parseArgs({
  options: {
    files: { type: "string" },
    every: { type: "string", default: "1" },
    json: { type: "string" },
    skip: { type: "string", default: "0" },
  },
});
const wanted = values.files?.split(",");
const mutants = FILES.filter((file) => wanted === undefined || wanted.includes(basename(file, ".sol")))
  .flatMap(mutantsOf)
  .filter((_, k) => (k + Number(values.skip)) % Number(values.every) === 0);

const copy = mkdtempSync(join(tmpdir(), "mutants-"));
for (const name of [
  "contracts",
  "offchain-solver",
  "test",
  "hardhat.config.ts",
  "package.json",
  "tsconfig.json",
  "artifacts",
  "cache",
]) {
  cpSync(join(ROOT, name), join(copy, name), { recursive: true });
}
// The fuzz harness embeds both markets: compiling it for every mutant would cost more than its tests find.
for (const name of ["Market.t.sol", "mocks/Handler.t.sol"]) rmSync(join(copy, "contracts", name));
symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
const hardhat = join(ROOT, "node_modules/hardhat/dist/src/cli.js");
const run = (...args: string[]): boolean =>
  spawnSync(process.execPath, [hardhat, ...args], {
    cwd: copy,
    stdio: "ignore",
    timeout: 300_000,
    env: { ...process.env, GRIDPACT_DIFFERENTIAL: "150" },
  }).status === 0;

const results: (Mutant & { outcome: "killed" | "survived" | "invalid" | "equivalent" })[] = [];
try {
  for (const [k, mutant] of mutants.entries()) {
    const path = join(copy, "contracts", mutant.file);
    const original = readFileSync(path, "utf8");
    const lines = original.split("\n");
    lines[mutant.line] = mutant.after;
    writeFileSync(path, lines.join("\n"));
    const suites = SUITES.map((names) => names.map((name) => `test/contracts/${name}`));
    const equivalent = EQUIVALENT.some(
      ({ file, contains }) => mutant.file.endsWith(file) && mutant.before.includes(contains),
    );
    const outcome = equivalent
      ? "equivalent"
      : !run("build")
        ? "invalid"
        : suites.every((files) => run("test", "mocha", "--no-compile", "--bail", ...files))
          ? "survived"
          : "killed";
    writeFileSync(path, original);
    results.push({ ...mutant, outcome });
    const where = `${mutant.file}:${mutant.line + 1}`;
    process.stdout.write(
      `${k + 1}/${mutants.length} ${outcome} ${where}: ${mutant.before.trim()}  ->  ${mutant.after.trim()}\n`,
    );
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const count = (outcome: string): number => results.filter((one) => one.outcome === outcome).length;
process.stdout.write(
  `${count("killed")} killed, ${count("survived")} survived, ${count("equivalent")} equivalent, ${count("invalid")} did not compile\n`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
process.exitCode = count("survived") > 0 ? 1 : 0;
