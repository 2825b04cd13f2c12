/**
 * `settle` in bigint: the same predicates under the same names, in the same order, as contracts/rules/.
 * Pure: what a node checks before it signs and what the auditor re-executes.
 */
import { DESK, OPERATOR, SESSION_PERIOD, type Trade, UTILITY } from "../market/result/clearingResult.ts";
import * as Grid from "../codec/gridModel.ts";
import * as Payload from "../codec/payload.ts";
import type { FrozenLimits } from "../codec/typedData.ts";
import { attempt, type Refusal, refuse } from "../codec/refusal.ts";
import type { StandingLoad } from "../codec/standingLoads.ts";

export type LedgerAccount = {
  /** Nano-dollars. */
  readonly deposit: bigint;
  /** Grams. */
  readonly carbon: bigint;
  /** What stays until it is delivered, 1e-3 $: of the epoch before that of `day`, and of that of `day`. */
  readonly heldBefore: bigint;
  readonly held: bigint;
  readonly spentMicro: bigint;
  /** UTC day on which the last session started that the account took part in. */
  readonly day: bigint;
};

export type Terms = {
  readonly start: bigint;
  readonly periodSeconds: number;
  readonly periods: number;
  readonly ordinal: bigint;
  readonly priceCap: bigint;
  /** 1e-6 $ per kWh that is sold and not delivered. */
  readonly imbalancePrice: bigint;
  /** UTC days on which the current epoch of what is held began, and the one before it (contracts/types/Session.sol). */
  readonly epochDay: bigint;
  readonly beforeDay: bigint;
};

export type Ledger = {
  readonly terms: Terms;
  readonly grid: Grid.GridModel;
  /** By account id; system accounts under SYSTEM_ID + 0..2. */
  readonly accounts: ReadonlyMap<number, LedgerAccount>;
  readonly limits: ReadonlyMap<number, FrozenLimits>;
  /** What those load who take no part, by the session's terms; absent: nobody has told the chain. */
  readonly standing?: readonly StandingLoad[];
};

export type Delta = { readonly id: number; readonly money: bigint; readonly carbon: bigint };

export type Settlement = {
  readonly kind: "settled";
  readonly accounts: ReadonlyMap<number, LedgerAccount>;
  /** In the event's order: participants, then desk, operator, utility where they take part. */
  readonly deltas: readonly Delta[];
};

/** Account id of DESK; OPERATOR and UTILITY follow. */
export const SYSTEM_ID = 0xfffffffd;
const MAX_DEPOSIT = (1n << 64n) - 1n;
const MAX_CARBON = (1n << 55n) - 1n;
const NANO_PER_MICRO = 1000n;
const HOLD_UNIT = 1_000_000n;
const MOST_HELD = (1n << 32n) - 1n;
/** An account that nobody has paid to yet. */
export const EMPTY: LedgerAccount = { deposit: 0n, carbon: 0n, heldBefore: 0n, held: 0n, spentMicro: 0n, day: 0n };

type Position = {
  energyWh: bigint;
  reserveSoldW: bigint;
  reserveBoughtW: bigint;
  /** Nano-dollars, of energy and network alone. */
  money: bigint;
  chargedWh: bigint;
  /** Fed in, var. */
  readonly reactiveVar: bigint;
};

type Entry = {
  readonly id: number;
  readonly party: number;
  readonly account: LedgerAccount;
  readonly limits: FrozenLimits;
  readonly place: Grid.Placed;
  money: bigint;
  /** Grams received, and the money for them. */
  carbon: bigint;
  carbonMoney: bigint;
  readonly positions: Position[];
};

