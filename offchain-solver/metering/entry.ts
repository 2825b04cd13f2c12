/**
 * What an entry says of a session (docs/delivery.md), from the batch that settled, the frozen terms, what meters read
 * and what parties say. Everybody who has these makes the same bytes.
 */
import type { Activation, Connection, DeviceStatement, Kind } from "../codec/deliveryData.ts";
import { QUALITIES, worse, type MeterReading } from "../codec/meterReading.ts";
import type { PeriodPrices, Response, Row, RowValue, SessionReadings } from "../codec/readings.ts";
import { closedBy, deviationOf, MOST_G_PER_WH } from "../ledger/delivery.ts";
import { type ClearingResult, PRICE_UNITS, UNITS, UTILITY } from "../market/result/clearingResult.ts";
import { paymentNano, positionsWh } from "../market/result/verify.ts";
import type { Market } from "../market/scenario/market.ts";
import { callsOf, type Calls, type PerPeriod } from "./calls.ts";
import { needsOf } from "./devices.ts";

export type Promised = {
  readonly result: ClearingResult;
  /** Of those who took part, from the frozen terms alone. */
  readonly market: Market;
  /** All who were invited, ascending: who was left out has a row as well. */
  readonly invited: readonly number[];
  /** 1e-6 $ per kWh sold that was held until now. */
  readonly imbalancePrice: number;
  /** Of those who have one: what bounds all that a meter can say of its home. */
  readonly connections: ReadonlyMap<number, Room>;
};

type Room = Pick<Connection, "feedW" | "takeW" | "renewableW">;

export type Metered = {
  /** By prosumer: every period's, in order; absent: nothing is known. */
  readonly readings: ReadonlyMap<number, readonly MeterReading[]>;
  readonly statements: ReadonlyMap<number, DeviceStatement>;
  /** By prosumer, of who has said before others answered what its renewables gave, and opened its plan. */
  readonly activations: ReadonlyMap<number, Activation>;
};

const HOLD_UNIT = 1_000_000n;
const MOST_U32 = 0xffffffff;
/** Grams that a Wh fed in is taken to have cost of which nobody states what made it: the most that the chain takes. */
const UNSTATED_G_PER_WH = 2;
/** Position, call and meter are whole Wh each: so little is rounding, and nobody is fined for it. */
const ROUNDING_WH = 2;
const MICRO = 1_000_000;

export function sessionReadings(promised: Promised, told: Metered, kind: Kind): SessionReadings {
  const { result, market, invited } = promised;
  const metered = { ...told, readings: withinConnections(promised, told.readings) };
  const known = invited.map((id) => valuesOf(metered.readings.get(id), result.periods));
  const calls = callsOf(result, needsOf(market), errorsOf(promised, told.activations));
  const positions = positionsWh(result);
  const responses: Response[] = [];
  const rows = invited.map((id, row): Row => {
    const i = result.participants.indexOf(id);
    const values = known[row].map((value, t): RowValue => {
      const calledWh = i < 0 ? 0 : calls.given[i][t] - calls.received[i][t];
      return { ...value, dueWh: (i < 0 ? 0 : positions[t][i]) + calledWh };
    });
    if (i >= 0) responses.push(...responsesOf(row, i, { values, calls, result, closed: closedBy(kind) }));
    const emitted = emissionsOf(promised, i, values, { calls, statement: metered.statements.get(id) });
    const emissionsG = Math.min(emitted, mostGrams(promised, id));
    return { id, released: i < 0 ? 0 : releasedOf(promised, i, positions), emissionsG, values };
  });
  const allowancePrice = Math.round(market.scenario.carbon.deskBuyPerT * PRICE_UNITS);
  return { allowancePrice, prices: pricesOf(promised), rows, responses };
}

/**
 * What counts of the readings: a value beyond its home's connection counts as what that carries, estimated. The chain
 * refuses what is beyond, and one wrong meter must not keep everybody from being paid.
 */
function withinConnections(
  { connections }: Pick<Promised, "connections">,
  readings: ReadonlyMap<number, readonly MeterReading[]>,
): ReadonlyMap<number, readonly MeterReading[]> {
  return new Map(
    [...readings].map(([id, own]) => {
      const room = connections.get(id);
      return [id, room === undefined ? own : own.map((one) => withinConnection(one, room))];
    }),
  );
}

