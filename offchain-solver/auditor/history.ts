/**
 * The market's state, rebuilt event by event. Released contracts do not contradict themselves: where two events do, one
 * between them was not seen, and what depends on it is in doubt.
 */
import { getBytes, type Result } from "ethers";
import { MARKET, REGISTRY } from "../codec/abi.ts";
import { type FrozenLimits, marketDomain, type Mandate, sessionHash, type SessionTerms } from "../codec/typedData.ts";
import { decodeEntries } from "../codec/entries.ts";
import type { FrozenEntry } from "../codec/frozenTable.ts";
import { hashOfTold } from "../codec/terms.ts";
import * as Grid from "../codec/gridModel.ts";
import { decode as decodeLoads, type StandingLoad } from "../codec/standingLoads.ts";
import type { ChainLog } from "../chain/look.ts";
import { EMPTY, type Ledger, type LedgerAccount, SYSTEM_ID } from "../ledger/settlementModel.ts";
import { release } from "../ledger/posting.ts";
import { beginCredits, type Credits } from "./credits.ts";
import { beginEntries, type Entries } from "./entries.ts";
import type { Context } from "./judge.ts";
import type { Verdict } from "./verdict.ts";

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
  /** By prosumer id, every key that its meter has had, the last one last. */
  readonly meterKeys: Map<number, readonly string[]>;
  readonly wallets: Map<number, string>;
  /** By epoch: node keys in the order of the bits. */
  readonly committees: Map<bigint, readonly string[]>;
  /** By epoch: from when on that committee is in office, Unix seconds. */
  readonly seats: Map<bigint, bigint>;
  /** What was entered of deliveries, and issued of credits. */
  readonly entries: Entries;
  readonly credits: Credits;
  /** What is wrong with a posting that no entry and nothing collected explains. */
  posted: Verdict | undefined;
  /** By hash: address of the code that holds the model. */
  readonly gridModels: Map<string, string>;
  readonly limits: Map<number, FrozenLimits>;
  /** Code of the table of mandates that was written last. */
  table: string | undefined;
  /** UTC days on which the current epoch of what is held began, and the one before it; the open session not counted. */
  epochs: readonly [current: bigint, before: bigint];
  priceCap: bigint | undefined;
  nextPriceCap: bigint | undefined;
  session: FrozenSession | undefined;
  /** By ordinal, sessions that were frozen and are not settled; cancelled ones are over at once. */
  readonly unsettled: Map<bigint, Unsettled>;
  /** Sessions frozen and batches settled so far. */
  ordinal: bigint;
  sequence: bigint;
  lastBatch: string;
  /** How many events of the market's last transaction were seen. */
  last: { readonly transaction: string; readonly events: number };
};

export type Unsettled = Pick<FrozenSession, "terms" | "meterKeys"> & { readonly cancelled: boolean };

/**
 * `nodeKeys`, `meterKeys`: by prosumer id, as they were at the freeze: who rotates a key later has signed with the one
 * before.
 */
export type FrozenSession = {
  readonly terms: SessionTerms;
  readonly transaction: string;
  readonly nodeKeys: ReadonlyMap<number, string>;
  readonly meterKeys: ReadonlyMap<number, string>;
  /** How many events of the transaction that froze it were seen. */
  events: number;
  /** As they were at the freeze. */
  readonly mandates: ReadonlyMap<number, Mandate>;
  readonly table: string | undefined;
  /** If it is settled, it begins another epoch of what is held. */
  readonly turns: boolean;
  /** What those load who take no part in it, once somebody has told the chain. */
  standing?: readonly StandingLoad[];
  /** Why it cannot be decided, if it cannot: what was not seen. */
  doubt: string | undefined;
  state: "open" | "cancelled" | "settled";
};

/** A batch of which no event was seen. */
export type Unseen = { readonly sequence: bigint; readonly batch: string };

export const NO_BATCH = `0x${"00".repeat(32)}`;
/** More allowances than any session moves: of an account of which they are not known. */
const ENOUGH_CARBON = 1n << 50n;
const NANO_PER_TOKEN = 1000n;
/** When a committee counts that is appointed before the seal. */
const NEVER = (1n << 40n) - 1n;

