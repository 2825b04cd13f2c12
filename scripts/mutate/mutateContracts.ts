/**
 * Changes the contracts one comparison or one refusal at a time and shows that the tests notice.
 *
 *   node scripts/mutate/mutateContracts.ts [--files Ledger,Netting] [--again] [--workers 2] [--write]
 *
 * Works on copies of the tree; needs `hardhat build` before. A mutant that does not compile is no mutant; one that all
 * tests accept survives, and one whose tests do not end has shown nothing: either fails the command. Those that are
 * equal to the original are listed with the reason in equivalentMutants.ts. `--write` records each file's outcome in
 * bench/mutations.json when it is through. `--again` tries those alone that the record left alive: tests were added,
 * the contract is the same.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { equivalentTo } from "./equivalentMutants.ts";
import { mutantsOf, succeeded, type Mutant, type Outcome } from "./mutants.ts";
import type { Job, Reply, Suite } from "./mutationWorker.ts";

const CONTRACTS = fileURLToPath(new URL("../../contracts/", import.meta.url));
const RECORD = fileURLToPath(new URL("../../bench/mutations.json", import.meta.url));

const MARKET = ["market/Market.sol"];
/** It is made by the market, so its code is part of the market's. */
const EXTENSION = MARKET;
const REGISTRY = ["market/Registry.sol"];
const PLAIN = ["reference/ReferenceMarket.sol"];
const HARNESS = "test/GridHarness.sol";
/**
 * What a file is compiled into. One that both markets share is changed in the optimised one; the lens shares the plain
 * rules.
 */
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  "rules/PlainRules.sol": PLAIN,
  "rules/PlainGrid.sol": [...PLAIN, HARNESS],
  "reference/ReferenceMarket.sol": PLAIN,
  "market/AuditLens.sol": ["market/AuditLens.sol"],
  "libraries/Ledger.sol": MARKET,
  "libraries/LedgerRefusals.sol": MARKET,
  "libraries/Netting.sol": MARKET,
  "libraries/Quorum.sol": [...MARKET, "test/QuorumHarness.sol"],
  "libraries/GridCheck.sol": [...MARKET, HARNESS],
  "libraries/CodeBlob.sol": [...MARKET, ...REGISTRY],
  "market/Market.sol": MARKET,
  "market/Sessions.sol": MARKET,
  "market/Accounts.sol": MARKET,
  "market/Mandates.sol": EXTENSION,
  "market/Postings.sol": EXTENSION,
  "market/State.sol": EXTENSION,
  "market/Tables.sol": MARKET,
  "reference/ReferencePostings.sol": PLAIN,
  "market/Registry.sol": REGISTRY,
  "market/Parties.sol": REGISTRY,
  "market/Committees.sol": REGISTRY,
  "market/Authority.sol": ["market/Authority.sol"],
};

const BATCHES = ["mutations.ts", "quorum.ts", "limits.ts", "settle.ts"];
const ACCOUNTS = ["accounts.ts", "mandates.ts", "sessions.ts", "ledgerRanges.ts", "postings.ts"];
const WHO = ["registry.ts", "committees.ts", "governance.ts"];
const ALL = [...BATCHES, ...ACCOUNTS, ...WHO, "threats.ts", "grid.ts", "differential.ts", "audit.ts"];
const PLAIN_MARKET = "plain market";
const OPTIMISED_MARKET = "optimised market";
/** In the order in which they kill: most mutants die in the first. What a file cannot touch is not run. */
function suitesOf(file: string): Suite[] {
  if (file === "market/AuditLens.sol") return [{ files: ["differential.ts"] }];
  if (["Registry", "Parties", "Committees", "Authority"].some((name) => file === `market/${name}.sol`)) {
    const first = file === "market/Committees.sol" ? "committees.ts" : WHO[file === "market/Authority.sol" ? 2 : 0];
    return [{ files: [first] }, { files: WHO.filter((one) => one !== first) }, { files: [...ACCOUNTS, "threats.ts"] }];
  }
  if (
    ["Accounts", "Mandates", "Sessions", "Postings", "State", "Tables"].some((name) => file === `market/${name}.sol`)
  ) {
    return [
      { files: ACCOUNTS },
      { files: [...BATCHES, "threats.ts"], grep: `${OPTIMISED_MARKET}|threat` },
      { files: ["differential.ts", "audit.ts"] },
    ];
  }
  const plain = ["reference/", "rules/"].some((room) => file.startsWith(room));
  return [
    { files: BATCHES, grep: plain ? PLAIN_MARKET : OPTIMISED_MARKET },
    { files: ["grid.ts", "differential.ts", "audit.ts"] },
    { files: [...ACCOUNTS, ...WHO, "threats.ts"], ...(plain ? { grep: PLAIN_MARKET } : {}) },
  ];
}

