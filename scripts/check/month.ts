/**
 * `npm run check:month -- [--days N] [--hours H] [--out DIR]`: days of ieee15 that settle and are delivered in one
 * market on a chain behind a port, and `gridpact audit` of all of it from that chain and the meters' files: every bill
 * to the last unit. H hours of each day are cleared.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runFromTo } from "../../offchain-solver/cli/run.ts";
import { addDays } from "../../offchain-solver/scenarios/community/zoneClock.ts";
import { RUN, servedMonth } from "../../test/support/servedMonth.ts";

const { values } = parseArgs({
  options: {
    days: { type: "string", default: "30" },
    hours: { type: "string", default: "24" },
    out: { type: "string" },
  },
});
const from = "2021-07-01";
const to = addDays(from, Number(values.days) - 1);
const out = values.out ?? mkdtempSync(join(tmpdir(), "gridpact-month-"));
const month = await servedMonth(from);
try {
  await runFromTo("ieee15", { ...RUN, hours: Number(values.hours), from, to, out, vat: 20 }, month.open);
  const cli = join(import.meta.dirname, "../../bin/gridpact.js");
  const child = spawn(process.execPath, [cli, "audit", out, "--rpc", month.url], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number];
  process.stdout.write(`${values.days} days of ${values.hours} h in ${out}: audit ended with ${code}\n`);
  process.exitCode = code;
} finally {
  await month.close();
}