export function begin(chainId: bigint, market: string): History {
  return {
    chainId,
    market,
    accounts: new Map(),
    pending: new Map(),
    unknown: new Set(),
    mandates: new Map(),
    nodeKeys: new Map(),
    meterKeys: new Map(),
    wallets: new Map(),
    committees: new Map(),
    seats: new Map(),
    entries: beginEntries(),
    credits: beginCredits(),
    posted: undefined,
    gridModels: new Map(),
    limits: new Map(),
    table: undefined,
    epochs: [0n, 0n],
    priceCap: undefined,
    nextPriceCap: undefined,
    session: undefined,
    unsettled: new Map(),
    ordinal: 0n,
    sequence: 0n,
    lastBatch: NO_BATCH,
    last: { transaction: "", events: 0 },
  };
}

export const accountOf = (history: History, id: number): LedgerAccount => history.accounts.get(id) ?? EMPTY;

/** What can be taken of an account: its deposit and grams less what a session that is live locks of them. */
export function debitableIn(history: History, id: number, at: bigint): { nano: bigint; grams: bigint } {
  const { deposit, carbon, day, spentMicro } = accountOf(history, id);
  const owned = carbon > 0n ? carbon : 0n;
  const { session } = history;
  const limits = history.limits.get(id);
  if (session?.state !== "open" || at > session.terms.deadline || limits === undefined)
    return { nano: deposit, grams: owned };
  const spent = day === session.terms.start / 86_400n ? spentMicro : 0n;
  const left = limits.maxSpendPerDay > spent ? (limits.maxSpendPerDay - spent) * NANO_PER_TOKEN : 0n;
  return {
    nano: deposit > left ? deposit - left : 0n,
    grams: owned > limits.maxCarbonG ? owned - limits.maxCarbonG : 0n,
  };
}

/** Something was not seen: what is open or comes next is in doubt. */
function doubt(history: History, what: string): void {
  if (history.session?.state === "open") history.session.doubt ??= what;
}

/** Applies one event of the registry or the market other than Settled; returns batches that must have come before. */
export function apply(history: History, log: ChainLog): Unseen[] {
  const parsed = (log.address === history.market ? MARKET : REGISTRY).parseLog(log);
  if (parsed === null) return [];
  const unseen = applyParsed(history, log, parsed.name, parsed.args);
  if (log.address === history.market) countSeen(history, log);
  return unseen;
}

/** Another event of the market was seen, `Settled` too: a transaction may settle one session and freeze the next. */
export function countSeen(history: History, { transaction }: ChainLog): void {
  const events = history.last.transaction === transaction ? history.last.events + 1 : 1;
  history.last = { transaction, events };
  if (history.session?.transaction === transaction) history.session.events = events;
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
      if (history.session !== undefined) {
        const { terms, meterKeys } = history.session;
        history.session.state = "cancelled";
        history.unsettled.set(terms.ordinal, { terms, meterKeys, cancelled: true });
      }
      return [];
    case "StandingLoadsPosted":
      tellLoads(history, args);
      return [];
    case "Posted":
      for (const { id, nano, grams, released } of decodeEntries(args.getValue("entries")))
        enter(history, id, nano, grams, (account) => release(account, released, args.day, history.epochs));
      return [];
    case "GramsMoved":
      enter(history, Number(args.id), 0n, args.grams);
      return [];
    case "TableWritten":
      history.table = args.pointer;
      return [];
    default:
      if (!applyToParties(history, name, args)) applyToAccount(history, name, args);
      return [];
  }
}

/** The chain takes only what the open session was frozen with. */
function tellLoads({ session }: History, { ordinal, stated, loads }: Result): void {
  if (session === undefined || session.terms.ordinal !== ordinal) return;
  const bytes = getBytes(loads);
  const standing = hashOfTold({ stated, loads: bytes }) === session.terms.termsHash ? decodeLoads(bytes) : undefined;
  if (standing === undefined)
    session.doubt ??= `the event that told what those load who take no part in session ${ordinal}`;
  else session.standing = standing;
}

/** What a posting says of one account; released contracts have checked it. */
function enter(
  history: History,
  id: number,
  nano: bigint,
  grams: bigint,
  then: (account: LedgerAccount) => LedgerAccount = (account) => account,
): void {
  const account = accountOf(history, id);
  const [deposit, carbon] = [account.deposit + nano, account.carbon + grams];
  if (deposit < 0n || (carbon < 0n && id !== SYSTEM_ID))
    unseenOf(history, id, `what account ${id} had before it was debited`);
  history.accounts.set(id, then({ ...account, deposit: deposit < 0n ? 0n : deposit, carbon }));
}

