/**
 * One copy of the tree in which one mutant after the other is compiled and tested; a child of mutateContracts.ts, which
 * sends a Job and gets a Reply. Only the contracts that a file is part of are compiled, without the optimiser, which
 * changes what code costs and not what it does: five seconds instead of a hundred.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { classify, type Ended, type Mutant, type Outcome } from "./mutants.ts";

export type Suite = { readonly files: readonly string[]; readonly grep?: string };
/** `targets` are source files below contracts/, one contract of the same name in each. */
export type Job = { readonly mutant?: Mutant; readonly targets: readonly string[]; readonly suites: readonly Suite[] };
export type Reply = { readonly outcome: Outcome; readonly by: string; readonly seconds: number };

type Solc = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string };
type Output = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>
  >;
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = [
  "contracts",
  "offchain-solver",
  "test",
  "docs",
  "hardhat.config.ts",
  "package.json",
  "tsconfig.json",
  "artifacts",
];
/** A suite takes ten seconds; what takes this long does not end. */
const TIMEOUT_MS = 240_000;
const solc = createRequire(import.meta.url)("solc") as Solc;
const copy = mkdtempSync(join(tmpdir(), "gridpact-mutants-"));

function prepare(): void {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
}

const nameOf = (target: string): string => target.replace(/^.*\//, "").replace(/\.sol$/, "");
const artifactOf = (target: string): string => `artifacts/contracts/${target}/${nameOf(target)}.json`;

/** Writes the creation code of each target into its artifact; what the compiler refuses is returned. */
function compile(targets: readonly string[]): string | undefined {
  const sources = targets.map((target) => `contracts/${target}`);
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(sources.map((path) => [path, { content: readFileSync(join(copy, path), "utf8") }])),
    settings: {
      viaIR: true,
      evmVersion: "osaka",
      optimizer: { enabled: false },
      outputSelection: Object.fromEntries(
        targets.map((target, k) => [sources[k], { [nameOf(target)]: ["evm.bytecode.object"] }]),
      ),
    },
  };
  const find = (path: string) => ({
    contents: readFileSync(join(copy, path.startsWith("@") ? "node_modules" : ".", path), "utf8"),
  });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: find })) as Output;
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error !== undefined) return error.formattedMessage;
  for (const [k, target] of targets.entries()) {
    const bytecode = output.contracts?.[sources[k]][nameOf(target)].evm.bytecode.object;
    const artifact = JSON.parse(readFileSync(join(ROOT, artifactOf(target)), "utf8")) as object;
    writeFileSync(join(copy, artifactOf(target)), JSON.stringify({ ...artifact, bytecode: `0x${bytecode}` }));
  }
  return undefined;
}

function test({ files, grep }: Suite): Promise<Ended> {
  const args = ["test", "mocha", "--no-compile", "--bail", ...(grep === undefined ? [] : ["--grep", grep])];
  const paths = files.map((file) => `test/contracts/${file}`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules/hardhat/dist/src/cli.js"), ...args, ...paths], {
      cwd: copy,
      stdio: "ignore",
      env: { ...process.env, GRIDPACT_ANY_SIZE: "1", GRIDPACT_DIFFERENTIAL: "150" },
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, TIMEOUT_MS);
    child.on("error", () => resolve({ status: null, timedOut }));
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, timedOut });
    });
  });
}

async function judge({ mutant, targets, suites }: Job): Promise<Reply> {
  const start = performance.now();
  const path = mutant && join(copy, "contracts", mutant.file);
  const original = path && readFileSync(path, "utf8");
  if (mutant && path && original) {
    writeFileSync(path, original.split("\n").with(mutant.line, mutant.after).join("\n"));
  }
  const refused = compile(targets);
  const ended: Ended[] = [];
  for (const suite of refused === undefined ? suites : []) {
    ended.push(await test(suite));
    if (ended.at(-1)?.status !== 0) break;
  }
  if (path && original) writeFileSync(path, original);
  // The next mutant may be of another contract: this one's code must not stay.
  for (const target of targets) cpSync(join(ROOT, artifactOf(target)), join(copy, artifactOf(target)));
  const by = refused ?? suites[ended.length - 1]?.files.join(" ") ?? "";
  return { outcome: classify(refused === undefined, ended), by, seconds: (performance.now() - start) / 1000 };
}

if (process.send) {
  prepare();
  process.on("message", (job: Job) => {
    void judge(job).then((reply) => process.send?.(reply));
  });
  process.on("disconnect", () => {
    rmSync(copy, { recursive: true, force: true });
    process.exit();
  });
  process.send({ ready: true });
}
