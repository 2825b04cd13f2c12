/**
 * Measures a settlement's gas as whole transactions and keeps it in bench/gas.json; any other number than the recorded one fails.
 * `--write` records. Optimised and plain settle with all guards (quorum, mandates, caps, 33-bus grid check), and the textbook
 * settlement of the same trades. Every contract runs on Hardhat's network; what exceeds EIP-7825 is measured without the cap.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { deploy, send } from "../offchain-solver/chain/deployment.ts";
import { postAndSettle } from "../offchain-solver/chain/session.ts";
import { gasBound } from "../offchain-solver/codec/fits.ts";
import * as Grid from "../offchain-solver/codec/gridModel.ts";
import * as Payload from "../offchain-solver/codec/payload.ts";
import { FeederSchema } from "../offchain-solver/grid/feeder.ts";
import { type ClearingResult, PRODUCTS } from "../offchain-solver/market/clearingResult.ts";
import { batch, generator } from "../test/contracts/batches.ts";
import { createWorld, freeze, idsOf, sign, type World } from "../test/contracts/world.ts";

type Row = {
  trades: number;
  prosumers: number;
  periods: number;
  committee: number;
  mode: string;
  gas: number;
  gasPerTrade: number;
};

const FILE = fileURLToPath(new URL("../bench/gas.json", import.meta.url));
const FEEDER = FeederSchema.parse(
  JSON.parse(readFileSync(new URL("../test/vectors/case33bw.json", import.meta.url), "utf8")),
);

/** Signatures cover the deadline, and a zero byte less in them changes the gas: the chain's clock is set. */
const CLOCK = 2_000_000_000;

/** Gas a trade that the optimised settle must stay within. */
const BUDGET = new Map([
  ["10x10", 19_500],
  ["100x50", 6_000],
  ["1000x200", 2_600],
]);

/** The operator and at most 15 nodes, of whom a quorum signs; one size once more with the largest committee there is. */
const SIZES = [
  { trades: 10, prosumers: 10, periods: 1, committee: 11 },
  { trades: 100, prosumers: 50, periods: 1, committee: 16 },
  { trades: 1000, prosumers: 200, periods: 1, committee: 16 },
];
const LARGEST_COMMITTEE = { trades: 100, prosumers: 50, periods: 1, committee: 31 };

/** Six in ten trades energy, two reserve, two carbon; distinct pairs, all between prosumers. */
function bench(ids: readonly number[], trades: number): ClearingResult {
  const random = generator(trades);
  const full = batch({ ids, periods: 1, energy: 4 * trades, reserve: 2 * trades, carbon: 2 * trades }, random);
  const take = { energy: (trades * 6) / 10, reserve: (trades * 2) / 10, carbon: (trades * 2) / 10, network: 0 };
  return {
    ...full,
    trades: PRODUCTS.flatMap((product) => full.trades.filter((t) => t.product === product).slice(0, take[product])),
  };
}

function grid(ids: readonly number[]): Grid.GridModel {
  const order = Grid.depthFirst(FEEDER);
  return Grid.fromFeeder(
    FEEDER,
    ids.map((id, k) => ({ id, bus: order[1 + Math.floor((k * (order.length - 1)) / ids.length)] })),
  );
}

async function settled(world: World, result: ClearingResult): Promise<number> {
  const frozen = await freeze(world, result.periods, { at: CLOCK });
  const payload = Payload.encode(Payload.fromResult(result), result.periods);
  const { gasUsed } = await postAndSettle(world.deployment, world.admin, payload, await sign(world, frozen, payload));
  return Number(gasUsed);
}