/** What of the readings is beyond its home's connection, and counts as what that carries: a line a value. */
export function beyondConnections({ connections }: Pick<Promised, "connections">, { readings }: Metered): string[] {
  return [...readings].flatMap(([id, own]) => {
    const room = connections.get(id);
    return room === undefined
      ? []
      : own.flatMap((one, t) => {
          const counted = withinConnection(one, room);
          if (counted === one || one.quality === "missing") return [];
          const [field, limit] =
            counted.meteredWh === one.meteredWh
              ? (["renewableWh", room.renewableW] as const)
              : (["meteredWh", one.meteredWh > 0 ? room.feedW : room.takeW] as const);
          return [
            `prosumer ${id}, period ${t}: ${field} ${one[field]} is beyond its connection of ${limit} W: counts as ${counted[field]}, estimated`,
          ];
        });
  });
}

/** Rounded up, as a meter's register may be. */
const whOf = (watts: number, seconds: number): number => Math.ceil((watts * seconds) / 3600);

function withinConnection(reading: MeterReading, { feedW, takeW, renewableW }: Room): MeterReading {
  const { seconds, quality } = reading;
  const meteredWh = Math.max(-whOf(takeW, seconds), Math.min(whOf(feedW, seconds), reading.meteredWh));
  const renewableWh = Math.min(whOf(renewableW, seconds), reading.renewableWh);
  if (meteredWh === reading.meteredWh && renewableWh === reading.renewableWh) return reading;
  return { ...reading, meteredWh, renewableWh, quality: worse(quality, "estimated") };
}

type Value = Omit<RowValue, "dueWh">;

function valuesOf(readings: readonly MeterReading[] | undefined, periods: number): Value[] {
  const missing = QUALITIES.indexOf("missing");
  return Array.from({ length: periods }, (_, t) => {
    const one = readings?.[t];
    if (one === undefined || one.quality === "missing") return { meteredWh: 0, renewableWh: 0, quality: missing };
    return { meteredWh: one.meteredWh, renewableWh: one.renewableWh, quality: QUALITIES.indexOf(one.quality) };
  });
}

/**
 * [participant][period] Wh generated less planned, as was said before others answered, each no more than its connection
 * carries: what reserve is called by, whatever the meter reads. Of whom nothing was said nothing is called for: all of
 * its deviation is imbalance.
 */
export function errorsOf(
  { result, connections }: Pick<Promised, "result" | "connections">,
  activations: ReadonlyMap<number, Pick<Activation, "plannedWh" | "generatedWh">>,
): PerPeriod {
  const { participants, periods, periodSeconds } = result;
  return participants.map((id) => {
    const [said, room] = [activations.get(id), connections.get(id)];
    if (said === undefined) return new Array<number>(periods).fill(0);
    const most = room === undefined ? Infinity : whOf(room.renewableW, periodSeconds);
    return said.generatedWh.map((wh, t) => Math.min(most, wh) - Math.min(most, said.plannedWh[t]));
  });
}

/** Whether every value of those who have a row is measured, so that the entry may be final at once. */
export const isMeasured = (
  { invited, connections }: Pick<Promised, "invited" | "connections">,
  { readings }: Pick<Metered, "readings">,
): boolean => {
  const counted = withinConnections({ connections }, readings);
  return invited.every((id) => counted.get(id)?.every(({ quality }) => quality === "measured") ?? false);
};

type Called = {
  readonly values: readonly RowValue[];
  readonly calls: Calls;
  readonly result: ClearingResult;
  readonly closed: boolean;
};

/** What was called of the reserve that an account sold and is missing at its meter, in the direction of the call. */
function responsesOf(row: number, i: number, { values, calls, result, closed }: Called): Response[] {
  return values.flatMap((value, period): Response[] => {
    const given = calls.given[i][period];
    const calledWh = given - calls.received[i][period];
    const deviation = Number(deviationOf(value, closed));
    const missing = Math.min(Math.abs(given), Math.max(0, given > 0 ? -deviation : deviation));
    const undeliveredWh = missing <= ROUNDING_WH ? 0 : missing;
    const undeliveredW = Math.floor((undeliveredWh * 3600) / result.periodSeconds);
    if (calledWh === 0 && undeliveredW === 0) return [];
    return [{ row, period, calledWh, undeliveredW, price: calls.price[i][period] }];
  });
}

/** What the chain takes of a connection's emissions over the session. */
function mostGrams({ connections, result: { periods, periodSeconds } }: Promised, id: number): number {
  const room = connections.get(id);
  if (room === undefined) return MOST_U32;
  const most = (BigInt(room.feedW + room.takeW) * MOST_G_PER_WH * BigInt(periods * periodSeconds)) / 3600n;
  return Math.min(Number(most), MOST_U32);
}

