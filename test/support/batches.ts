/** Batches that a market must accept: random, seeded, consistent in every rule. */
import {
  type ClearingResult,
  DESK,
  OPERATOR,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../../offchain-solver/market/result/clearingResult.ts";
import { tradeKey } from "../../offchain-solver/codec/payload.ts";

/** A small linear congruential generator: the same batches in every run. */
export function generator(seed: number): (below: number) => number {
  let state = (seed * 2_654_435_761 + 12_345) % 2_147_483_648;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

export type BatchShape = {
  readonly ids: readonly number[];
  readonly periods: number;
  /** Energy trades between prosumers, per period. */
  readonly energy: number;
  readonly reserve?: number;
  readonly carbon?: number;
  /** Imports, exports, charges, rebates, desk sales. */
  readonly systems?: boolean;
  /** Some reserve is the operator's charge on responses and reactive power. */
  readonly ancillary?: boolean;
  readonly maxWh?: number;
  readonly start?: number;
  readonly periodSeconds?: number;
};

export function batch(shape: BatchShape, random: (below: number) => number): ClearingResult {
  const { ids, periods, maxWh = 5_000 } = shape;
  const trades = new Map<number, Trade>();
  const add = (trade: Trade): void => {
    if (trade.seller !== trade.buyer) trades.set(tradeKey(trade), trade);
  };
  const party = (): number => random(ids.length);
  for (let period = 0; period < periods; period++) {
    for (let k = 0; k < shape.energy; k++) {
      add({
        seller: party(),
        buyer: party(),
        product: "energy",
        period,
        quantity: 1 + random(maxWh),
        price: random(200_000) - 20_000,
      });
    }
    for (let k = 0; k < (shape.reserve ?? 0); k++) {
      const charged = shape.systems && shape.ancillary && random(3) === 0;
      const seller = charged ? OPERATOR : shape.systems && random(4) === 0 ? UTILITY : party();
      add({ seller, buyer: party(), product: "reserve", period, quantity: 1 + random(500), price: random(30_000) });
    }
    if (shape.systems) {
      add({ seller: UTILITY, buyer: party(), product: "energy", period, quantity: 1 + random(maxWh), price: 80_000 });
      add({ seller: party(), buyer: UTILITY, product: "energy", period, quantity: 1 + random(maxWh), price: 20_000 });
    }
  }
  for (let k = 0; k < (shape.carbon ?? 0); k++) {
    add({
      seller: party(),
      buyer: party(),
      product: "carbon",
      period: SESSION_PERIOD,
      quantity: 1 + random(1000),
      price: random(60_000),
    });
  }
  if (shape.systems) {
    add({
      seller: DESK,
      buyer: party(),
      product: "carbon",
      period: SESSION_PERIOD,
      quantity: 1 + random(1000),
      price: 30_000,
    });
    const positions = positionsOf([...trades.values()], ids.length, periods);
    positions.forEach((row, buyer) =>
      row.forEach((energyWh, period) => {
        const charge = random(2_000) - 1_000;
        if (energyWh === 0 || charge === 0) return;
        const quantity = Math.abs(energyWh);
        add({ seller: OPERATOR, buyer, product: "network", period, quantity, price: Math.sign(energyWh) * charge });
      }),
    );
    add({
      seller: OPERATOR,
      buyer: party(),
      product: "network",
      period: SESSION_PERIOD,
      quantity: 1 + random(maxWh),
      price: -random(900),
    });
  }
  return {
    sessionStart: shape.start ?? 1_800_000_000,
    periodSeconds: shape.periodSeconds ?? 3600,
    periods,
    participants: ids,
    trades: [...trades.entries()].sort(([a], [b]) => a - b).map(([, trade]) => trade),
    reactiveVar: ids.map(() => Array.from({ length: periods }, () => random(4_000) - 2_000)),
  };
}

/** Net energy sold, Wh, by participant and period. */
export function positionsOf(trades: readonly Trade[], participants: number, periods: number): number[][] {
  const positions = Array.from({ length: participants }, () => new Array<number>(periods).fill(0));
  for (const { product, seller, buyer, period, quantity } of trades) {
    if (product !== "energy") continue;
    if (seller < participants) positions[seller][period] += quantity;
    if (buyer < participants) positions[buyer][period] -= quantity;
  }
  return positions;
}
