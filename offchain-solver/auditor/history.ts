/**
 * The market's state, rebuilt event by event. Released contracts do not contradict themselves: where two events do, one
 * between them was not seen, and what depends on it is in doubt.
 */
import type { Result } from "ethers";
import { MARKET, REGISTRY } from "../codec/abi.ts";
import { type Limits, marketDomain, type Mandate, sessionHash, type SessionTerms } from "../codec/typedData.ts";
import * as Grid from "../codec/gridModel.ts";
import type { ChainLog } from "../chain/look.ts";
import { type Ledger, type LedgerAccount, SYSTEM_ID } from "../ledger/settlementModel.ts";
import type { Context } from "./judge.ts";

export type History = {
  readonly chainId: bigint;
  readonly market: string;
  readonly accounts: Map<number, LedgerAccount>;
  /** Tokens that have left the accounts and not yet the market, by account. */
  readonly pending: Map<number, bigint>;
  /** Accounts of whose balances something was not seen: what they hold is not known. */
  readonly unknown: Set<number>;
  readonly mandates: Map<number, Mandate>;
  readonly nodeKeys: Map<number, string>;
  readonly wallets: Map<number, string>;
  /** By epoch: node keys in the order of the bits. */
  readonly committees: Map<bigint, readonly string[]>;
  /** By hash: address of the code that holds the model. */
  readonly gridModels: Map<string, string>;
  readonly limits: Map<number, Limits>;
  priceCap: bigint | undefined;
  nextPriceCap: bigint | undefined;
  session: FrozenSession | undefined;
  /** Sessions frozen and batches settled so far. */
  ordinal: bigint;
  sequence: bigint;
  lastBatch: string;
};

/** `nodeKeys`: by prosumer id, as they were at the freeze: who rotates a key later has signed with the one before. */
export type FrozenSession = {
  readonly terms: SessionTerms;
  readonly transaction: string;
  readonly nodeKeys: ReadonlyMap<number, string>;
  /** How many events of the transaction that froze it were seen. */
  events: number;
  /** Left out although their mandate was seen to last: right where the feeder has no place for them. */
  readonly leftOut: number[];
  /** Why it cannot be decided, if it cannot: what was not seen. */
  doubt: string | undefined;
  state: "open" | "cancelled" | "settled";
};

/** A batch of which no event was seen. */
export type Unseen = { readonly sequence: bigint; readonly batch: string };

export const NO_BATCH = `0x${"00".repeat(32)}`;
const EMPTY: LedgerAccount = { deposit: 0n, carbon: 0n, lockedMicro: 0n, spentMicro: 0n, day: 0n, session: 0n };
/** More allowances than any session moves: of an account of which they are not known. */
const ENOUGH_CARBON = 1n << 50n;
const NANO_PER_TOKEN = 1000n;

export function begin(chainId: bigint, market: string): History {
  return {
    chainId,
    market,
    accounts: new Map(),
    pending: new Map(),
    unknown: new Set(),
    mandates: new Map(),
    nodeKeys: new Map(),
    wallets: new Map(),
    committees: new Map(),
    gridModels: new Map(),
    limits: new Map(),
    priceCap: undefined,
    nextPriceCap: undefined,
    session: undefined,
    ordinal: 0n,
    sequence: 0n,
    lastBatch: NO_BATCH,
  };
}

export const accountOf = (history: History, id: number): LedgerAccount => history.accounts.get(id) ?? EMPTY;

/** Something was not seen: what is open or comes next is in doubt. */
function doubt(history: History, what: string): void {
  if (history.session?.state === "open") history.session.doubt ??= what;
}

/** Applies one event of the registry or the market other than Settled; returns batches that must have come before. */
export function apply(history: History, log: ChainLog): Unseen[] {
  const parsed = (log.address === history.market ? MARKET : REGISTRY).parseLog(log);
  if (parsed === null) return [];
  const unseen = applyParsed(history, log, parsed.name, parsed.args);
  if (history.session?.transaction === log.transaction && log.address === history.market) history.session.events++;
  return unseen;
}