export function settle(ledger: Ledger, bytes: Uint8Array): Settlement | Refusal {
  return attempt(() => {
    const payload = Payload.decode(bytes, ledger.terms.periods);
    const entries = openEntries(ledger, payload);
    let last = -1;
    payload.trades.forEach((trade, i) => {
      if (Payload.tradeKey(trade) <= last) refuse("tradesNotAscending", i);
      checkTrade(trade, i, entries, ledger.terms, payload.participants.length);
      net(trade, entries);
      last = Payload.tradeKey(trade);
    });
    if (payload.participants.length !== ledger.grid.prosumers.length && ledger.standing === undefined)
      refuse("standingLoadsMissing");
    const accounts = new Map(ledger.accounts);
    for (const entry of entries.values()) {
      entry.positions.forEach((position, t) => {
        entry.money += position.money;
        checkPosition(entry, position, t, ledger.terms);
      });
      checkAllowances(entry);
      entry.money += entry.carbonMoney;
      accounts.set(entry.id, settleAccount(entry, ledger.terms));
    }
    for (let t = 0; t < ledger.terms.periods; t++) checkGrid(ledger, payload, entries, t);
    const deltas = [...entries.values()].map(({ id, money, carbon }) => ({ id, money, carbon }));
    return { kind: "settled", accounts, deltas };
  });
}

/** Entries by party number of the payload, in the event's order. */
function openEntries(ledger: Ledger, payload: Payload.Payload): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  const places = new Map(ledger.grid.prosumers.map((placed) => [placed.id, placed]));
  const end = ledger.terms.start + BigInt(ledger.terms.periods * ledger.terms.periodSeconds);
  const open = (id: number, party: number): void => {
    const account = ledger.accounts.get(id) ?? EMPTY;
    const limits = ledger.limits.get(id);
    const place = id < SYSTEM_ID ? places.get(id) : { id, bus: 0, absorbVar: Grid.ANY_VAR, feedVar: Grid.ANY_VAR };
    if (limits === undefined || place === undefined || limits.validUntil < end) refuse("notLocked", id);
    const positions = Array.from({ length: ledger.terms.periods }, (_, t) => ({
      energyWh: 0n,
      reserveSoldW: 0n,
      reserveBoughtW: 0n,
      money: 0n,
      chargedWh: 0n,
      reactiveVar: BigInt(payload.reactiveVar[party]?.[t] ?? 0),
    }));
    entries.set(party, { id, party, account, limits, place, money: 0n, carbon: 0n, carbonMoney: 0n, positions });
  };
  payload.participants.forEach((id, k) => {
    if (id >= SYSTEM_ID || id <= (payload.participants[k - 1] ?? 0)) refuse("participantsNotAscending", k);
    open(id, k);
  });
  Payload.SYSTEMS.forEach((party, k) => {
    if ((payload.systems >> k) & 1) open(SYSTEM_ID + k, party);
  });
  return entries;
}

function checkTrade(
  trade: Trade,
  i: number,
  entries: ReadonlyMap<number, Entry>,
  terms: Terms,
  participants: number,
): void {
  const known =
    trade.period === SESSION_PERIOD
      ? trade.product === "network" || trade.product === "carbon"
      : trade.product !== "carbon" && trade.period < terms.periods;
  if (!known) refuse("unknownPeriod", i);
  const seller = entries.get(trade.seller);
  const buyer = entries.get(trade.buyer);
  if (seller === undefined || buyer === undefined) refuse("unknownParty", i);
  if (seller === buyer) refuse("selfTrade", i);
  if (!mayTrade(trade, participants, entries.has(UTILITY))) refuse("wrongParties", i);
  if (trade.quantity === 0) refuse("zeroQuantity", i);
  const price = BigInt(trade.price);
  if (price > terms.priceCap || price < -terms.priceCap) refuse("priceBeyondCap", i);
  if (trade.product === "network" && trade.period === SESSION_PERIOD && price > 0n) refuse("rebatePositive", i);
  if (trade.product !== "reserve") return;
  // A mandate's reserve prices are those of an hour.
  const hourly = price * perHour(terms);
  if (hourly < seller.limits.minReservePrice) refuse("reservePriceOutsideMandate", seller.id, i);
  if (hourly > buyer.limits.maxReservePrice) refuse("reservePriceOutsideMandate", buyer.id, i);
}

/** Periods in an hour. */
const perHour = ({ periodSeconds }: Terms): bigint => BigInt(3600 / periodSeconds);

function mayTrade({ product, seller, buyer }: Trade, participants: number, utility: boolean): boolean {
  const prosumer = (party: number): boolean => party < participants;
  const orUtility = (party: number): boolean => prosumer(party) || party === UTILITY;
  const orDesk = (party: number): boolean => prosumer(party) || party === DESK;
  if (product === "network") return seller === OPERATOR && prosumer(buyer);
  if (product === "energy") return orUtility(seller) && orUtility(buyer);
  // What the operator charges for responses is reserve that it sells, where the utility takes part as well.
  if (product === "reserve") return (orUtility(seller) || (utility && seller === OPERATOR)) && prosumer(buyer);
  return orDesk(seller) && orDesk(buyer);
}

