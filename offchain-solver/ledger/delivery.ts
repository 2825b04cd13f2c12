/**
 * `deliver` in bigint: the predicates of contracts/libraries/Metering.sol under their names and in their order, with
 * Waterfall.sol and contracts/delivery/Entries.sol. Pure: what a node checks before it attests an entry, and what an
 * auditor re-executes.
 */
import { refuse } from "../codec/refusal.ts";
import type { Connection, Kind } from "../codec/deliveryData.ts";
import { QUALITIES } from "../codec/meterReading.ts";
import type { Row, RowValue, SessionReadings } from "../codec/readings.ts";
import { INSURANCE_ID } from "./posting.ts";

/** What readings are measured against. */
export type Basis = {
  readonly periods: number;
  readonly periodSeconds: number;
  /** A missing value counts as nothing delivered: in a final entry, and in a correction. */
  readonly closed: boolean;
  /** Of its price that reserve costs that was called and not delivered. */
  readonly multiple: number;
  /** Most that a kWh costs that is short, 1e-6 $, as the session was frozen with. */
  readonly imbalancePrice: number;
  readonly connections: ReadonlyMap<number, Omit<Connection, "prosumer" | "nonce">>;
};

/** What a row comes to. */
export type Line = {
  readonly id: number;
  /** Thousandths of a dollar. */
  readonly released: bigint;
  readonly emissionsG: bigint;
  /** Nano-dollars received, the other side is the utility; and paid to the insurance fund. */
  readonly energy: bigint;
  readonly penalty: bigint;
  /** The most that either side of the sum may be. */
  readonly most: bigint;
};

export type Bill = { readonly lines: readonly Line[]; readonly allowancePrice: bigint; readonly measured: boolean };

/** Ids of further accounts that are no prosumers'. */
export const DESK_ID = 0xfffffffd;
export const UTILITY_ID = 0xffffffff;

export const MOST_G_PER_WH = 2n;
const MISSING = QUALITIES.indexOf("missing");
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Whether a missing value counts as nothing delivered. */
export const closedBy = (kind: Kind): boolean => kind === "final" || kind === "correction";

/** What the rows come to, each bounded by its connection. */
export function bill(readings: SessionReadings, basis: Basis): Bill {
  checkPrices(readings, basis);
  const called = respond(readings, basis);
  let last = 0;
  const lines = readings.rows.map((row, k) => {
    if (row.id <= last) refuse("rowsNotAscending", k);
    last = row.id;
    return bounded(rowLine(row, called[k], readings, basis));
  });
  const measured = readings.rows.every(({ values }) => values.every(({ quality }) => quality === 0));
  return { lines, allowancePrice: BigInt(readings.allowancePrice), measured };
}

/** Who is called and does not move is short, or long, by what it was called for: it must not gain by that. */
function checkPrices({ prices }: SessionReadings, { imbalancePrice }: Basis): void {
  prices.forEach(({ shortPrice, longPrice, responsePrice }, t) => {
    if (longPrice > responsePrice || responsePrice > shortPrice) refuse("pricesOutOfOrder", t);
    if (shortPrice > imbalancePrice) refuse("priceBeyondTerms", t);
  });
}

/** What a row receives for energy that was called, and what it is fined for what did not come. */
type Called = { energy: bigint; penalty: bigint };

function rowLine(row: Row, called: Called, { prices }: SessionReadings, basis: Basis): Line {
  const { id } = row;
  const connection = basis.connections.get(id);
  if (connection === undefined) refuse("noConnection", id);
  const seconds = BigInt(basis.periodSeconds);
  const sum = (BigInt(connection.feedW) + BigInt(connection.takeW)) * seconds * BigInt(basis.periods);
  const emissionsG = BigInt(row.emissionsG);
  if (emissionsG * 3600n > MOST_G_PER_WH * sum) refuse("emissionsBeyondConnection", id);
  /** Rounded up, as a meter's register may be. */
  const whOf = (watts: number): bigint => (BigInt(watts) * seconds + 3599n) / 3600n;
  const bounds = { feed: whOf(connection.feedW), take: whOf(connection.takeW), renewable: whOf(connection.renewableW) };
  let { energy } = called;
  row.values.forEach((value, t) => {
    checkValue(value, bounds, id, t);
    const deviation = deviationOf(value, basis.closed);
    energy += deviation * BigInt(deviation < 0n ? prices[t].shortPrice : prices[t].longPrice);
  });
  const most = (sum * BigInt(connection.maxPrice)) / 3600n;
  return { id, released: BigInt(row.released), emissionsG, energy, penalty: called.penalty, most };
}

