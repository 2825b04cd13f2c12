/**
 * What an entry of readings moves, from its bytes alone: docs/delivery.md once more, written apart from the ledger that
 * made the entry, so that a mistake in one shows in the other. Integers only, nano-dollars and grams.
 */
import type { SessionReadings } from "../codec/readings.ts";

/** What a meter's readings are bounded by. */
export type Limits = {
  readonly feedW: number;
  readonly takeW: number;
  readonly renewableW: number;
  readonly maxPrice: number;
};

export type Terms = {
  readonly periods: number;
  readonly periodSeconds: number;
  /** Of its price that reserve costs that was called and not delivered. */
  readonly multiple: bigint;
  /** Most that a kWh costs that is short, 1e-6 $, as the session was frozen with. */
  readonly imbalancePrice: number;
  readonly limits: ReadonlyMap<number, Limits>;
};

/**
 * One account's, from all that is known of the session: received from the utility, paid to the fund. `short`, `long`
 * and `called` are what energy is made of before the connection bounds it.
 */
export type Charge = {
  readonly id: number;
  readonly most: bigint;
  readonly short: bigint;
  readonly long: bigint;
  readonly called: bigint;
  readonly energy: bigint;
  readonly penalty: bigint;
  readonly emissionsG: bigint;
  readonly releasedMilli: bigint;
};

export type Fault = { readonly predicate: string; readonly detail: string };
const fault = (predicate: string, detail: string): Fault => ({ predicate, detail });
export const isFault = (value: object): value is Fault => "predicate" in value;

const ESTIMATED = 1;
const MISSING = 2;
/** Most that a Wh of a connection emits. */
const MOST_G_PER_WH = 2n;

