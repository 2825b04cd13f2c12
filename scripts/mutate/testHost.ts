/**
 * A copy of the tree in which tests run again and again in one process, on code that is put into the artifacts: what
 * takes long of a suite is to start. A child of mutateContracts.ts, which sends a Job and gets a Reply.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import Mocha from "mocha";
import { contractOf, type Suite } from "./targets.ts";

/** `codes`: creation code by file below contracts/. They stay where `keep` is set. */
export type Job = {
  readonly codes: readonly (readonly [string, string])[];
  readonly suites: readonly Suite[];
  readonly keep?: boolean;
};
/** The first test that failed, and whether it did because it took too long. */
export type Failure = {
  readonly file: string;
  readonly title: string;
  readonly late: boolean;
  readonly message: string;
};
export type Reply = { readonly failure?: Failure; readonly megabytes: number };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = [
  ...["contracts", "offchain-solver", "test", "docs", "cases", "deploy", "artifacts", "scripts/gas"],
  ...["hardhat.config.ts", "package.json", "tsconfig.json"],
];
const copy = mkdtempSync(join(tmpdir(), "gridpact-mutants-"));
const suites = new Map<string, Mocha>();

async function suiteOf(file: string): Promise<Mocha> {
  const loaded = suites.get(file);
  if (loaded !== undefined) return loaded;
  // A machine that is busy elsewhere makes a test slow, not wrong; whoever sends the job waits so long and no longer.
  const mocha = new Mocha({ bail: true, timeout: 0 });
  mocha.cleanReferencesAfterRun(false);
  mocha.reporter(class {} as unknown as Mocha.ReporterConstructor);
  mocha.addFile(join(copy, "test/contracts", `${file}.ts`));
  await mocha.loadFilesAsync();
  suites.set(file, mocha);
  return mocha;
}

async function failureOf({ file, grep }: Suite): Promise<Failure | undefined> {
  const mocha = await suiteOf(file);
  mocha.grep(new RegExp(grep));
  let failure: Failure | undefined;
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on("fail", (test: Mocha.Test | Mocha.Hook, error: Error & { code?: string }) => {
      // A hook is called after its suite and the test that it was to run before: the suite is what can be asked again.
      const title = test.type === "hook" ? (test.parent?.fullTitle() ?? "") : test.fullTitle();
      failure ??= { file, title, late: error.code === "ERR_MOCHA_TIMEOUT", message: error.message };
    });
  });
  return failure;
}

function artifactOf(target: string): string {
  const { file, name } = contractOf(target);
  return `artifacts/contracts/${file}/${name}.json`;
}

function put(target: string, code: string): void {
  const artifact = JSON.parse(readFileSync(join(copy, artifactOf(target)), "utf8")) as object;
  writeFileSync(join(copy, artifactOf(target)), JSON.stringify({ ...artifact, bytecode: `0x${code}` }));
}

async function run({ codes, suites: asked, keep }: Job): Promise<Reply> {
  const before = codes.map(([target]) => [target, readFileSync(join(copy, artifactOf(target)), "utf8")] as const);
  for (const [target, code] of codes) put(target, code);
  let failure: Failure | undefined;
  for (const suite of asked) {
    failure = await failureOf(suite);
    if (failure !== undefined) break;
  }
  if (!keep) for (const [target, text] of before) writeFileSync(join(copy, artifactOf(target)), text);
  return { ...(failure && { failure }), megabytes: process.memoryUsage().rss / 2 ** 20 };
}

if (process.send) {
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  process.chdir(copy);
  process.on("message", (job: Job) => {
    run(job).then(
      (reply) => process.send?.(reply),
      (error: unknown) => {
        console.error(pathToFileURL(copy).href, error);
        process.exit(1);
      },
    );
  });
  const leave = (): never => {
    rmSync(copy, { recursive: true, force: true });
    process.exit();
  };
  process.on("disconnect", leave);
  process.on("SIGTERM", leave);
  process.send({ ready: true });
}
