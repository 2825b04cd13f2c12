/** `npm run chaos -- --sessions N --seed S --json FILE`: sessions of processes with a kill -9 in each, on anvil. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { anvilChain } from "../../offchain-solver/devnet/chain/anvilChain.ts";
import { chaosReport, chaosSession, draw, type ChaosRow } from "../../offchain-solver/devnet/chaos.ts";
import { daysOf } from "../../offchain-solver/devnet/days.ts";
import { openDevnet } from "../../offchain-solver/devnet/devnet.ts";
import { numberOption } from "../../offchain-solver/io/output.ts";
import { checkTarget, writeJson } from "../../offchain-solver/io/target.ts";
import { takeHours } from "../../offchain-solver/scenarios/periods.ts";
import { loadBase } from "../../offchain-solver/scenarios/loadBase.ts";
import { populate } from "../../offchain-solver/scenarios/populate.ts";

type Arguments = { sessions: number; seed: number; homes: number; hours: number; json?: string };

const DAY_MS = 86_400_000;
const PATIENCE_MS = 120_000;

const { sessions, seed, homes, hours, json } = new Command("chaos")
  .option("--sessions <n>", "sessions, each with a fault of its own", numberOption("--sessions", 1, 366, true), 8)
  .option("--seed <s>", "of the faults", numberOption("--seed", 0, 0xffffffff, true), 1)
  .option("--homes <n>", "prosumers", numberOption("--homes", 3, 30, true), 4)
  .option("--hours <n>", "of each session", numberOption("--hours", 1, 24, true), 2)
  .option("--json <file>", "what became of them; - is stdout")
  .parse()
  .opts<Arguments>();
checkTarget(json);
const street = { ...takeHours(populate(loadBase("ieee15"), homes, 1), hours), name: "street" };
const days = daysOf(street, sessions, (day) => day);
const data = mkdtempSync(join(tmpdir(), "gridpact-chaos-"));
console.error(`data in ${data}`);
const chain = await anvilChain(new Date(Date.parse(days[0].startUtc) - 2 * DAY_MS), 0, join(data, "chain"));
try {
  const devnet = await openDevnet({ data, days, chain, transport: { kind: "tls" }, patienceMs: 5_000 });
  const rows: ChaosRow[] = [];
  try {
    const drawn = draw(
      seed,
      sessions,
      days[0].prosumers.map(({ id }) => id),
    );
    for (const [k, one] of drawn.entries()) {
      await chain.save();
      rows.push(await chaosSession(devnet, chain, k, one, PATIENCE_MS));
      const { fault, victim, at, struck, outcome, seconds } = rows.at(-1)!;
      const missed = struck ? "" : ", too late,";
      console.error(`${k + 1}: ${fault} ${victim} at "${at}"${missed}: ${outcome} after ${seconds} s`);
    }
  } finally {
    await devnet.close();
  }
  const report = await chaosReport(devnet, rows);
  if (json !== undefined) writeJson(json, report);
  const { struck, settled, voided, voidedWithoutCause, split, lost, twice } = report;
  console.error(
    `${struck} struck: ${settled} settled, ${voided} void (${voidedWithoutCause} without cause), ${split} split, ${lost} lost, ${twice} settled twice`,
  );
  process.exitCode = voidedWithoutCause + split + lost + twice > 0 ? 1 : 0;
} finally {
  await chain.close();
}