function applyParsed(history: History, log: ChainLog, name: string, args: Result): Unseen[] {
  switch (name) {
    case "PriceCapChanged":
      history.nextPriceCap = args.priceCap;
      return [];
    case "SessionFrozen":
      return freeze(history, args, log);
    case "SessionCancelled":
      // Over like a settled one: no batch of it can follow.
      if (history.session !== undefined) history.session.state = "cancelled";
      return [];
    case "MandateLocked":
      lock(history, args);
      return [];
    case "LeftOut":
      leaveOut(history, Number(args.id));
      return [];
    default:
      if (!applyToParties(history, name, args)) applyToAccount(history, name, args);
      return [];
  }
}

function applyToParties(history: History, name: string, args: Result): boolean {
  switch (name) {
    case "Registered":
      history.wallets.set(Number(args.id), args.wallet);
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      return true;
    case "WalletRotated":
      history.wallets.set(Number(args.id), args.wallet);
      return true;
    case "NodeKeyRotated":
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      return true;
    case "GridModelAdded":
      history.gridModels.set(args.hash, args.pointer);
      return true;
    case "CommitteeAppointed": {
      const keys = args.ids.map((id: bigint) => history.nodeKeys.get(Number(id)));
      // A member whose registration was not seen: nobody knows the keys.
      if (!keys.includes(undefined)) history.committees.set(args.epoch, keys);
      return true;
    }
    case "MemberChanged": {
      const previous = history.committees.get(args.previous);
      if (previous !== undefined) history.committees.set(args.epoch, previous.with(Number(args.bit), args.key));
      return true;
    }
    default:
      return false;
  }
}

function applyToAccount(history: History, name: string, args: Result): void {
  const id = Number(args.id);
  const account = accountOf(history, id);
  switch (name) {
    case "Deposited":
      history.accounts.set(id, { ...account, deposit: account.deposit + args.nano });
      break;
    case "WithdrawalRequested": {
      const deposit = account.deposit - args.tokens * NANO_PER_TOKEN;
      history.pending.set(id, (history.pending.get(id) ?? 0n) + args.tokens);
      history.accounts.set(id, { ...account, deposit: deposit < 0n ? 0n : deposit });
      if (deposit < 0n) unseenOf(history, id, `a deposit of account ${id}`);
      break;
    }
    case "Withdrawn":
      history.pending.set(id, (history.pending.get(id) ?? 0n) - args.tokens);
      break;
    case "AllowancesIssued":
      history.accounts.set(id, { ...account, carbon: account.carbon + args.grams });
      break;
    case "MandateRegistered":
      history.mandates.set(id, { ...args.mandate.toObject(), prosumer: id });
      break;
    case "MandateRevoked":
    case "MandateEnded":
      history.mandates.delete(id);
      break;
  }
}

function unseenOf(history: History, id: number, what: string): void {
  if (!history.unknown.has(id)) doubt(history, what);
  history.unknown.add(id);
}

function freeze(history: History, args: Result, { transaction }: ChainLog): Unseen[] {
  const unseen = batchesBetween(history, args.sequence, args.previousBatch);
  history.priceCap = history.nextPriceCap;
  const terms: SessionTerms = {
    epoch: args.epoch,
    sequence: args.sequence,
    ordinal: args.ordinal,
    previousBatch: args.previousBatch,
    gridModel: args.gridModel,
    termsHash: args.termsHash,
    start: args.start,
    periodSeconds: Number(args.periodSeconds),
    periods: Number(args.periods),
    deadline: args.deadline,
  };
  const said = sessionHash(terms) === args.sessionHash;
  history.session = {
    terms,
    transaction,
    nodeKeys: new Map(history.nodeKeys),
    events: 0,
    leftOut: [],
    doubt: said ? undefined : `the event that froze session ${args.ordinal} as it was`,
    state: "open",
  };
  history.ordinal = args.ordinal;
  history.limits.clear();
  return unseen;
}

/** Settled batches up to `sequence` that no event told of; from then on nobody knows who holds what. */
export function batchesBetween(history: History, sequence: bigint, last: string): Unseen[] {
  const unseen: Unseen[] = [];
  for (let k = history.sequence + 1n; k <= sequence; k++)
    unseen.push({ sequence: k, batch: k === sequence ? last : NO_BATCH });
  if (unseen.length > 0) for (const id of history.accounts.keys()) history.unknown.add(id);
  history.sequence = sequence;
  history.lastBatch = last;
  return unseen;
}

