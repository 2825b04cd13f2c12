/**
 * Whole days of the example community in quarter-hours: 96 periods, and the 92 and 100 of the days on which clocks
 * change. Each is cleared, settled on a devnet and audited as `gridpact run` does it; minutes a day. Arguments: dates,
 * all three by default.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import type { AuditJson } from "../../offchain-solver/records/sessionJson.ts";
import { EXAMPLE, exampleFiles } from "../../offchain-solver/scenarios/community/example.ts";
import { addDays } from "../../offchain-solver/scenarios/community/zoneClock.ts";

const PERIODS: ReadonlyMap<string, number> = new Map([
  ["2026-06-28", 96],
  ["2026-03-29", 92],
  ["2026-10-25", 100],
]);
const main = fileURLToPath(new URL("../../offchain-solver/cli/main.ts", import.meta.url));

/** What is wrong with a day; undefined where nothing is. */
function faultOf(date: string, periods: number): string | undefined {
  const base = mkdtempSync(join(tmpdir(), "gridpact-quarters-"));
  const files = exampleFiles({ ...EXAMPLE, from: addDays(date, 1 - EXAMPLE.days) });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(base, "street", name)), { recursive: true });
    writeFileSync(join(base, "street", name), text);
  }
  const args = ["run", join(base, "street"), "--date", date, "--out", join(base, "out")];
  const { status } = spawnSync(process.execPath, [main, ...args], { stdio: "inherit" });
  if (status !== 0) return `run ended with ${status}`;
  const session = join(base, "out", `Lindenstrasse-${date}-${periods / 4}h`);
  const { hours } = JSON.parse(readFileSync(join(session, "private/scenario.json"), "utf8")) as Scenario;
  const [{ verdict }] = (JSON.parse(readFileSync(join(session, "public/audit.json"), "utf8")) as AuditJson).verdicts;
  if (hours !== periods) return `has ${hours} periods, not ${periods}`;
  return verdict === "valid" ? undefined : `the audit says ${verdict}`;
}

const asked = process.argv.slice(2);
for (const date of asked)
  if (!PERIODS.has(date)) throw new Error(`${date}: known are ${[...PERIODS.keys()].join(", ")}`);
for (const [date, periods] of PERIODS) {
  if (asked.length > 0 && !asked.includes(date)) continue;
  const fault = faultOf(date, periods);
  console.log(`${date}, ${periods} periods: ${fault ?? "valid"}`);
  if (fault !== undefined) process.exitCode = 1;
}