type Bounds = { readonly feed: bigint; readonly take: bigint; readonly renewable: bigint };

function checkValue({ meteredWh, quality, renewableWh }: RowValue, bounds: Bounds, id: number, t: number): void {
  if (quality > MISSING) refuse("unknownQuality", id, t);
  const metered = BigInt(meteredWh);
  if (quality === MISSING) {
    if (meteredWh !== 0 || renewableWh !== 0) refuse("missingWithEnergy", id, t);
    return;
  }
  if (metered > bounds.feed || metered < -bounds.take) refuse("meteredBeyondConnection", id, t);
  if (BigInt(renewableWh) > bounds.renewable) refuse("renewableBeyondConnection", id, t);
}

/** What is left between position and meter, Wh. */
export function deviationOf({ dueWh, meteredWh, quality }: Omit<RowValue, "renewableWh">, closed: boolean): bigint {
  if (quality !== MISSING) return BigInt(meteredWh) - BigInt(dueWh);
  return closed && dueWh > 0 ? -BigInt(dueWh) : 0n;
}

/** What a row was to do in a period, and its energy's parts, nano-dollars received, before any bound. */
export type EnergyCell = {
  /** Sold less bought in the batch. */
  readonly promisedWh: number;
  readonly calledWh: number;
  readonly undeliveredW: number;
  readonly short: bigint;
  readonly long: bigint;
  readonly called: bigint;
};

/** Of row `k`, by period: what `bill` adds up. */
export function energyCells({ rows, prices, responses }: SessionReadings, k: number, closed: boolean): EnergyCell[] {
  return rows[k].values.map((value, t): EnergyCell => {
    const response = responses.find(({ row, period }) => row === k && period === t);
    const { calledWh, undeliveredW } = response ?? { calledWh: 0, undeliveredW: 0 };
    const deviation = deviationOf(value, closed);
    const { shortPrice, longPrice, responsePrice } = prices[t];
    return {
      promisedWh: value.dueWh - calledWh,
      calledWh,
      undeliveredW,
      short: deviation < 0n ? deviation * BigInt(shortPrice) : 0n,
      long: deviation < 0n ? 0n : deviation * BigInt(longPrice),
      called: BigInt(calledWh) * BigInt(responsePrice),
    };
  });
}

/** Energy that was moved by reserve that was called, and what was not delivered of it, by row. */
function respond({ rows, responses, prices }: SessionReadings, basis: Basis): readonly Called[] {
  const called = rows.map((): Called => ({ energy: 0n, penalty: 0n }));
  let next = 0;
  responses.forEach(({ row, period, calledWh, undeliveredW, price }, k) => {
    const key = row * 256 + period;
    if (key < next) refuse("responsesNotAscending", k);
    next = key + 1;
    if (row >= rows.length || period >= basis.periods) refuse("unknownReading", k);
    called[row].energy += BigInt(calledWh) * BigInt(prices[period].responsePrice);
    called[row].penalty += BigInt(basis.multiple) * BigInt(undeliveredW) * BigInt(price);
  });
  return called;
}

/** Neither side may be more than the connection allows; a penalty is what is left of it at most. */
function bounded(line: Line): Line {
  const { most } = line;
  const energy = line.energy > most ? most : line.energy < -most ? -most : line.energy;
  return { ...line, energy, penalty: min(line.penalty, energy < 0n ? most + energy : most) };
}

