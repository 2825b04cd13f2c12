/**
 * The batches whose gas is measured. All guards are on: quorum, mandates, caps, 33-bus grid check; the real day on its
 * own 141.
 */
import { readFileSync } from "node:fs";
import type { Wallet } from "ethers";
import { send } from "../../offchain-solver/chain/deployment.ts";
import { deploy } from "../../test/support/artifacts.ts";
import { postAndSettle } from "../../offchain-solver/chain/session.ts";
import * as Grid from "../../offchain-solver/codec/gridModel.ts";
import * as Payload from "../../offchain-solver/codec/payload.ts";
import { registerMandate, signMandate } from "../../offchain-solver/chain/onboarding.ts";
import { FeederSchema } from "../../offchain-solver/grid/feeder.ts";
import { type ClearingResult, PRODUCTS } from "../../offchain-solver/market/result/clearingResult.ts";
import { batch, generator } from "../../test/support/batches.ts";
import { createDayWorld, type DayName, readDay } from "../../test/support/realDay.ts";
import {
  BUNDLE,
  createWorld,
  freeze,
  idsOf,
  lineGrid,
  OPEN_MANDATE,
  sign,
  START,
  type World,
} from "../../test/support/world.ts";

const FEEDER = FeederSchema.parse(
  JSON.parse(readFileSync(new URL("../../test/vectors/case33bw.json", import.meta.url), "utf8")),
);

/** Signatures cover the deadline, and a zero byte less in them changes the gas: the chain's clock is set. */
const BEFORE_START = 40_000;
const DAY = 86_400;
/** When a world's chain begins: there are two sessions before the one that is measured. */
const DAYS_BEFORE = 4;

export type Size = { readonly trades: number; readonly prosumers: number; readonly committee: number };

/**
 * The operator and at most 15 nodes, of whom a quorum signs; one size once more with the largest committee there is.
 */
export const SIZES: readonly Size[] = [
  { trades: 10, prosumers: 10, committee: 11 },
  { trades: 100, prosumers: 50, committee: 16 },
  { trades: 100, prosumers: 50, committee: 31 },
  { trades: 1000, prosumers: 200, committee: 16 },
];

/** One period; six in ten trades energy, two reserve, two carbon; distinct pairs, all between prosumers. */
export function sizedBatch({ prosumers, trades }: Size): ClearingResult {
  const shape = { ids: idsOf(prosumers), periods: 1, energy: 4 * trades, reserve: 2 * trades, carbon: 2 * trades };
  const full = atOnePrice(batch(shape, generator(trades)));
  const take = { energy: (trades * 6) / 10, reserve: (trades * 2) / 10, carbon: (trades * 2) / 10, network: 0 };
  const taken = PRODUCTS.flatMap((product) => full.trades.filter((t) => t.product === product).slice(0, take[product]));
  if (taken.length !== trades) throw new Error(`${taken.length} trades instead of ${trades}`);
  return { ...full, trades: taken };
}

/**
 * Energy of a period at one price, as a market clears it: who buys and sells in one period then loses nothing, which no
 * mandate allows.
 */
function atOnePrice(result: ClearingResult): ClearingResult {
  const prices = new Map<number, number>();
  const trades = result.trades.map((trade) => {
    if (trade.product !== "energy") return trade;
    if (!prices.has(trade.period)) prices.set(trade.period, trade.price);
    return { ...trade, price: prices.get(trade.period)! };
  });
  return { ...result, trades };
}

export function sizedWorld({ prosumers, committee }: Size, reference = false): Promise<World> {
  const clock = START - DAYS_BEFORE * DAY;
  return createWorld({ prosumers, grid: spread(idsOf(prosumers)), committee, reference, unlimitedGas: true, clock });
}

/** A whole day of 15 prosumers with imports, exports, charges, rebates and the desk. */
export async function smallDay(): Promise<{ world: World; result: ClearingResult }> {
  const ids = idsOf(15);
  const world = await createWorld({ prosumers: ids.length, grid: spread(ids), clock: START - DAYS_BEFORE * DAY });
  const shape = { ids, periods: 24, energy: 8, reserve: 4, carbon: 10, systems: true };
  return { world, result: atOnePrice(batch(shape, generator(24))) };
}

