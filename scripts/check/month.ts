/**
 * `npm run check:month -- [--days N] [--hours H] [--community MINUTES] [--out DIR]`: days of ieee15, or of the example
 * community in periods of so many minutes, that settle and are delivered in one market on a chain behind a port, and
 * `gridpact audit` of all of it from that chain and the meters' files: every bill to the last unit. H hours of each day
 * are cleared. What bills say is added up beside what the ledger's files say, member by member.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { argumentsOf } from "./arguments.ts";
import { runFromTo } from "../../offchain-solver/cli/run.ts";
import { BillJsonSchema } from "../../offchain-solver/records/billJson.ts";
import { DeliveryJsonSchema } from "../../offchain-solver/records/deliveryJson.ts";
import { SettlementJsonSchema } from "../../offchain-solver/records/sessionJson.ts";
import { EXAMPLE, exampleFiles, type ExampleOptions } from "../../offchain-solver/scenarios/community/example.ts";
import { addDays } from "../../offchain-solver/scenarios/community/zoneClock.ts";
import { RUN, servedMonth } from "../../test/support/servedMonth.ts";

const { values } = argumentsOf({
  options: {
    days: { type: "string", default: "30" },
    hours: { type: "string" },
    community: { type: "string" },
    out: { type: "string" },
  },
});
/** Of history before the first day. */
const KNOWN_DAYS = 14;
const days = Number(values.days);
const minutes = values.community === undefined ? undefined : (Number(values.community) as ExampleOptions["minutes"]);
const from = minutes === undefined ? "2021-07-01" : addDays(EXAMPLE.from, KNOWN_DAYS);
const to = addDays(from, days - 1);
const out = values.out ?? mkdtempSync(join(tmpdir(), "gridpact-month-"));

/** The example with as many days of series as the month needs; its folder. */
function community(every: ExampleOptions["minutes"]): string {
  const folder = mkdtempSync(join(tmpdir(), "gridpact-street-"));
  for (const [name, text] of exampleFiles({ ...EXAMPLE, minutes: every, days: KNOWN_DAYS + days })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));
const adder = () => {
  const sums = new Map<number, bigint>();
  return { sums, add: (id: number, nano: bigint) => void sums.set(id, (sums.get(id) ?? 0n) + nano) };
};

/** Members whose bills are not what settlements and deliveries moved. */
function differing(): { readonly bills: number; readonly accounts: number; readonly wrong: number[] } {
  const [billed, moved] = [adder(), adder()];
  const bills = globSync(`${out}/**/bills/*.json`);
  for (const file of bills) {
    const { prosumer, lines } = BillJsonSchema.parse(read(file));
    // A day that did not settle is billed at the tariff, and no ledger moved anything.
    for (const { batch, nano } of lines) if (batch !== undefined) billed.add(prosumer, BigInt(nano));
  }
  for (const file of globSync(`${out}/**/settlement.json`))
    for (const { account, moneyNano } of SettlementJsonSchema.parse(read(file)).accounts)
      if (typeof account === "number") moved.add(account, -BigInt(moneyNano));
  for (const file of globSync(`${out}/**/delivery.json`))
    for (const { id, movedNano } of DeliveryJsonSchema.parse(read(file)).members) moved.add(id, -BigInt(movedNano));
  const wrong = [...moved.sums].filter(([id, nano]) => billed.sums.get(id) !== nano).map(([id]) => id);
  return { bills: bills.length, accounts: moved.sums.size, wrong };
}

const month = await servedMonth(from);
const started = performance.now();
try {
  const whole = values.hours ?? (minutes === undefined ? "24" : undefined);
  const args = { ...RUN, ...(whole !== undefined && { hours: Number(whole) }), from, to, out, vat: 20 };
  await runFromTo(minutes === undefined ? "ieee15" : community(minutes), args, month.open);
  const cli = join(import.meta.dirname, "../../bin/gridpact.js");
  const child = spawn(process.execPath, [cli, "audit", out, "--rpc", month.url], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number];
  const { bills, accounts, wrong } = differing();
  const spent = ((performance.now() - started) / 60_000).toFixed(0);
  process.stdout.write(
    `${days} days in ${out}, ${spent} minutes: audit ended with ${code}; ${bills} bills of ${accounts} members, ` +
      `${wrong.length === 0 ? "all of them what the ledger moved, to the last unit" : `not what the ledger moved: ${wrong.join(", ")}`}\n`,
  );
  process.exitCode = wrong.length > 0 ? 4 : code;
} finally {
  await month.close();
}