function applyToParties(history: History, name: string, args: Result): boolean {
  switch (name) {
    case "Registered":
      history.wallets.set(Number(args.id), args.wallet);
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      history.meterKeys.set(Number(args.id), [args.meterKey]);
      return true;
    case "WalletRotated":
      history.wallets.set(Number(args.id), args.wallet);
      return true;
    case "NodeKeyRotated":
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      return true;
    case "MeterKeyRotated":
      history.meterKeys.set(Number(args.id), [...(history.meterKeys.get(Number(args.id)) ?? []), args.meterKey]);
      return true;
    case "GridModelAdded":
      history.gridModels.set(args.hash, args.pointer);
      return true;
    case "CommitteeAppointed": {
      // The first is in office from the seal on, before which nothing settles.
      history.seats.set(args.epoch, args.effectiveAt === NEVER ? 0n : args.effectiveAt);
      const keys = args.ids.map((id: bigint) => history.nodeKeys.get(Number(id)));
      // A member whose registration was not seen: nobody knows the keys.
      if (!keys.includes(undefined)) history.committees.set(args.epoch, keys);
      return true;
    }
    case "MemberChanged": {
      const [previous, from] = [history.committees.get(args.previous), history.seats.get(args.previous)];
      if (from !== undefined) history.seats.set(args.epoch, from);
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
    case "WithdrawalMoved": {
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
    imbalancePrice: args.imbalancePrice,
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
    meterKeys: new Map([...history.meterKeys].map(([id, keys]) => [id, keys.at(-1)!])),
    events: 0,
    mandates: new Map(history.mandates),
    table: history.table,
    turns: args.turns,
    doubt: said ? undefined : `the event that froze session ${args.ordinal} as it was`,
    state: "open",
  };
  const { meterKeys } = history.session;
  history.unsettled.set(terms.ordinal, { terms, meterKeys, cancelled: false });
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

/** What of a mandate the table of a session holds. */
const FIELDS = [
  "maxBuy",
  "minSell",
  "maxBuyW",
  "maxSellW",
  "minReservePrice",
  "maxReservePrice",
  "maxReserveW",
  "maxCarbonPrice",
  "minCarbonPrice",
  "maxCarbonG",
  "maxSpendPerDay",
  "validUntil",
] as const;

/**
 * The table that the open session was frozen with holds who takes part and within which limits. It must be what the
 * events before the freeze make of it: otherwise a mandate or its end was not seen.
 */
export function takeTable(history: History, table: ReadonlyMap<number, FrozenEntry>): void {
  const { session } = history;
  if (session === undefined) return;
  const { terms, mandates } = session;
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  history.limits.clear();
  for (const [id, entry] of table) {
    const mandate = mandates.get(id);
    const covers = (limits: FrozenLimits | undefined): limits is FrozenLimits =>
      limits !== undefined && limits.validUntil >= end;
    const same =
      covers(mandate) === covers(entry) && (!covers(entry) || FIELDS.every((k) => entry[k] === mandate?.[k]));
    if (!same) session.doubt ??= `a mandate of account ${id}`;
    if (!covers(entry)) continue;
    history.limits.set(id, entry);
    // Of whom something was not seen no balance is known: enough of everything for what the mandate allows.
    if (history.unknown.has(id)) {
      const known = { ...EMPTY, deposit: entry.maxSpendPerDay * NANO_PER_TOKEN, carbon: ENOUGH_CARBON };
      history.accounts.set(id, known);
    }
  }
}

/** Who has a mandate for the whole session and a place, and is not in the table: it was not read whole. */
export function absentFrom(
  { terms, mandates }: FrozenSession,
  table: ReadonlyMap<number, FrozenEntry>,
  grid: Grid.GridModel,
): number | undefined {
  const placed = new Set(grid.prosumers.map(({ id }) => id));
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  return [...mandates]
    .filter(([id, { validUntil }]) => validUntil >= end && (id >= SYSTEM_ID || placed.has(id)))
    .map(([id]) => id)
    .find((id) => !table.has(id));
}

/** The epochs of what is held when a session is settled. */
export function epochsWith({ epochs }: History, { terms, turns }: FrozenSession): History["epochs"] {
  return turns ? [terms.start / 86_400n, epochs[0]] : epochs;
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
  const [epochDay, beforeDay] = epochsWith(history, session);
  const held = { imbalancePrice: session.terms.imbalancePrice, epochDay, beforeDay };
  const ledger: Ledger = {
    terms: { start, periodSeconds, periods, ordinal, priceCap, ...held },
    grid: Grid.decode(grid),
    accounts: history.accounts,
    limits: history.limits,
    ...(session.standing && { standing: session.standing }),
  };
  return { domain: marketDomain(history.chainId, history.market), terms, committee, ledger, state: session.state };
}