/** The difference is what an entry moves; the rows are the same accounts. `was`: kind of the entry before. */
export function subtract(after: Bill, before: Bill, was: Kind): Bill {
  if (before.lines.length !== after.lines.length) refuse("rowsChanged", after.lines.length);
  const lines = after.lines.map((line, k): Line => {
    const old = before.lines[k];
    if (line.id !== old.id) refuse("rowsChanged", k);
    const more = line.released > old.released ? line.released - old.released : 0n;
    return {
      ...line,
      energy: line.energy - old.energy,
      penalty: line.penalty - old.penalty,
      emissionsG: line.emissionsG - old.emissionsG,
      released: closedBy(was) ? more : line.released,
    };
  });
  return { ...after, lines };
}

/** What of the amounts could be moved, and who bore the rest. */
export type Shares = {
  readonly moved: readonly bigint[];
  readonly fund: bigint;
  readonly byFund: bigint;
  readonly byReceivers: bigint;
};

/**
 * Who bears what cannot be paid: each debit as far as `debitable` allows, then the insurance fund, which has `fundHas`
 * and is to receive `fund` (negative: to pay), then those who receive, pro rata to the last nano-dollar.
 */
export function share(amounts: readonly bigint[], debitable: readonly bigint[], fund: bigint, fundHas: bigint): Shares {
  let shortfall = 0n;
  const moved = amounts.map((amount, k) => {
    const paid = amount < -debitable[k] ? -debitable[k] : amount;
    shortfall += paid - amount;
    return paid;
  });
  const own = fund < -fundHas ? -fundHas : fund;
  shortfall += own - fund;
  const byFund = min(shortfall, fundHas + own);
  const byReceivers = shortfall - byFund;
  return { moved: cut(moved, byReceivers), fund: own - byFund, byFund, byReceivers };
}

/** floor(rest x credit / credits) of each, and one more of those with the largest remainders, lower ids first. */
function cut(moved: readonly bigint[], rest: bigint): readonly bigint[] {
  if (rest === 0n) return moved;
  const credits = moved.reduce((sum, one) => (one > 0n ? sum + one : sum), 0n);
  const shares = moved.map((credit) => (credit > 0n ? (rest * credit) / credits : 0n));
  const remainder = moved.map((credit) => (credit > 0n ? (rest * credit) % credits : 0n));
  const more = Number(rest - shares.reduce((sum, one) => sum + one, 0n));
  const first = moved
    .map((_, k) => k)
    .sort((a, b) => (remainder[a] === remainder[b] ? a - b : remainder[a] > remainder[b] ? -1 : 1));
  for (const k of first.slice(0, more)) shares[k] += 1n;
  return moved.map((credit, k) => credit - shares[k]);
}

/** One account's line of what is posted to the market: ascending by id, the insurance fund, desk and utility last. */
export type Entry = { readonly id: number; readonly nano: bigint; readonly grams: bigint; readonly released: bigint };

/** By account, the insurance fund among them: nano-dollars that it is still to receive, below zero: to pay. */
export type Unmoved = ReadonlyMap<number, bigint>;

/** What an entry takes up of the one before. */
export type TakenUp = {
  /** Added to what each account is due. They sum to zero. */
  readonly left: Unmoved;
  /** By account: arrears that it owes no longer beside that. */
  readonly arrears: ReadonlyMap<number, bigint>;
};

const NOTHING_LEFT: TakenUp = { left: new Map(), arrears: new Map() };

/** Of what the entry before could not move: what was collected of arrears since, the fund has. */
export function takeUp(unmoved: Unmoved, arrearsOf: (id: number) => bigint): TakenUp {
  const left = new Map(unmoved);
  const arrears = new Map<number, bigint>();
  for (const [id, nano] of unmoved) {
    // What the fund itself could not pay is nobody's arrears.
    if (nano >= 0n || id === INSURANCE_ID) continue;
    const still = min(-nano, arrearsOf(id));
    left.set(id, -still);
    left.set(INSURANCE_ID, (left.get(INSURANCE_ID) ?? 0n) + nano + still);
    if (still > 0n) arrears.set(id, still);
  }
  return { left, arrears };
}

