/** The market's state as its events have made it, and what a batch of the open session is judged by. */
import * as Grid from "../codec/gridModel.ts";
import type { StandingLoad } from "../codec/standingLoads.ts";
import { type FrozenLimits, marketDomain, type Mandate, type SessionTerms } from "../codec/typedData.ts";
import { EMPTY, type Ledger, type LedgerAccount } from "../ledger/settlementModel.ts";
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
/** A dollar's millionths are what tokens and limits on money are counted in. */
export const NANO_PER_TOKEN = 1000n;

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
