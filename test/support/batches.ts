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

/** A batch while it is drawn. */
type Draft = {
  readonly shape: BatchShape;
  readonly maxWh: number;
  readonly random: (below: number) => number;
  readonly party: () => number;
  readonly trades: Map<number, Trade>;
  readonly add: (trade: Trade) => void;
};

export function batch(shape: BatchShape, random: (below: number) => number): ClearingResult {
  const { ids, periods, maxWh = 5_000 } = shape;
  const trades = new Map<number, Trade>();
  const add = (trade: Trade): void => {
    if (trade.seller !== trade.buyer) trades.set(tradeKey(trade), trade);
  };
  const draft: Draft = { shape, maxWh, random, party: () => random(ids.length), trades, add };
  for (let period = 0; period < periods; period++) drawPeriod(draft, period);
  const session = { product: "carbon", period: SESSION_PERIOD } as const;
  for (let k = 0; k < (shape.carbon ?? 0); k++)
    add({
      seller: draft.party(),
      buyer: draft.party(),
      ...session,
      quantity: 1 + random(1000),
      price: random(60_000),
    });
  if (shape.systems) {
    add({ seller: DESK, buyer: draft.party(), ...session, quantity: 1 + random(1000), price: 30_000 });
    drawCharges(draft);
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

function drawPeriod({ shape, maxWh, random, party, add }: Draft, period: number): void {
  const energy = { product: "energy", period } as const;
  for (let k = 0; k < shape.energy; k++)
    add({
      seller: party(),
      buyer: party(),
      ...energy,
      quantity: 1 + random(maxWh),
      price: random(200_000) - 20_000,
    });
  for (let k = 0; k < (shape.reserve ?? 0); k++) {
    const charged = shape.systems && shape.ancillary && random(3) === 0;
    const seller = charged ? OPERATOR : shape.systems && random(4) === 0 ? UTILITY : party();
    add({ seller, buyer: party(), product: "reserve", period, quantity: 1 + random(500), price: random(30_000) });
  }
  if (!shape.systems) return;
  add({ seller: UTILITY, buyer: party(), ...energy, quantity: 1 + random(maxWh), price: 80_000 });
  add({ seller: party(), buyer: UTILITY, ...energy, quantity: 1 + random(maxWh), price: 20_000 });
}

/** A charge on most injections, and a rebate. */
function drawCharges({ shape, maxWh, random, party, trades, add }: Draft): void {
  const line = { seller: OPERATOR, product: "network" } as const;
  const positions = positionsOf([...trades.values()], shape.ids.length, shape.periods);
  positions.forEach((row, buyer) =>
    row.forEach((energyWh, period) => {
      const charge = random(2_000) - 1_000;
      if (energyWh === 0 || charge === 0) return;
      add({ ...line, buyer, period, quantity: Math.abs(energyWh), price: Math.sign(energyWh) * charge });
    }),
  );
  add({ ...line, buyer: party(), period: SESSION_PERIOD, quantity: 1 + random(maxWh), price: -random(900) });
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