export type Entered = {
  readonly entries: readonly Entry[];
  /** Grams surrendered by all, less those that came back. */
  readonly burned: bigint;
  readonly takenUp: TakenUp;
  /** By account: what it could not pay. */
  readonly arrears: ReadonlyMap<number, bigint>;
  /** What the next entry takes up: nobody where all was moved. */
  readonly unmoved: Unmoved;
  readonly byFund: bigint;
  readonly byReceivers: bigint;
  /** By account, in the order of the lines: what it paid the desk for allowances that it lacked. */
  readonly allowances: readonly bigint[];
};

/** What may be taken of an account: nano-dollars and grams (`Market.debitable`). */
export type Debitable = (id: number) => { readonly nano: bigint; readonly grams: bigint };

/** Money first to desk, utility and fund, then what can be moved of it, then all at once. Money sums to zero. */
export function enter(
  { lines, allowancePrice }: Bill,
  kind: Kind,
  debitable: Debitable,
  takenUp: TakenUp = NOTHING_LEFT,
): Entered {
  const leftOf = (id: number): bigint => takenUp.left.get(id) ?? 0n;
  const surrendered = lines.map((line) =>
    surrender(line, leftOf(line.id), { allowancePrice, has: debitable(line.id).grams }),
  );
  const sum = (values: readonly bigint[]): bigint => values.reduce((all, one) => all + one, 0n);
  const amounts = lines.map(({ energy, penalty }, k) => energy - penalty - surrendered[k].cost);
  const allowances = surrendered.map(({ cost }) => cost);
  const system = [sum(allowances), -sum(lines.map(({ energy }) => energy))];
  const ids = [...lines.map(({ id }) => id), DESK_ID, UTILITY_ID];
  const all = [...amounts, ...system].map((amount, k) => amount + leftOf(ids[k]));
  const has = ids.map((id) => debitable(id).nano);
  const fund = sum(lines.map(({ penalty }) => penalty)) + leftOf(INSURANCE_ID);
  const shares = share(all, has, fund, debitable(INSURANCE_ID).nano);
  const bought = sum(surrendered.map((one) => one.bought));
  const of = (id: number, nano: bigint, grams = 0n, released = 0n): Entry => ({ id, nano, grams, released });
  const entries = [
    ...lines.map(({ id, released }, k) =>
      of(id, shares.moved[k], -surrendered[k].given, kind === "provisional" ? 0n : released),
    ),
    of(INSURANCE_ID, shares.fund),
    of(DESK_ID, shares.moved[lines.length], -bought),
    of(UTILITY_ID, shares.moved[lines.length + 1]),
  ];
  if (sum(entries.map(({ nano }) => nano)) !== 0n) throw new Error("a delivery's money does not sum to zero");
  const arrears = new Map(
    ids.flatMap((id, k) => (all[k] < 0n && shares.moved[k] !== all[k] ? [[id, shares.moved[k] - all[k]]] : [])),
  );
  const rest = [
    ...ids.map((id, k) => [id, all[k] - shares.moved[k]] as const),
    [INSURANCE_ID, fund - shares.fund] as const,
  ];
  const unmoved = new Map(rest.filter(([, nano]) => nano !== 0n));
  const burned = -sum(entries.map(({ grams }) => grams));
  const { byFund, byReceivers } = shares;
  return { entries, burned, takenUp, arrears, unmoved, byFund, byReceivers, allowances };
}

/** Allowances of the account first, the rest from the desk, as far as the account's bound still lets it pay. */
function surrender(
  { emissionsG, energy, penalty, most }: Line,
  left: bigint,
  { allowancePrice, has }: { readonly allowancePrice: bigint; readonly has: bigint },
) {
  if (emissionsG <= 0n) return { given: emissionsG, bought: 0n, cost: 0n };
  const given = min(emissionsG, has);
  const bought = emissionsG - given;
  const room = most + min(energy - penalty + left, 0n);
  return { given, bought, cost: min(bought * allowancePrice, room > 0n ? room : 0n) };
}
