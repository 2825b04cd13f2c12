/** The rows of readings that come of the settled batch, the frozen terms and what meters and nodes signed. */
import { QUALITIES, type MeterReading } from "../codec/meterReading.ts";
import type { SessionReadings } from "../codec/readings.ts";
import type { Terms } from "../codec/terms.ts";
import { DESK, OPERATOR, type Trade, UTILITY } from "../market/result/clearingResult.ts";
import type { Signed } from "./deliverySignatures.ts";

export type Facts = Pick<Signed, "readings" | "statements" | "activations"> & {
  readonly trades: readonly Trade[];
  readonly participants: readonly number[];
  readonly invited: readonly number[];
  readonly periods: number;
  readonly seconds: number;
  readonly start: number;
  readonly terms: Terms;
  readonly needW: (j: number, t: number) => bigint;
  readonly closed: boolean;
  readonly imbalancePrice: bigint;
  /** Of who has a connection, W. */
  readonly limits: ReadonlyMap<number, { readonly feedW: number; readonly takeW: number; readonly renewableW: number }>;
};

const MISSING = QUALITIES.indexOf("missing");

/** One row's account of a period, Wh. */
type Cell = {
  sold: bigint;
  utility: bigint;
  given: bigint;
  received: bigint;
  ofUtility: bigint;
  paid: bigint;
  w: bigint;
};

export function readingsOf(told: Facts, allowanceT: ArrayLike<number>): SessionReadings {
  const facts = { ...told, readings: asCarried(told) };
  const { participants, periods, invited, terms } = facts;
  const cells = participants.map(() =>
    Array.from({ length: periods }, (): Cell => ({
      sold: 0n,
      utility: 0n,
      given: 0n,
      received: 0n,
      ofUtility: 0n,
      paid: 0n,
      w: 0n,
    })),
  );
  const traded = Array.from({ length: periods }, () => ({ wh: 0n, paid: 0n }) as Traded);
  for (const trade of facts.trades) enterTrade(facts, cells, traded, trade);
  const none: Cell = { sold: 0n, utility: 0n, given: 0n, received: 0n, ofUtility: 0n, paid: 0n, w: 0n };
  const responses: SessionReadings["responses"][number][] = [];
  const rows = invited.map((id, row) => {
    const i = participants.indexOf(id);
    const values = Array.from({ length: periods }, (_, t) => {
      const cell = i < 0 ? none : cells[i][t];
      const read = facts.readings.get(id)?.[t];
      const quality = read === undefined ? MISSING : QUALITIES.indexOf(read.quality);
      const [meteredWh, renewableWh] = quality === MISSING ? [0, 0] : [read!.meteredWh, read!.renewableWh];
      const dueWh = Number(cell.sold + cell.given - cell.received);
      const undeliveredW = undelivered(facts, cell, { dueWh, meteredWh, quality });
      const calledWh = Number(cell.given - cell.received);
      const mean = cell.w === 0n ? 0 : Math.max(0, Math.round(Number(cell.paid) / Number(cell.w)));
      if (calledWh !== 0 || undeliveredW !== 0) responses.push({ row, period: t, calledWh, undeliveredW, price: mean });
      return { dueWh, meteredWh, quality, renewableWh };
    });
    const own = i < 0 ? undefined : cells[i];
    const grams = own === undefined ? 0 : allowancesOf(facts.trades, i, allowanceT[i]);
    return {
      id,
      released: own === undefined ? 0 : held(facts, i, own),
      emissionsG: Math.min(emitted(facts, id, { own, values, grams }), burnable(facts, id)),
      values,
    };
  });
  const prices = traded.map(({ wh, paid, most }, t) => {
    const tariff = Math.round(1000 * terms.scenario.tariff.buyPerMwh[t]);
    const wanted = most !== undefined && most > tariff ? most : tariff;
    const shortPrice = wanted > facts.imbalancePrice ? Number(facts.imbalancePrice) : wanted;
    const longPrice = Math.round(1000 * terms.scenario.tariff.sellPerMwh[t]);
    const middle = Math.floor((shortPrice + longPrice) / 2);
    const mean = wh === 0n ? middle : Number(down(paid, wh));
    const responsePrice = mean < longPrice ? longPrice : mean > shortPrice ? shortPrice : mean;
    return { shortPrice, longPrice, responsePrice };
  });
  return { allowancePrice: Math.round(1000 * terms.scenario.carbon.deskBuyPerT), prices, rows, responses };
}

/** No meter counts for more than its connection carries; a value that was more is an estimate. */
function asCarried({ readings, limits, seconds }: Facts): Facts["readings"] {
  const carried = new Map<number, MeterReading[]>();
  for (const [id, file] of readings) {
    const limit = limits.get(id);
    const wh = (watts: number | undefined): number =>
      watts === undefined ? Infinity : Number(-down(-BigInt(watts) * BigInt(seconds), 3600n));
    const counted = file.map((one) => {
      let { meteredWh, renewableWh } = one;
      if (meteredWh > wh(limit?.feedW)) meteredWh = wh(limit?.feedW);
      if (-meteredWh > wh(limit?.takeW)) meteredWh = -wh(limit?.takeW);
      if (renewableWh > wh(limit?.renewableW)) renewableWh = wh(limit?.renewableW);
      const same = meteredWh === one.meteredWh && renewableWh === one.renewableWh;
      return same || one.quality === "missing"
        ? one
        : { ...one, meteredWh, renewableWh, quality: "estimated" as const };
    });
    carried.set(id, counted);
  }
  return carried;
}