async function textbook(world: World, result: ClearingResult): Promise<number> {
  const { token } = world.contracts;
  const settlement = await deploy(world.admin, "TextbookSettlement", world.deployment.token);
  const { provider } = world;
  for (const wallet of world.wallets.values()) {
    await send(token, "mint", wallet.address, 1_000_000_000n);
    await world.admin.sendTransaction({ to: wallet.address, value: 10n ** 18n });
    await send(token.connect(wallet.connect(provider)) as typeof token, "approve", settlement.target, 2n ** 255n);
  }
  const address = (party: number): string => world.wallets.get(result.participants[party])?.address as string;
  const trades = result.trades.map(({ seller, buyer, product, period, quantity, price }) => {
    const payment = Math.ceil((quantity * Math.abs(price)) / 1000);
    return {
      seller: address(seller),
      buyer: address(buyer),
      id: PRODUCTS.indexOf(product) * 64 + period,
      quantity,
      payment,
    };
  });
  for (let k = 0; k < trades.length; k += 100) await send(settlement, "mint", trades.slice(k, k + 100));
  return Number((await send(settlement, "settle", trades)).gasUsed);
}

async function measure(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const ids = idsOf(size.prosumers);
    const result = bench(ids, size.trades);
    if (result.trades.length !== size.trades)
      throw new Error(`${result.trades.length} trades instead of ${size.trades}`);
    const row = (mode: string, gas: number): void => {
      rows.push({ ...size, mode, gas, gasPerTrade: Math.ceil(gas / size.trades) });
    };
    const options = { prosumers: size.prosumers, grid: grid(ids), committee: size.committee, unlimitedGas: true };
    const world = await createWorld(options);
    row("optimised", await settled(world, result));
    row("reference", await settled(await createWorld({ ...options, reference: true }), result));
    row("textbook", await textbook(world, result));
  }
  const { committee, prosumers, trades } = LARGEST_COMMITTEE;
  const world = await createWorld({ prosumers, grid: grid(idsOf(prosumers)), committee });
  const gas = await settled(world, bench(idsOf(prosumers), trades));
  rows.push({ ...LARGEST_COMMITTEE, mode: "optimised", gas, gasPerTrade: Math.ceil(gas / trades) });
  rows.push(await day());
  return rows;
}

/** A whole day of 15 prosumers with imports, exports, charges, rebates and the desk. */
async function day(): Promise<Row> {
  const ids = idsOf(15);
  const world = await createWorld({ prosumers: 15, grid: grid(ids) });
  const result = batch({ ids, periods: 24, energy: 8, reserve: 4, carbon: 10, systems: true }, generator(24));
  const gas = await settled(world, result);
  const trades = result.trades.length;
  return {
    trades,
    prosumers: 15,
    periods: 24,
    committee: 16,
    mode: "optimised",
    gas,
    gasPerTrade: Math.ceil(gas / trades),
  };
}

const rows = await measure();
const table = new Table({
  head: ["trades", "prosumers", "periods", "committee", "mode", "gas", "gas a trade", "budget"],
});
let failed = false;
for (const { prosumers, periods, trades, committee, gas, mode } of rows) {
  const bound = gasBound({ participants: prosumers, periods, trades, members: committee, buses: FEEDER.buses.length });
  if (mode === "optimised" && gas > bound) {
    process.stderr.write(`gas: ${gas} exceeds the bound ${bound} that nodes check before they sign\n`);
    failed = true;
  }
}
for (const row of rows) {
  const budget =
    row.mode === "optimised" && row.periods === 1 && row.committee <= 16
      ? BUDGET.get(`${row.trades}x${row.prosumers}`)
      : undefined;
  if (budget !== undefined && row.gasPerTrade > budget) failed = true;
  table.push([row.trades, row.prosumers, row.periods, row.committee, row.mode, row.gas, row.gasPerTrade, budget ?? ""]);
}
process.stdout.write(`${table.toString()}\n`);
const text = `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(",\n")}\n]\n`;
if (failed) process.stderr.write("gas: over the budget\n");
if (process.argv.includes("--write")) writeFileSync(FILE, text);
else if (!existsSync(FILE) || JSON.stringify(JSON.parse(readFileSync(FILE, "utf8"))) !== JSON.stringify(rows)) {
  process.stderr.write("gas: differs from bench/gas.json; if intended, record it with --write\n");
  failed = true;
}
process.exitCode = failed ? 1 : 0;