type Row = Mutant & { readonly outcome: Outcome; readonly because?: string };
type FileRecord = {
  readonly file: string;
  /** SHA-256 of the source that was mutated. */
  readonly source: string;
  readonly alive?: readonly Pick<Mutant, "line" | "after">[];
} & Readonly<Record<Outcome, number>>;

const OUTCOMES: readonly Outcome[] = ["killed", "survived", "timed out", "equivalent", "not compiled"];
const sourceOf = (file: string): string => readFileSync(CONTRACTS + file, "utf8");
const hashOf = (file: string): string => createHash("sha256").update(sourceOf(file)).digest("hex");
const isAlive = (outcome: Outcome): boolean => outcome === "survived" || outcome === "timed out";
const recorded = (): FileRecord[] =>
  existsSync(RECORD) ? (JSON.parse(readFileSync(RECORD, "utf8")) as FileRecord[]) : [];
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

class Worker {
  readonly child: ChildProcess = fork(fileURLToPath(new URL("mutationWorker.ts", import.meta.url)));
  readonly ready = this.answer();

  ask(job: Job): Promise<Reply> {
    const reply = this.answer();
    this.child.send(job);
    return reply as Promise<Reply>;
  }

  private answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const exited = () => reject(new Error("a worker ended"));
      this.child.once("exit", exited);
      this.child.once("message", (message) => {
        this.child.off("exit", exited);
        resolve(message);
      });
    });
  }
}

/** Tests that fail on the contracts as they are would kill everything. */
async function checkUnchanged(worker: Worker): Promise<void> {
  const targets = [...new Set(Object.values(TARGETS).flat())];
  const { outcome, by } = await worker.ask({ targets, suites: [{ files: ALL }] });
  if (outcome !== "survived") throw new Error(`the tests do not accept the contracts as they are: ${outcome} ${by}`);
}

async function run(mutants: readonly Mutant[], workers: readonly Worker[]): Promise<Row[]> {
  const rows: Row[] = [];
  const start = performance.now();
  let next = 0;
  async function drain(worker: Worker): Promise<void> {
    while (next < mutants.length) {
      const mutant = mutants[next++];
      const because = equivalentTo(mutant);
      const { outcome, by }: Pick<Reply, "outcome" | "by"> =
        because === undefined
          ? await worker.ask({ mutant, targets: TARGETS[mutant.file], suites: suitesOf(mutant.file) })
          : { outcome: "equivalent", by: because };
      rows.push({ ...mutant, outcome, ...(because === undefined ? {} : { because }) });
      const minutes = ((performance.now() - start) / 60_000).toFixed(1);
      const change = `${mutant.before.trim()}  ->  ${mutant.after.trim()}`;
      say(
        `${rows.length}/${mutants.length} ${minutes} min ${outcome} (${by}) ${mutant.file}:${mutant.line + 1}: ${change}`,
      );
    }
  }
  await Promise.all(workers.map(drain));
  return rows;
}

/** The mutants of `file`; with `again`, those that its record left alive. */
function chosen(file: string, again: boolean): Mutant[] {
  const all = mutantsOf(file, sourceOf(file));
  if (!again) return all;
  const last = recorded().find((one) => one.file === file);
  if (last?.source !== hashOf(file)) throw new Error(`${file} is not the one that was recorded`);
  return all.filter(({ line, after }) => last.alive?.some((one) => one.line === line && one.after === after));
}

function record(file: string, rows: readonly Row[], again: boolean): void {
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

const { values } = parseArgs({
  options: {
    files: { type: "string" },
    again: { type: "boolean", default: false },
    workers: { type: "string", default: "2" },
    write: { type: "boolean", default: false },
  },
});
const wanted = values.files?.split(",") ?? Object.keys(TARGETS).map((file) => basename(file, ".sol"));
const files = wanted.flatMap((name) => Object.keys(TARGETS).filter((file) => basename(file, ".sol") === name));
const mutants = files.map((file) => ({ file, ofFile: chosen(file, values.again) }));
const workers = Array.from({ length: Number(values.workers) }, () => new Worker());
await Promise.all(workers.map(({ ready }) => ready));
await checkUnchanged(workers[0]);
const rows: Row[] = [];
for (const { file, ofFile } of mutants) {
  const done = await run(ofFile, workers);
  rows.push(...done);
  if (values.write) record(file, done, values.again);
}
for (const { child } of workers) child.disconnect();

for (const { outcome, file, line, before, after } of rows) {
  if (!isAlive(outcome)) continue;
  say(`${outcome}: ${file}:${line + 1}\n  - ${before.trim()}\n  + ${after.trim()}`);
}
const outcomes = rows.map(({ outcome }) => outcome);
say(OUTCOMES.map((name) => `${outcomes.filter((one) => one === name).length} ${name}`).join(", "));
process.exitCode = succeeded(outcomes) ? 0 : 1;
