/**
 * Measures a settlement's gas as whole transactions and keeps it in bench/gas.json, and where it goes in docs/gas.md;
 * any other number than the recorded one fails, and a missed budget is shown. `--write` records. Optimised and plain
 * settle, and the textbook settlement of the same trades. Every contract runs on Hardhat's network; what exceeds
 * EIP-7825 is measured without the cap.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { gasBound } from "../../offchain-solver/codec/fits.ts";
import type { ClearingResult } from "../../offchain-solver/market/result/clearingResult.ts";
import type { World } from "../../test/support/world.ts";
import { type Account, accountOf, accountTable } from "./gasAccount.ts";
import { DELIVERY_SIZES, measureDelivery } from "./gasDelivery.ts";
import {
  begin,
  type Measured,
  quarterDay,
  realDay,
  settleChanged,
  settleOnce,
  settleTextbook,
  sizedBatch,
  sizedWorld,
  SIZES,
  smallDay,
} from "./gasSizes.ts";

type Row = {
  trades: number;
  prosumers: number;
  periods: number;
  committee: number;
  mode: string;
  /** Of the payload; the textbook has none. */
  bytes?: number;
  gas: number;
  /** A delivery is not of trades. */
  gasPerTrade?: number;
  gasPerProsumer: number;
  /** Of the freeze: nobody's mandate has changed since the one before. */
  freezeGas?: number;
  /** Freeze and settlement a trade: after such a freeze, and after 1, 10 and all mandates have changed. */
  sessionGas?: readonly number[];
};

const FILE = fileURLToPath(new URL("../../bench/gas.json", import.meta.url));
const DOCUMENT = fileURLToPath(new URL("../../docs/gas.md", import.meta.url));
const [BEGIN, END] = ["<!-- account: node scripts/gas/gas.ts --write -->\n", "<!-- end of account -->"];

/** Gas a trade that freeze and settlement must stay within together when nothing has changed. */
const BUDGET = new Map([
  ["10x10x1", 27_000],
  ["100x50x1", 6_900],
  ["1000x200x1", 2_750],
]);
/** Gas a prosumer that the readings of a day of hours must stay within. */
const DELIVERY_BUDGET = new Map([["200x24", 12_000]]);
/** Committee that the budget is for; fifteen more signatures have no other. */
const BUDGET_COMMITTEE = 16;

const rows: Row[] = [];
const accounts: Account[] = [];
let failed = false;

function fail(message: string): void {
  process.stderr.write(`gas: ${message}\n`);
  failed = true;
}

type Figures = Pick<Row, "gas" | "bytes" | "freezeGas" | "sessionGas">;

function record(mode: string, world: World, result: ClearingResult, measured: Figures): void {
  const { trades, participants, periods } = result;
  rows.push({
    trades: trades.length,
    prosumers: participants.length,
    periods,
    committee: world.committee.length,
    mode,
    ...(measured.bytes !== undefined && { bytes: measured.bytes }),
    gas: measured.gas,
    gasPerTrade: Math.ceil(measured.gas / trades.length),
    gasPerProsumer: Math.ceil(measured.gas / participants.length),
    ...(measured.freezeGas !== undefined && { freezeGas: measured.freezeGas }),
    ...(measured.sessionGas !== undefined && { sessionGas: measured.sessionGas }),
  });
}

async function recordOptimised(world: World, result: ClearingResult): Promise<Measured> {
  await begin(world, result);
  const changed = await settleChanged(world, result);
  const measured = await settleOnce(world, result);
  const { gas, bytes, freezeGas } = measured;
  const sessionGas = [freezeGas + gas, ...changed].map((session) => Math.ceil(session / result.trades.length));
  record("optimised", world, result, { gas, bytes, freezeGas, sessionGas });
  const bound = gasBound({
    participants: result.participants.length,
    standing: 0,
    periods: result.periods,
    trades: result.trades.length,
    payload: bytes,
    members: world.committee.length,
    buses: world.grid.buses,
  });
  if (gas > bound) fail(`${gas} exceeds the bound ${bound} that nodes check before they sign`);
  return measured;
}

for (const size of SIZES) {
  const result = sizedBatch(size);
  const world = await sizedWorld(size);
  const { transaction } = await recordOptimised(world, result);
  accounts.push(await accountOf(world, size, transaction));
  if (size.committee > 16) continue;
  const plain = await sizedWorld(size, true);
  await begin(plain, result);
  const { gas, bytes } = await settleOnce(plain, result);
  record("reference", plain, result, { gas, bytes });
  record("textbook", world, result, { gas: await settleTextbook(world, result) });
}
const days = [smallDay, quarterDay, () => realDay("ieee15-quarters"), () => realDay("ieee141-day")];
for (const made of days) {
  const { world, result } = await made();
  await recordOptimised(world, result);
}

for (const size of DELIVERY_SIZES) rows.push(await measureDelivery(size));

const table = new Table({
  head: [
    "trades",
    "prosumers",
    "periods",
    "committee",
    "mode",
    "bytes",
    "gas",
    "a trade",
    "freeze",
    "session a trade",
    "budget",
  ],
});
for (const row of rows) {
  const { trades, prosumers, periods, committee, mode, bytes, gas, gasPerTrade, freezeGas, sessionGas } = row;
  const delivery = mode === "delivery";
  const settled = committee <= BUDGET_COMMITTEE ? BUDGET.get(`${trades}x${prosumers}x${periods}`) : undefined;
  const budget = delivery ? DELIVERY_BUDGET.get(`${prosumers}x${periods}`) : settled;
  const measured = delivery ? row.gasPerProsumer : sessionGas?.[0];
  const over = measured !== undefined && budget !== undefined ? measured - budget : 0;
  table.push([
    trades,
    prosumers,
    periods,
    committee,
    mode,
    bytes ?? "",
    gas,
    delivery ? `${row.gasPerProsumer} a prosumer` : (gasPerTrade ?? ""),
    freezeGas ?? "",
    sessionGas?.join(", ") ?? "",
    mode === "optimised" || delivery ? [budget ?? "", ...(over > 0 ? [`missed by ${over}`] : [])].join(" ") : "",
  ]);
}
process.stdout.write(`${table.toString()}\n`);
const account = accountTable(accounts);
if (process.argv.includes("--account")) process.stdout.write(account);

const document = existsSync(DOCUMENT) ? readFileSync(DOCUMENT, "utf8") : `${BEGIN}${END}`;
const [before, rest] = document.split(BEGIN);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error(`${DOCUMENT}: no place for the account`);
const written = `${before}${BEGIN}${account}${END}${after}`;
const text = `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`;
if (process.argv.includes("--write")) {
  writeFileSync(FILE, text);
  writeFileSync(DOCUMENT, written);
} else {
  const same = existsSync(FILE) && readFileSync(FILE, "utf8") === text;
  if (!same) fail("differs from bench/gas.json; if intended, record it with --write");
  if (document !== written) fail("the account differs from docs/gas.md; if intended, record it with --write");
}
process.exitCode = failed ? 1 : 0;