/** Nobody's renewables were to give, or gave, more than their connection carries. */
function carriedOf({ limits, seconds }: Facts, id: number, said: number): bigint {
  const limit = limits.get(id);
  if (limit === undefined) return BigInt(said);
  const most = -down(-BigInt(limit.renewableW) * BigInt(seconds), 3600n);
  return BigInt(said) < most ? BigInt(said) : most;
}

const down = (a: bigint, b: bigint): bigint => (a >= 0n ? a / b : -((b - 1n - a) / b));
const abs = (a: bigint): bigint => (a < 0n ? -a : a);

/** Between prosumers in a period: the dearest price, too. */
type Traded = { wh: bigint; paid: bigint; most?: number };

function enterTrade(facts: Facts, cells: readonly Cell[][], traded: Traded[], trade: Trade): void {
  const { seller, buyer, product, period: t, price } = trade;
  const quantity = BigInt(trade.quantity);
  if (product === "energy") {
    if (seller < DESK) cells[seller][t].sold += quantity;
    if (buyer < DESK) cells[buyer][t].sold -= quantity;
    if (seller === UTILITY) cells[buyer][t].utility += quantity;
    else if (buyer === UTILITY) cells[seller][t].utility -= quantity;
    else {
      traded[t].wh += quantity;
      traded[t].paid += quantity * BigInt(price);
      if (price > (traded[t].most ?? -Infinity)) traded[t].most = price;
    }
  }
  if (product !== "reserve" || seller === OPERATOR) return;
  const id = facts.participants[buyer];
  // What the buyer said before it was answered, not what its meter reads.
  const said = facts.activations.get(id);
  const error = said ? carriedOf(facts, id, said.generatedWh[t]) - carriedOf(facts, id, said.plannedWh[t]) : 0n;
  const need = facts.needW(buyer, t);
  if (need > 0n && error !== 0n) {
    const asked = (2n * quantity * abs(error) + need) / (2n * need);
    const most = (quantity * BigInt(facts.seconds)) / 3600n;
    const given = (error > 0n ? -1n : 1n) * (asked < most ? asked : most);
    cells[buyer][t].received += given;
    if (seller === UTILITY) cells[buyer][t].ofUtility += given;
    else cells[seller][t].given += given;
  }
  if (seller === UTILITY) return;
  cells[seller][t].w += quantity;
  cells[seller][t].paid += quantity * BigInt(price);
}

/** Two grams for each Wh that the connection carries both ways in the session: the chain takes no more. */
function burnable({ limits, seconds, periods }: Facts, id: number): number {
  const limit = limits.get(id);
  if (limit === undefined) return 0xffffffff;
  const grams = down(2n * BigInt(limit.feedW + limit.takeW) * BigInt(seconds) * BigInt(periods), 3600n);
  return grams > 0xffffffffn ? 0xffffffff : Number(grams);
}

type Value = { readonly dueWh: number; readonly meteredWh: number; readonly quality: number };

/** What is left at the meter; of a value that is missing for good, what it had sold. */
function leftOver({ dueWh, meteredWh, quality }: Value, closed: boolean): number {
  if (quality !== MISSING) return meteredWh - dueWh;
  return closed ? Math.min(0, -dueWh) : 0;
}

function undelivered({ closed, seconds }: Facts, { given }: Cell, value: Value): number {
  const left = leftOver(value, closed);
  const against = given > 0n ? Math.max(0, -left) : Math.max(0, left);
  const wh = Math.min(Number(abs(given)), against);
  return wh <= 2 ? 0 : Math.floor((wh * 3600) / seconds);
}

type Emitting = {
  readonly own: readonly Cell[] | undefined;
  readonly values: readonly (Value & { renewableWh: number })[];
  readonly grams: number;
};

function emitted({ statements, terms }: Facts, id: number, { own, values, grams }: Emitting): number {
  let micro = 0n;
  let beyond = 0;
  values.forEach((value, t) => {
    const batch = own === undefined ? 0n : own[t].utility + own[t].ofUtility;
    const drawn = batch - BigInt(leftOver(value, true));
    if (drawn > 0n) micro += drawn * BigInt(Math.round(1e6 * terms.scenario.carbon.gridTPerMwh[t]));
    beyond += Math.max(0, value.meteredWh - value.renewableWh);
  });
  const stated = statements.get(id)?.generatorG;
  return Number(-down(-micro, 1_000_000n)) + (stated ?? Math.max(2 * beyond, grams));
}

function allowancesOf(trades: readonly Trade[], i: number, allowanceT: number): number {
  let grams = Math.floor(allowanceT * 1e6);
  for (const { product, seller, buyer, quantity } of trades) {
    if (product !== "carbon") continue;
    if (buyer === i) grams += quantity;
    if (seller === i) grams -= quantity;
  }
  return grams;
}

function held({ trades, imbalancePrice }: Facts, i: number, own: readonly Cell[]): number {
  let money = 0n;
  for (const { seller, buyer, quantity, price } of trades) {
    if (seller === i) money += BigInt(quantity) * BigInt(price);
    if (buyer === i) money -= BigInt(quantity) * BigInt(price);
  }
  const owed = own.reduce((sum, { sold }) => (sold > 0n ? sum + sold : sum), 0n) * imbalancePrice;
  const due = money > owed ? money : owed;
  return Math.min(0xffffffff, Number(-down(-due, 1_000_000n)));
}
