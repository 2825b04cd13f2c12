/**
 * Draws docs/day.svg, the README's picture, from a day cleared now: `node scripts/generate/picture.ts [SCENARIO]
 * [FILE]`.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { renderDayPicture } from "../../offchain-solver/report/sessionReport.ts";
import { ClearingJsonSchema, swept } from "../../offchain-solver/records/clearingJson.ts";
import { ScenarioSchema } from "../../offchain-solver/market/scenario/scenario.ts";

const [name = "ieee15", target = "docs/day.svg"] = process.argv.slice(2);
const root = fileURLToPath(new URL("../..", import.meta.url));
const main = fileURLToPath(new URL("../../offchain-solver/cli/main.ts", import.meta.url));

function gridpact(...args: readonly string[]): unknown {
  const command = [main, ...args, "--json", "-"];
  return JSON.parse(execFileSync(process.execPath, command, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 }));
}

// The central method is the quickest and ends at the same optimum.
const clearing = swept(ClearingJsonSchema.parse(gridpact("clear", name, "--method", "central")));
const scenario = ScenarioSchema.parse(gridpact("scenario", name));
writeFileSync(target, renderDayPicture(clearing, scenario));