/**
 * A day in quarter-hours on a 15-bus feeder with a prosumer at every bus but the root, energy, reserve and charges in
 * each: the size of a community's day, its trades drawn.
 */
export async function quarterDay(): Promise<{ world: World; result: ClearingResult }> {
  const ids = idsOf(14);
  const world = await createWorld({ prosumers: 14, grid: lineGrid(ids, 15), clock: START - DAYS_BEFORE * DAY });
  const shape = { ids, periods: 96, periodSeconds: 900, energy: 8, reserve: 4, carbon: 10, systems: true };
  return { world, result: atOnePrice(batch(shape, generator(96))) };
}

/** A day as it was cleared. */
export async function realDay(name: DayName): Promise<{ world: World; result: ClearingResult }> {
  return { world: await createDayWorld(DAYS_BEFORE, name), result: readDay(name) };
}

export type Measured = {
  readonly gas: number;
  /** Of the freeze before it. */
  readonly freezeGas: number;
  /** Of the payload. */
  readonly bytes: number;
  readonly transaction: string;
};

/** Two sessions that make the table of mandates, fill its slots and begin the epochs of what is held. */
export async function begin(world: World, { sessionStart }: ClearingResult): Promise<void> {
  for (const day of [2, 1]) {
    const start = sessionStart - day * DAY;
    const frozen = await freeze(world, 1, { start, at: start - BEFORE_START, standing: [] });
    const nothing = Payload.encode({ participants: [], systems: 0, reactiveVar: [], trades: [] }, 1);
    await postAndSettle(world.deployment, world.admin, nothing, BUNDLE, await sign(world, frozen, nothing));
  }
}

/** Freezes and settles a session after the first `changed` prosumers have replaced their mandates since the last. */
export async function settleOnce(world: World, result: ClearingResult, changed = 0): Promise<Measured> {
  for (const id of world.ids.slice(0, changed)) {
    const mandate = { prosumer: id, ...OPEN_MANDATE, maxBuy: OPEN_MANDATE.maxBuy - 1n, nonce: 2n };
    const signature = await signMandate(world.deployment, world.wallets.get(id) as Wallet, mandate);
    await registerMandate(world.deployment, world.admin, mandate, signature);
  }
  const { sessionStart: start, periodSeconds, periods } = result;
  const payload = Payload.encode(Payload.fromResult(result), periods);
  const frozen = await freeze(world, periods, { start, periodSeconds, at: start - BEFORE_START });
  const signed = await sign(world, frozen, payload);
  const { gasUsed, transaction } = await postAndSettle(world.deployment, world.admin, payload, BUNDLE, signed);
  return { gas: Number(gasUsed), freezeGas: Number(frozen.gasUsed), bytes: payload.length, transaction };
}

/** Freeze and settlement together after 1, 10 and all mandates have changed; the world is as it was afterwards. */
export async function settleChanged(world: World, result: ClearingResult): Promise<number[]> {
  const gas: number[] = [];
  for (const changed of [1, 10, world.ids.length]) {
    const snapshot = await world.connection.networkHelpers.takeSnapshot();
    const measured = await settleOnce(world, result, changed);
    gas.push(measured.freezeGas + measured.gas);
    await snapshot.restore();
  }
  return gas;
}

/** The same trades as unsigned transfers of an ERC-20 for an ERC-1155, mints and approvals not counted. */
export async function settleTextbook(world: World, result: ClearingResult): Promise<number> {
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
    const id = PRODUCTS.indexOf(product) * 64 + period;
    return { seller: address(seller), buyer: address(buyer), id, quantity, payment };
  });
  for (let k = 0; k < trades.length; k += 100) await send(settlement, "mint", trades.slice(k, k + 100));
  return Number((await send(settlement, "settle", trades)).gasUsed);
}

/** Prosumers one a bus, round and round in depth-first order. */
function spread(ids: readonly number[]): Grid.GridModel {
  const order = Grid.depthFirst(FEEDER);
  return Grid.fromFeeder(
    FEEDER,
    ids.map((id, k) => ({
      id,
      bus: order[1 + Math.floor((k * (order.length - 1)) / ids.length)],
      absorbVar: Grid.ANY_VAR,
      feedVar: Grid.ANY_VAR,
    })),
  );
}