/** The limits are those of the mandate that was registered; the event must agree with it, and with what is held. */
function lock(history: History, args: Result): void {
  const { session } = history;
  const id = Number(args.id);
  if (session === undefined || session.terms.ordinal !== args.ordinal) return;
  const { terms } = session;
  const account = accountOf(history, id);
  const mandate = history.mandates.get(id);
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  const frozen = limitsOf(args.limits, args.capacity);
  const same = mandate !== undefined && FIELDS.every(([field]) => mandate[field] === frozen[field]);
  if (!same || mandate.validUntil < end) doubt(history, `a mandate of account ${id}`);
  else if (!history.unknown.has(id) && args.lockedMicro !== expectedLock(account, mandate, terms))
    unseenOf(history, id, `what account ${id} deposited or spent`);
  const known = history.unknown.has(id)
    ? { ...EMPTY, deposit: args.lockedMicro * NANO_PER_TOKEN, carbon: ENOUGH_CARBON }
    : account;
  history.accounts.set(id, { ...known, lockedMicro: args.lockedMicro, session: terms.ordinal });
  history.limits.set(id, frozen);
}

function expectedLock(account: LedgerAccount, mandate: Mandate, terms: SessionTerms): bigint {
  const spent = account.day === terms.start / 86_400n ? account.spentMicro : 0n;
  const allowed = mandate.maxSpendPerDay > spent ? mandate.maxSpendPerDay - spent : 0n;
  const covered = account.deposit / NANO_PER_TOKEN;
  return allowed < covered ? allowed : covered;
}

/** Members of the two words of a frozen mandate, lowest bits first (contracts/types/Mandate.sol). */
const FIELDS = [
  ["maxBuy", 24, true],
  ["minSell", 24, true],
  ["maxBuyW", 32, false],
  ["maxSellW", 32, false],
  ["minReservePrice", 24, true],
  ["maxReservePrice", 24, true],
  ["maxReserveW", 32, false],
  ["maxCarbonPrice", 24, true],
  ["minCarbonPrice", 24, true],
  ["maxCarbonG", 32, false],
] as const;

function limitsOf(word: bigint, capacity: bigint): Limits {
  let rest = word;
  const entries = FIELDS.map(([field, bits, signed]) => {
    const from = field === "maxCarbonG" ? capacity : rest;
    const value = signed ? BigInt.asIntN(bits, from) : BigInt.asUintN(bits, from);
    rest >>= BigInt(bits);
    return [field, value];
  });
  return Object.fromEntries(entries) as Limits;
}

/** Somebody with a mandate for the whole session is not left out unless it ended, or the feeder has no place for it. */
function leaveOut(history: History, id: number): void {
  const { session } = history;
  const mandate = history.mandates.get(id);
  if (session === undefined || mandate === undefined) return;
  const { terms } = session;
  if (mandate.validUntil >= terms.start + BigInt(terms.periods * terms.periodSeconds)) session.leftOut.push(id);
}

/** Whom a session left out that had a mandate and a place: the end of the mandate was not seen. */
export function wronglyLeftOut({ leftOut }: FrozenSession, grid: Grid.GridModel): number | undefined {
  const placed = new Set(grid.prosumers.map(({ id }) => id));
  return leftOut.find((id) => id >= SYSTEM_ID || placed.has(id));
}

/** What a batch of the open session is judged by; a string names what is missing. `grid`: bytes of the frozen model. */
export function context(history: History, grid: Uint8Array): Context | string {
  const { session, priceCap } = history;
  if (session === undefined) return "the event that froze the session";
  const { terms } = session;
  const committee = history.committees.get(terms.epoch);
  if (committee === undefined) return `the committee of epoch ${terms.epoch}`;
  if (priceCap === undefined) return "the event that set the price cap (the first of the market)";
  const { start, periodSeconds, periods, ordinal } = terms;
  const ledger: Ledger = {
    terms: { start, periodSeconds, periods, ordinal, priceCap },
    grid: Grid.decode(grid),
    accounts: history.accounts,
    limits: history.limits,
  };
  return { domain: marketDomain(history.chainId, history.market), terms, committee, ledger, state: session.state };
}