/** [row] charges; or what no contract takes. `closed`: what is missing was not delivered. */
export function chargesOf(readings: SessionReadings, terms: Terms, closed: boolean): Charge[] | Fault {
  const { rows, responses, prices } = readings;
  const wrong = priceFault(readings, terms) ?? responseFault(readings, terms) ?? rowFault(readings, terms);
  if (wrong !== undefined) return wrong;
  return rows.map(({ id, values, emissionsG, released }, row) => {
    const limits = terms.limits.get(id)!;
    const wattSeconds = BigInt(limits.feedW + limits.takeW) * BigInt(terms.periodSeconds * terms.periods);
    const most = (wattSeconds * BigInt(limits.maxPrice)) / 3600n;
    let [short, long, called, fine] = [0n, 0n, 0n, 0n];
    for (const [t, { dueWh, meteredWh, quality }] of values.entries()) {
      const asDelivered = quality === MISSING ? (closed ? Math.min(dueWh, 0) : dueWh) : meteredWh;
      short -= BigInt(Math.max(0, dueWh - asDelivered)) * BigInt(prices[t].shortPrice);
      long += BigInt(Math.max(0, asDelivered - dueWh)) * BigInt(prices[t].longPrice);
    }
    for (const { row: of, period, calledWh, undeliveredW, price } of responses) {
      if (of !== row) continue;
      called += BigInt(calledWh) * BigInt(prices[period].responsePrice);
      fine += terms.multiple * BigInt(undeliveredW) * BigInt(price);
    }
    const energy = between(short + long + called, -most, most);
    const penalty = least(fine, energy < 0n ? most + energy : most);
    const [grams, releasedMilli] = [BigInt(emissionsG), BigInt(released)];
    return { id, most, short, long, called, energy, penalty, emissionsG: grams, releasedMilli };
  });
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const between = (value: bigint, low: bigint, high: bigint): bigint => (value < low ? low : value > high ? high : value);

/** Called energy between what is long and what is short, and that no dearer than the terms say. */
function priceFault({ prices }: SessionReadings, { imbalancePrice }: Terms): Fault | undefined {
  for (const [t, { shortPrice, longPrice, responsePrice }] of prices.entries()) {
    if (Math.max(longPrice, Math.min(shortPrice, responsePrice)) !== responsePrice || longPrice > shortPrice)
      return fault("pricesOutOfOrder", `period ${t}: ${responsePrice} of ${longPrice} to ${shortPrice}`);
    if (shortPrice > imbalancePrice) return fault("priceBeyondTerms", `period ${t}: ${shortPrice}`);
  }
  return undefined;
}

/** The first thing in the rows that no entry may say. */
function rowFault({ rows }: SessionReadings, { limits, periodSeconds, periods }: Terms): Fault | undefined {
  const wh = (watts: number): number => Math.ceil((watts * periodSeconds) / 3600);
  for (const [k, { id, values, emissionsG }] of rows.entries()) {
    if (id <= (rows[k - 1]?.id ?? 0)) return fault("rowsNotAscending", `row ${k}`);
    const home = limits.get(id);
    if (home === undefined) return fault("noConnection", `account ${id}`);
    const mostG = MOST_G_PER_WH * BigInt(home.feedW + home.takeW) * BigInt(periodSeconds * periods);
    if (3600n * BigInt(emissionsG) > mostG) return fault("emissionsBeyondConnection", `account ${id}: ${emissionsG} g`);
    for (const [t, { meteredWh, renewableWh, quality }] of values.entries()) {
      const where = `account ${id}, period ${t}`;
      if (quality > MISSING) return fault("unknownQuality", where);
      if (quality === MISSING && (meteredWh !== 0 || renewableWh !== 0)) return fault("missingWithEnergy", where);
      if (meteredWh > wh(home.feedW) || -meteredWh > wh(home.takeW))
        return fault("meteredBeyondConnection", `${where}: ${meteredWh} Wh`);
      if (renewableWh > wh(home.renewableW)) return fault("renewableBeyondConnection", `${where}: ${renewableWh} Wh`);
    }
  }
  return undefined;
}

function responseFault({ responses, rows }: SessionReadings, { periods }: Terms): Fault | undefined {
  for (const [k, { row, period }] of responses.entries()) {
    const before = responses[k - 1];
    const later = before === undefined || row > before.row || (row === before.row && period > before.period);
    if (!later) return fault("responsesNotAscending", `response ${k}`);
    if (row >= rows.length || period >= periods) return fault("unknownReading", `response ${k}`);
  }
  return undefined;
}

/** Whether every value was measured: then a session is final before its metering window ends. */
export const allMeasured = ({ rows }: SessionReadings): boolean =>
  rows.every(({ values }) => values.every(({ quality }) => quality < ESTIMATED));

/** What this entry is about: what the readings come to less what was moved before. */
export function difference(now: readonly Charge[], before: readonly Charge[], wasFinal: boolean): Charge[] | Fault {
  const ids = (charges: readonly Charge[]): string => charges.map(({ id }) => id).join();
  if (ids(now) !== ids(before)) return fault("rowsChanged", `${now.length} rows, ${before.length} before`);
  return now.map((one, k) => {
    const old = before[k];
    const more = one.releasedMilli > old.releasedMilli ? one.releasedMilli - old.releasedMilli : 0n;
    return {
      ...one,
      short: one.short - old.short,
      long: one.long - old.long,
      called: one.called - old.called,
      energy: one.energy - old.energy,
      penalty: one.penalty - old.penalty,
      emissionsG: one.emissionsG - old.emissionsG,
      // A provisional entry releases nothing.
      releasedMilli: wasFinal ? more : one.releasedMilli,
    };
  });
}

export type Moved = {
  readonly id: number;
  readonly nano: bigint;
  readonly grams: bigint;
  readonly released: bigint;
};

export type Moves = {
  /** Ascending by account: insurance fund, desk and utility last. */
  readonly moved: readonly Moved[];
  /** By account: what stays to be received, below zero: to be paid; of those of whom all was moved nothing. */
  readonly unmoved: ReadonlyMap<number, bigint>;
  /** What nobody could take of these accounts. */
  readonly arrears: readonly (readonly [id: number, nano: bigint])[];
  readonly byFund: bigint;
  readonly byReceivers: bigint;
};

export const [FUND, DESK, UTILITY] = [0xfffffffc, 0xfffffffd, 0xffffffff];

/** What can be taken of an account. */
export type Free = (id: number) => { readonly nano: bigint; readonly grams: bigint };

/** What the entry before left, as the next one finds it. */
export type Resumed = {
  readonly left: ReadonlyMap<number, bigint>;
  /** Arrears that are part of `left` from now on. */
  readonly forgiven: readonly (readonly [id: number, nano: bigint])[];
};

/** `owed`: all that each account is known to owe; what of it was collected since lies with the fund. */
export function resume(unmoved: ReadonlyMap<number, bigint>, owed: ReadonlyMap<number, bigint>): Resumed {
  const debtors = [...unmoved].filter(([id, is]) => is < 0n && id !== FUND);
  const forgiven = debtors.map(([id, is]) => [id, least(-is, owed.get(id) ?? 0n)] as const);
  const collected = debtors.reduce((sum, [, is], k) => sum - is - forgiven[k][1], 0n);
  const left = new Map([...unmoved, ...forgiven.map(([id, nano]) => [id, -nano] as const)]);
  left.set(FUND, (unmoved.get(FUND) ?? 0n) - collected);
  return { left, forgiven: forgiven.filter(([, nano]) => nano > 0n) };
}

/** What an entry moves with: whether it is final, what can be taken of each account, what the one before left. */
export type Books = { readonly final: boolean; readonly free: Free; readonly left: ReadonlyMap<number, bigint> };

/** What enters the accounts: allowances first, then money as far as it is there, the rest by whom the rules name. */
export function movesOf(charges: readonly Charge[], allowancePrice: number, { final, free, left }: Books): Moves {
  const leftOf = (id: number): bigint => left.get(id) ?? 0n;
  const due = new Map<number, bigint>();
  const grams = new Map<number, bigint>([[DESK, 0n]]);
  let [fromDesk, fromUtility, fines] = [leftOf(DESK), leftOf(UTILITY), leftOf(FUND)];
  for (const { id, energy, penalty, emissionsG, most } of charges) {
    const own = emissionsG < 0n ? emissionsG : least(emissionsG, free(id).grams);
    const lacking = emissionsG - own;
    const charged = energy - penalty + leftOf(id);
    const debit = charged < 0n ? -charged : 0n;
    const cost = least(lacking * BigInt(allowancePrice), most > debit ? most - debit : 0n);
    grams.set(id, -own);
    grams.set(DESK, grams.get(DESK)! - lacking);
    due.set(id, charged - cost);
    fromDesk += cost;
    fromUtility -= energy;
    fines += penalty;
  }
  due.set(DESK, fromDesk);
  due.set(UTILITY, fromUtility);
  const borne = bear(due, fines, free);
  const released = new Map(charges.map((one) => [one.id, final ? one.releasedMilli : 0n]));
  const ids = [...charges.map(({ id }) => id), FUND, DESK, UTILITY];
  const nano = (id: number): bigint => (id === FUND ? borne.fund : borne.paid.get(id)!);
  const line = (id: number): Moved => ({
    id,
    nano: nano(id),
    grams: grams.get(id) ?? 0n,
    released: released.get(id) ?? 0n,
  });
  const rest = [
    ...[...due].map(([id, is]) => [id, is - borne.paid.get(id)!] as const),
    [FUND, fines - borne.fund] as const,
  ];
  return {
    moved: ids.map(line),
    unmoved: new Map(rest.filter(([, nano]) => nano !== 0n)),
    arrears: [...due].flatMap(([id, is]) =>
      is < 0n && borne.paid.get(id)! > is ? [[id, borne.paid.get(id)! - is] as const] : [],
    ),
    byFund: borne.byFund,
    byReceivers: borne.byReceivers,
  };
}

/** Debits as far as they can be paid, then the fund, then whoever receives, each in proportion. */
function bear(due: ReadonlyMap<number, bigint>, fines: bigint, free: Free) {
  const paid = new Map<number, bigint>();
  let missing = 0n;
  for (const [id, is] of due) {
    const can = is < 0n ? -least(-is, free(id).nano) : is;
    missing += can - is;
    paid.set(id, can);
  }
  const fundHas = free(FUND).nano;
  // Fines that are given back may be more than the fund still has.
  const fund = fines < 0n ? -least(-fines, fundHas) : fines;
  missing += fund - fines;
  const byFund = least(missing, fundHas + fund);
  const byReceivers = missing - byFund;
  const receivers = [...paid].filter(([, is]) => is > 0n);
  const all = receivers.reduce((sum, [, is]) => sum + is, 0n);
  if (byReceivers > 0n) for (const [id, cut] of cuts(receivers, byReceivers, all)) paid.set(id, paid.get(id)! - cut);
  return { paid, fund: fund - byFund, byFund, byReceivers };
}

/** Whole nano-dollars in proportion: rounded down, and one more where most was rounded off, lower ids first. */
function cuts(receivers: readonly (readonly [number, bigint])[], rest: bigint, all: bigint): Map<number, bigint> {
  const parts = receivers.map(([id, is]) => ({ id, cut: (rest * is) / all, off: (rest * is) % all }));
  let left = parts.reduce((sum, { cut }) => sum - cut, rest);
  const byRounding = parts.toSorted((a, b) => (a.off > b.off ? -1 : a.off < b.off ? 1 : a.id - b.id));
  const cut = new Map(parts.map((one) => [one.id, one.cut]));
  for (const { id } of byRounding) {
    if (left === 0n) break;
    cut.set(id, cut.get(id)! + 1n);
    left -= 1n;
  }
  return cut;
}

/** sold less bought in the batch and called: the first row and period whose due energy is another. */
export function dueFault(
  { rows, responses }: SessionReadings,
  participants: readonly number[],
  positionWh: (participant: number, period: number) => number,
): Fault | undefined {
  const absent = participants.find((id) => !rows.some((row) => row.id === id));
  if (absent !== undefined) return fault("dueNotTheBatch", `account ${absent} took part and has no row`);
  const called = new Map(responses.map(({ row, period, calledWh }) => [`${row} ${period}`, calledWh]));
  for (const [k, { id, values }] of rows.entries())
    for (const [t, { dueWh }] of values.entries()) {
      const i = participants.indexOf(id);
      const is = (i < 0 ? 0 : positionWh(i, t)) + (called.get(`${k} ${t}`) ?? 0);
      if (is !== dueWh) return fault("dueNotTheBatch", `account ${id}, period ${t}: ${is} Wh, not ${dueWh}`);
    }
  return undefined;
}
