/**
 * Changes the contracts one comparison or one refusal at a time and shows that the tests notice.
 *
 *   node scripts/mutate/mutateContracts.ts [--files Ledger,Netting] [--all] [--again] [--most 3] [--stale] [--write]
 *
 * Works on a copy of the tree; needs `hardhat build` before. A mutant that does not compile is no mutant; one that all
 * tests accept survives, and one whose tests do not end has shown nothing: either fails the command. Those that are
 * equal to the original are listed with the reason in equivalentMutants.ts. Without `--files` or `--all` it tries the
 * files whose record in bench/mutations.json is of another source or missing; `--stale` names these and tries none, and
 * fails where there is one. `--write` records each file's outcome when it is through. `--again` tries those alone that
 * the record left alive: tests were added, the contract is the same. `--most` tries each on so many suites at most:
 * what is killed is dead, and what is left alive is tried on all with `--again`.
 */
import { basename } from "node:path";
import { argumentsOf } from "../check/arguments.ts";
import { equivalentTo } from "./equivalentMutants.ts";
import { codesOf, type Switchboard, switchboard } from "./mutationCompiler.ts";
import { succeeded, type Mutant, type Outcome } from "./mutants.ts";
import { isAlive, leftAlive, OUTCOMES, record, stale, type Row } from "./record.ts";
import { allMutantsOf, suitesOf, TARGETS, type Suite } from "./targets.ts";
import { Tester } from "./tester.ts";
import type { Failure } from "./testHost.ts";

/** Files of one target that are tried together, their mutants numbered by their index. */
type Room = { readonly targets: readonly string[]; readonly mutants: readonly Mutant[] };
/** `accepted`: suites that accept the contracts as they are. */
type Bench = { readonly board: Switchboard; readonly tester: Tester; readonly accepted: Set<string> };
type Kill = Failure & Pick<Mutant, "line">;

const { values } = argumentsOf({
  options: {
    files: { type: "string" },
    all: { type: "boolean", default: false },
    again: { type: "boolean", default: false },
    most: { type: "string" },
    stale: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const MOST = values.most === undefined ? Infinity : Number(values.most);

/** How many tests that have killed a mutant near by are tried before the suites. */
const NEAR = 4;

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const exactly = (title: string): string => `^${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`;

function roomsOf(files: readonly string[], again: boolean): Room[] {
  const firsts = [...new Set(files.map((file) => TARGETS[file][0]))];
  return firsts.map((first) => {
    const own = files.filter((file) => TARGETS[file][0] === first);
    return {
      targets: [...new Set(own.flatMap((file) => TARGETS[file]))],
      mutants: own.flatMap((file) => (again ? leftAlive(file) : allMutantsOf(file))),
    };
  });
}

/**
 * Tests that killed near `line`, each once, then the suites, those first that have killed most. `known`: of a suite
 * that accepts the contracts as they are.
 */
function plan(
  file: string,
  line: number,
  kills: readonly Kill[],
): { readonly suite: Suite; readonly known: boolean }[] {
  const near = [...kills].sort((a, b) => Math.abs(a.line - line) - Math.abs(b.line - line));
  const titles = new Map(near.map(({ title, file: suite }) => [title, suite]));
  const first = [...titles].slice(0, NEAR).map(([title, suite]) => ({
    suite: { file: suite, grep: exactly(title) },
    known: true,
  }));
  const count = (suite: Suite): number => kills.filter((kill) => kill.file === suite.file).length;
  const rest = suitesOf(file).sort((a, b) => count(b) - count(a));
  return [...first, ...rest.slice(0, MOST).map((suite) => ({ suite, known: false }))];
}

/** Tests that fail on the contracts as they are, every switch off, would kill everything: asked once of each suite. */
async function checkUnchanged({ tester, accepted }: Bench, suite: Suite): Promise<void> {
  const name = JSON.stringify(suite);
  if (accepted.has(name)) return;
  const reply = await tester.run({ codes: [], suites: [suite] });
  const { title, message } = reply?.failure ?? { title: "they do not end", message: suite.file };
  if (reply === undefined || reply.failure !== undefined)
    throw new Error(`the tests do not accept the contracts as they are: ${title}: ${message}`);
  accepted.add(name);
}

async function outcomeOf(bench: Bench, mutant: Mutant, id: number, kills: Kill[]): Promise<readonly [Outcome, string]> {
  const because = equivalentTo(mutant);
  if (because !== undefined) return ["equivalent", because];
  const codes = codesOf(bench.board, mutant, id, TARGETS[mutant.file]);
  if (typeof codes === "string") return ["not compiled", codes.split("\n")[0]];
  for (const { suite, known } of plan(mutant.file, mutant.line, kills)) {
    if (!known) await checkUnchanged(bench, suite);
    const reply = await bench.tester.run({ codes: [...codes], suites: [suite] });
    if (reply === undefined || reply.failure?.late) return ["timed out", suite.file];
    if (reply.failure === undefined) continue;
    kills.push({ ...reply.failure, line: mutant.line });
    return ["killed", `${reply.failure.file}: ${reply.failure.title}`];
  }
  return ["survived", ""];
}

async function survey({ targets, mutants }: Room, write: boolean, again: boolean): Promise<Row[]> {
  const start = performance.now();
  const minutes = (): string => `${((performance.now() - start) / 60_000).toFixed(1)} min`;
  const board = switchboard(mutants, targets, say);
  const files = [...new Set(mutants.map(({ file }) => file))];
  const tester = new Tester([...board.codes]);
  const bench = { board, tester, accepted: new Set<string>() };
  const rows: Row[] = [];
  for (const file of files) {
    const kills: Kill[] = [];
    for (const [id, mutant] of mutants.entries()) {
      if (mutant.file !== file) continue;
      const [outcome, by] = await outcomeOf(bench, mutant, id, kills);
      rows.push({ ...mutant, outcome });
      const change = `${mutant.before.trim()}  ->  ${mutant.after.trim()}`;
      say(`${rows.length}/${mutants.length} ${minutes()} ${outcome} (${by}) ${file}:${mutant.line + 1}: ${change}`);
    }
    const own = rows.filter((row) => row.file === file);
    if (write) record(file, own, again);
  }
  tester.end();
  return rows;
}

function chosen({ files, all }: { readonly files?: string | undefined; readonly all: boolean }): string[] {
  if (files === undefined) return all ? Object.keys(TARGETS) : stale();
  return files.split(",").map((name) => {
    const found = Object.keys(TARGETS).find((file) => basename(file, ".sol") === name);
    if (found === undefined) throw new Error(`--files: no file of contracts/ that is tried is called ${name}`);
    return found;
  });
}

if (values.stale) {
  const files = stale();
  for (const file of files) say(`${file}: its record is of another source, or missing`);
  say(`${files.length} of ${Object.keys(TARGETS).length} files`);
  process.exitCode = files.length === 0 ? 0 : 1;
} else {
  const rows: Row[] = [];
  for (const room of roomsOf(chosen(values), values.again))
    rows.push(...(await survey(room, values.write, values.again)));
  for (const { outcome, file, line, before, after } of rows)
    if (isAlive(outcome)) say(`${outcome}: ${file}:${line + 1}\n  - ${before.trim()}\n  + ${after.trim()}`);
  const outcomes = rows.map(({ outcome }) => outcome);
  say(OUTCOMES.map((name) => `${outcomes.filter((one) => one === name).length} ${name}`).join(", "));
  process.exitCode = succeeded(outcomes) ? 0 : 1;
}
