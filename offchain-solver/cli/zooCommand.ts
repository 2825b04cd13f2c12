import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { embeddedDevnet } from "../devnet/embedded.ts";
import { SessionRefused } from "../devnet/refused.ts";
import { runSession } from "../devnet/session.ts";
import { choiceOption, numberOption } from "../io/output.ts";
import { checkFolder, checkTarget, writeJson } from "../io/target.ts";
import { sessionFaults } from "../ledger/termsFaults.ts";
import type { ClearMethod, ClearOptions } from "../simulation/clear.ts";
import { failureLines, summaryOf, zoo, zooLines, zooTable } from "../study/bench/zoo.ts";
import type { ZooMarket } from "../study/bench/zooMarket.ts";
import { codeOf, partsOf, rowsKept, writePart, type ZooPartOf } from "../study/bench/zooRecord.ts";
import type { SessionEnd, ZooRow } from "../study/bench/zooRow.ts";
import { DEFAULT_METHOD } from "./clearOptions.ts";
import { Exit } from "./exit.ts";

type Method = Exclude<ClearMethod, "central">;
type ZooArguments = {
  seed?: number;
  count: number;
  method: Method;
  maxIterations: number;
  run?: true;
  out?: string;
  json?: string;
};

export function zooCommand(): Command {
  return new Command("zoo")
    .description("clear generated markets of every size and kind, and hold each to what is claimed of all")
    .option("--seed <s>", "of the first market, the others have the next ones (default: drawn afresh)", seedOption())
    .option("--count <n>", "how many markets", numberOption("--count", 1, 100_000, true), 100)
    .option(
      "--method <name>",
      "what is held against plain iterations and the central twin",
      choiceOption("--method", ["anderson", "gsa", "gsa1", "admm"] as const),
      DEFAULT_METHOD,
    )
    .option("--max-iterations <n>", "give up after this many", numberOption("--max-iterations", 1, 1e6, true), 5000)
    .option("--run", "run every market's whole session on an embedded devnet too")
    .option("--out <dir>", "write every market there, a scenario that `clear` and `run` take")
    .option("--json <file>", "write rows and summary there, a part of its record, and go on from it; - is stdout")
    .action(async ({ run, out, json, seed = randomInt(0x100000000), ...args }: ZooArguments) => {
      checkTarget(json);
      if (out !== undefined) {
        checkFolder(out);
        mkdirSync(out, { recursive: true });
      }
      const record = recordIn(json, { ...args, seed, run: run === true });
      const rows = await zoo({
        ...args,
        seed,
        known: record.known,
        done: (row, so) => {
          failureLines(row).forEach((text) => console.error(`\n${text}`));
          record.keep(so);
        },
        ...(run && { session: (market) => sessionOf(market, args) }),
        ...(out !== undefined && {
          keep: ({ scenario }) => writeJson(join(out, `${scenario.name}.json`), scenario),
        }),
      });
      const summary = summaryOf(rows);
      if (json === "-") writeJson(json, { seed, ...args, summary, rows });
      if (json !== "-") process.stdout.write(`${zooTable(rows)}\nseed ${seed}: ${zooLines(rows, args)}\n`);
      const failed = rows.filter(({ failures }) => failures.length > 0).length;
      if (failed > 0 || summary.failures.length > 0)
        throw new Exit(1, `zoo of seed ${seed}: ${failed} of ${rows.length} markets show something wrong`);
    });
}

/** Where rows are kept as they come, and what of them is there already. */
function recordIn(
  json: string | undefined,
  part: ZooPartOf,
): { known: ZooRow[]; keep: (rows: readonly ZooRow[]) => void } {
  if (json === undefined || json === "-") return { known: [], keep: () => undefined };
  const [code, parts] = [codeOf(), partsOf(json)];
  return { known: rowsKept(parts, part, code), keep: (rows) => writePart(json, parts, part, { code, rows }) };
}

const seedOption = () => numberOption("--seed", 0, 0xffffffff, true);

/** The whole session on a chain of its own; what is thrown, and is no refusal, is a failure of ours. */
async function sessionOf(
  { scenario, settings }: ZooMarket,
  args: Pick<ClearOptions, "maxIterations"> & { method: Method },
): Promise<SessionEnd> {
  const [fault] = sessionFaults(scenario);
  if (fault) return { verdict: "refused", detail: `${fault.field} = ${JSON.stringify(fault.value)}: ${fault.reason}` };
  const devnet = await embeddedDevnet(scenario.startUtc);
  const options = { ...args, market: settings, trade: true, rhoScale: 1 };
  try {
    const { audited } = await runSession(scenario, options, devnet, () => undefined);
    const [session] = audited;
    const { verdict } = session;
    if (verdict.kind === "invalid") return { verdict: "invalid", detail: `${verdict.predicate}: ${verdict.detail}` };
    if (verdict.kind === "undecided") return { verdict: "undecided", detail: verdict.missing };
    return { verdict: "valid", detail: "" };
  } catch (error) {
    if (error instanceof SessionRefused) return { verdict: "refused", detail: `${error.status}: ${error.message}` };
    return { verdict: "failed", detail: error instanceof Error ? error.message : String(error) };
  } finally {
    await devnet.close();
  }
}