type Emitting = { readonly calls: Calls; readonly statement: DeviceStatement | undefined };

/**
 * Energy from the utility at the hour's intensity, in the batch, called and as imbalance, and what the generator is
 * stated to have emitted. Who states nothing is taken to have emitted all that it has allowances for, or burnt all that
 * it fed in beyond what its renewables gave, whichever is more.
 */
function emissionsOf(
  { result, market }: Promised,
  i: number,
  values: readonly RowValue[],
  { calls, statement }: Emitting,
): number {
  const bought = utilityWh(result, i);
  const grid = market.scenario.carbon.gridTPerMwh;
  let micro = 0n;
  let unstated = 0;
  values.forEach((value, t) => {
    const called = i < 0 ? 0 : calls.ofUtility[i][t];
    const drawn = bought[t] + called - Number(deviationOf(value, true));
    // t per MWh are g per Wh.
    if (drawn > 0) micro += BigInt(drawn) * BigInt(Math.round(grid[t] * MICRO));
    unstated += Math.max(0, value.meteredWh - value.renewableWh);
  });
  const silent = Math.max(UNSTATED_G_PER_WH * unstated, i < 0 ? 0 : allowancesG(result, market, i));
  const own = statement === undefined ? silent : statement.generatorG;
  return Number((micro + BigInt(MICRO - 1)) / BigInt(MICRO)) + own;
}

/** Issued, and bought less sold in the batch. */
const allowancesG = ({ trades }: ClearingResult, market: Market, i: number): number =>
  trades.reduce(
    (grams, { product, seller, buyer, quantity }) =>
      product !== "carbon" ? grams : grams + (buyer === i ? quantity : 0) - (seller === i ? quantity : 0),
    Math.floor(market.allowanceT[i] * UNITS),
  );

/** Bought from the utility less sold to it in the batch, by period. */
function utilityWh({ trades, periods }: ClearingResult, i: number): number[] {
  const bought = new Array<number>(periods).fill(0);
  if (i < 0) return bought;
  for (const { product, seller, buyer, period, quantity } of trades) {
    if (product !== "energy") continue;
    if (seller === UTILITY && buyer === i) bought[period] += quantity;
    if (buyer === UTILITY && seller === i) bought[period] -= quantity;
  }
  return bought;
}

/** What the session kept back of the account when it settled: what it received, or what its sales cost undelivered. */
function releasedOf({ result, imbalancePrice }: Promised, i: number, positions: readonly number[][]): number {
  const sold = positions.reduce((sum, period) => sum + Math.max(0, period[i]), 0);
  const owed = BigInt(sold) * BigInt(imbalancePrice);
  const money = paymentNano(result, i);
  const due = money > owed ? money : owed;
  return Math.min(Number((due + HOLD_UNIT - 1n) / HOLD_UNIT), MOST_U32);
}

/**
 * Short at the utility's price to buy, or the dearest at which a prosumer sold in the period where that is more, as far
 * as the frozen terms go: nobody sells what it does not deliver and buys it cheaper. Long at its price to sell. Called
 * energy at the mean price at which prosumers traded in the period, within those two: whoever does not answer is
 * short, or long, by what was called. Where nobody traded, midway between the two.
 */
function pricesOf({ result, market, imbalancePrice }: Promised): PeriodPrices[] {
  const { buyPerMwh, sellPerMwh } = market.scenario.tariff;
  return Array.from({ length: result.periods }, (_, t): PeriodPrices => {
    const [tariff, longPrice] = [buyPerMwh[t], sellPerMwh[t]].map((price) => Math.round(price * PRICE_UNITS));
    let [paid, wh, dearest] = [0n, 0n, tariff];
    for (const { product, period, seller, buyer, quantity, price } of result.trades) {
      if (product !== "energy" || period !== t || seller === UTILITY || buyer === UTILITY) continue;
      dearest = Math.max(dearest, price);
      paid += BigInt(quantity) * BigInt(price);
      wh += BigInt(quantity);
    }
    const shortPrice = Math.min(dearest, imbalancePrice);
    const mean = wh === 0n ? Math.floor((shortPrice + longPrice) / 2) : Number(floorDiv(paid, wh));
    return { shortPrice, longPrice, responsePrice: Math.max(longPrice, Math.min(shortPrice, mean)) };
  });
}

const floorDiv = (a: bigint, b: bigint): bigint => a / b - (a % b < 0n ? 1n : 0n);