/**
 * One amount is added to the seller and taken from the buyer: every product and the money sum to zero by construction.
 */
function net(trade: Trade, entries: ReadonlyMap<number, Entry>): void {
  const seller = entries.get(trade.seller) as Entry;
  const buyer = entries.get(trade.buyer) as Entry;
  const quantity = BigInt(trade.quantity);
  const nano = quantity * BigInt(trade.price);
  if (trade.product === "carbon") {
    seller.carbonMoney += nano;
    buyer.carbonMoney -= nano;
    seller.carbon -= quantity;
    buyer.carbon += quantity;
    return;
  }
  if (trade.period === SESSION_PERIOD) {
    seller.money += nano;
    buyer.money -= nano;
    return;
  }
  const sold = seller.positions[trade.period];
  const bought = buyer.positions[trade.period];
  if (trade.product === "network") {
    // The operator has no energy to hold its charges against.
    seller.money += nano;
    bought.money -= nano;
    bought.chargedWh = quantity;
  } else if (trade.product === "energy") {
    sold.money += nano;
    bought.money -= nano;
    sold.energyWh += quantity;
    bought.energyWh -= quantity;
  } else {
    seller.money += nano;
    buyer.money -= nano;
    sold.reserveSoldW += quantity;
    bought.reserveBoughtW += quantity;
  }
}

/**
 * Money of energy and network together is no worse than the net energy at its limit price: nothing is lost on a net of
 * zero.
 */
function checkPosition({ id, limits, place }: Entry, position: Position, t: number, terms: Terms): void {
  const { energyWh, money, chargedWh } = position;
  const buys = energyWh < 0n;
  const magnitude = buys ? -energyWh : energyWh;
  if (chargedWh !== 0n && chargedWh !== magnitude) refuse("networkMismatch", id, t);
  if (money < energyWh * (buys ? limits.maxBuy : limits.minSell)) refuse("energyMoneyBeyondMandate", id, t);
  if (magnitude * perHour(terms) > (buys ? limits.maxBuyW : limits.maxSellW)) refuse("energyBeyondMandate", id, t);
  if (position.reserveSoldW > limits.maxReserveW || position.reserveBoughtW > limits.maxReserveW) {
    refuse("reserveBeyondMandate", id, t);
  }
  const { reactiveVar } = position;
  if (reactiveVar < -BigInt(place.absorbVar) || reactiveVar > BigInt(place.feedVar))
    refuse("reactiveBeyondCapability", id, t);
}

/** As energy in a period, over the session. */
function checkAllowances({ id, limits, carbon, carbonMoney }: Entry): void {
  const sells = carbon < 0n;
  if (carbonMoney < -carbon * (sells ? limits.minCarbonPrice : limits.maxCarbonPrice)) {
    refuse("carbonMoneyBeyondMandate", id);
  }
  if ((sells ? -carbon : carbon) > limits.maxCarbonG) refuse("carbonBeyondMandate", id);
}

/** Most that an account may spend in the session, nano-dollars: what is left of its day, and never more than it has. */
export function mostSpent(
  { start }: Pick<Terms, "start">,
  account: LedgerAccount,
  { maxSpendPerDay }: Pick<FrozenLimits, "maxSpendPerDay">,
): bigint {
  const spent = account.day === start / 86_400n ? account.spentMicro : 0n;
  const left = maxSpendPerDay > spent ? (maxSpendPerDay - spent) * NANO_PER_MICRO : 0n;
  return left < account.deposit ? left : account.deposit;
}

function settleAccount(entry: Entry, terms: Terms): LedgerAccount {
  const { id, account, limits, money, carbon } = entry;
  const day = terms.start / 86_400n;
  const spent = account.day === day ? account.spentMicro : 0n;
  const deposit = account.deposit + money;
  if (-money > mostSpent(terms, account, limits)) refuse("spendBeyondLock", id);
  if (deposit > MAX_DEPOSIT) refuse("depositOverflow", id);
  const grams = account.carbon + carbon;
  if (grams < 0n && id !== SYSTEM_ID) refuse("carbonBelowZero", id);
  if (grams > MAX_CARBON || grams < -MAX_CARBON - 1n) refuse("carbonOverflow", id);
  const spentUp = money < 0n ? (-money + NANO_PER_MICRO - 1n) / NANO_PER_MICRO : 0n;
  return { deposit, carbon: grams, ...holds(entry, terms), spentMicro: spent + spentUp, day };
}

/**
 * Nobody is paid out before delivery: what was received, or what the energy sold costs if it is not delivered, is held.
 * What the account held of an epoch that is over is free; utility and operator are exempt.
 */
function holds({ id, account, money, positions }: Entry, terms: Terms): { heldBefore: bigint; held: bigint } {
  let { heldBefore, held } = account;
  if (account.day < terms.epochDay) [heldBefore, held] = [account.day < terms.beforeDay ? 0n : held, 0n];
  if (id > SYSTEM_ID) return { heldBefore, held };
  const soldWh = positions.reduce((sum, { energyWh }) => (energyWh > 0n ? sum + energyWh : sum), 0n);
  const owed = soldWh * terms.imbalancePrice;
  const due = money > owed ? money : owed;
  const total = held + (due + HOLD_UNIT - 1n) / HOLD_UNIT;
  return { heldBefore, held: total > MOST_HELD ? MOST_HELD : total };
}

/** LinDistFlow of one period: flows from the leaves to the root, then squared voltages from the root to the leaves. */
function checkGrid(ledger: Ledger, payload: Payload.Payload, entries: ReadonlyMap<number, Entry>, t: number): void {
  const { grid, terms } = ledger;
  const active = new Array<bigint>(grid.buses).fill(0n);
  const reactive = new Array<bigint>(grid.buses).fill(0n);
  const wattPerWh = perHour(terms);
  payload.participants.forEach((_, k) => {
    const { place, positions } = entries.get(k) as Entry;
    active[place.bus] += positions[t].energyWh * wattPerWh;
    reactive[place.bus] += positions[t].reactiveVar;
  });
  const taking = new Set(payload.participants);
  for (const { id, watts, vars } of ledger.standing ?? []) {
    const place = grid.prosumers.find((placed) => placed.id === id);
    if (place === undefined || taking.has(id)) continue;
    active[place.bus] += BigInt(watts[watts.length === 1 ? 0 : t]);
    reactive[place.bus] += BigInt(vars[vars.length === 1 ? 0 : t]);
  }
  for (let bus = grid.buses - 1; bus > 0; bus--) {
    const branch = grid.branches[bus - 1];
    if (branch.rating !== Grid.UNLIMITED && !insideTwelveGon(active[bus], reactive[bus], branch.rating)) {
      refuse("lineLimit", t, bus);
    }
    active[branch.parent] += active[bus];
    reactive[branch.parent] += reactive[bus];
  }
  const voltage = [Grid.ROOT_VOLTAGE];
  for (let bus = 1; bus < grid.buses; bus++) {
    const branch = grid.branches[bus - 1];
    voltage[bus] = voltage[branch.parent] + branch.r * active[bus] + branch.x * reactive[bus];
    const comparable = voltage[bus] >> Grid.VOLTAGE_SHIFT;
    if (comparable < branch.vMin2 || comparable > branch.vMax2) refuse("voltageBand", t, bus);
  }
}

/** sqrt(3) in 1e-9, rounded down: a flow inside the 12-gon is never refused. */
const SQRT3_DOWN = 1_732_050_807n;
const UNIT = 1_000_000_000n;

/** abs(cos p + sin q) <= rating at 0, 30, 60 and 90 degrees; by symmetry that is all six pairs of facets. */
export function insideTwelveGon(active: bigint, reactive: bigint, rating: bigint): boolean {
  const p = active < 0n ? -active : active;
  const q = reactive < 0n ? -reactive : reactive;
  const bound = 2n * UNIT * rating;
  return p <= rating && q <= rating && SQRT3_DOWN * p + UNIT * q <= bound && UNIT * p + SQRT3_DOWN * q <= bound;
}
