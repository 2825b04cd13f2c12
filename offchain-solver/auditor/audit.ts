/** Rebuilds everything from the chain and judges every settled session. Imports neither clearing nor net. */
import { getAddress } from "ethers";
import { hiddenEnding } from "./endings.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import type { ChainLog, Look } from "../chain/look.ts";
import { MARKET } from "../codec/abi.ts";
import { NO_BUNDLES, type Bundles } from "./bundles.ts";
import * as Credits from "./credits.ts";
import * as Entries from "./entries.ts";
import * as History from "./history.ts";
import { apply } from "./historyEvents.ts";
import * as Table from "./mandateTable.ts";
import type { Release } from "./release.ts";
import { notSeen, settledSession, type AuditedSession, type Work } from "./settled.ts";
import { undecided, VALID, type Verdict } from "./verdict.ts";
import * as Words from "./words.ts";

export type { AuditedSession } from "./settled.ts";

export type AuditRequest = {
  readonly look: Look;
  readonly market: string;
  /** Block of the deployment, or earlier. */
  readonly fromBlock: number;
  /** What the contracts must run; without it nothing that depends on them is believed to be valid. */
  readonly release: Release;
  /** What the parties published; without it only what is on chain is judged. */
  readonly bundles?: Bundles;
  /** Where an earlier audit stopped. */
  readonly resume?: Standing;
  /** Told after every stretch of blocks: what can be kept to resume from. */
  readonly progress?: (standing: Standing, head: number) => void;
};

/** How far an audit has come: everything up to `block`, whose hash tells a chain from another. */
export type Standing = {
  readonly block: number;
  readonly hash: string;
  readonly history: History.History;
  readonly sessions: readonly AuditedSession[];
};

/** A session that was frozen and that nobody can settle any more. */
export type VoidSession = Pick<History.Unsettled, "terms" | "meterKeys">;

export type Audited = {
  readonly chainId: bigint;
  readonly market: string;
  readonly registry: string;
  /** The last block that was read. */
  readonly head: number;
  /** Of the market as a whole: its code, its ledger, and that no event was hidden. */
  readonly standing: Verdict;
  /** By account, as they are now. */
  readonly wallets: ReadonlyMap<number, string>;
  /** Every key that an account's meter has had, the last one last. */
  readonly meterKeys: ReadonlyMap<number, readonly string[]>;
  /** Oldest first. */
  readonly sessions: readonly AuditedSession[];
  /** Sessions that came to nothing, by time or since they were cancelled. */
  readonly voided: readonly VoidSession[];
  /** Readings that were entered, and credits that were issued, oldest first. */
  readonly entries: readonly Entries.AuditedEntry[];
  readonly credits: readonly Credits.AuditedCredit[];
  /** The contract that enters them, where there is one. */
  readonly delivery?: Entries.DeliveryContract;
};

/** Blocks asked for at once, at first and at most: an endpoint that takes fewer halves it. */
const FIRST_RANGE = 5_000;
const LONGEST_RANGE = 100_000;

/**
 * A verdict for every settled session, oldest first, and one for the market as a whole. Throws EndpointFault where not
 * even the chain, the market or its events could be read; whatever is missing after that makes one session undecided.
 */
export async function audit(request: AuditRequest): Promise<Audited> {
  const { look, bundles, release, resume } = request;
  const market = getAddress(request.market);
  const [chainId, head] = [await look.chainId(), await look.head()];
  const before = await look.block(head);
  const registry = await Words.addressIn(look, market, "registry", head);
  const posting = await Words.postingOf(look, market, head);
  const work: Work = {
    look,
    market,
    registry,
    bundles: bundles ?? NO_BUNDLES,
    judgesWitness: bundles !== undefined,
    release,
    history: resume?.history ?? History.begin(chainId, market),
    sessions: [...(resume?.sessions ?? [])],
    posting,
  };
  const posters = posting === undefined ? [] : [posting.delivery.address, posting.carbonCredit];
  await follow(work, request, [market, registry, ...posters], head);
  const standing = await standingAt(work, registry, head);
  const after = await look.block(head);
  const moved = before?.hash !== after?.hash ? undecided(`block ${head}: the chain changed while it was read`) : VALID;
  const whole = [moved, standing].find(({ kind }) => kind !== "valid") ?? VALID;
  // Nothing is valid in a market that runs other code, or does not hold what it owes.
  const sessions = work.sessions.map((session) =>
    whole.kind === "invalid" && session.verdict.kind === "valid" ? { ...session, verdict: whole } : session,
  );
  return {
    chainId,
    market,
    registry,
    head,
    standing: whole,
    wallets: work.history.wallets,
    meterKeys: work.history.meterKeys,
    sessions,
    voided: voidedAt(work, after?.timestamp ?? 0n),
    entries: [...work.history.entries.entered.values()].flat(),
    credits: work.history.credits.issued,
    ...(posting && { delivery: posting.delivery }),
  };
}

/** A session that was settled is in none of these, whatever was seen of it. */
function voidedAt({ history, sessions }: Work, now: bigint): VoidSession[] {
  const settled = new Set(sessions.map(({ ordinal }) => ordinal));
  return [...history.unsettled.values()].filter(
    ({ terms, cancelled }) => !settled.has(terms.ordinal) && (cancelled || terms.deadline < now),
  );
}

/** Reads the events in order, stretch by stretch. */
async function follow(work: Work, request: AuditRequest, addresses: string[], head: number): Promise<void> {
  const { look, history, sessions } = work;
  let range = FIRST_RANGE;
  for (let from = request.resume === undefined ? request.fromBlock : request.resume.block + 1; from <= head;) {
    const to = Math.min(head, from + range - 1);
    for (const log of await look.logs(addresses, from, to)) {
      const settled = log.address === work.market && MARKET.parseLog(log)?.name === "Settled";
      if (settled) sessions.push(...(await settledSession(work, log)));
      else await takeIn(work, log);
    }
    const end = await look.block(to);
    if (end !== undefined) request.progress?.({ block: to, hash: end.hash, history, sessions }, head);
    from = to + 1;
    range = Math.min(LONGEST_RANGE, 2 * range);
  }
}

async function takeIn(work: Work, log: ChainLog): Promise<void> {
  const { look, history, sessions, posting } = work;
  if (posting !== undefined && (await takePosting(work, posting, log))) return;
  const unseen = apply(history, log);
  sessions.push(...unseen.map(notSeen));
  if (unseen.length > 0) await Words.relearn(look, history, log.block - 1);
}

/** Events of delivery and credits, and postings before the ledger takes them; true: nothing else is to be done. */
async function takePosting(work: Work, posting: Words.Posting, log: ChainLog): Promise<boolean> {
  const { look, history, sessions, market } = work;
  const { delivery, carbonCredit } = posting;
  const given = { look, history, sessions, delivery, carbonCredit, registry: work.registry };
  try {
    if (log.address === delivery.address) Entries.take(history.entries, log);
    else if (log.address === carbonCredit) await Credits.take(given, log);
    else if (log.address === market) {
      const event = MARKET.parseLog(log);
      if (event?.name === "GramsMoved")
        Credits.moveGrams(history.credits, log.transaction, posting.ledgerAsset, event.args.grams);
      if (event?.name !== "Posted") return false;
      await limitsOf(work);
      history.posted ??= await Entries.judgePosting(given, log).then((one) => (one.kind === "valid" ? undefined : one));
      return false;
    } else return false;
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    history.posted ??= undecided(error.message);
    return log.address !== market;
  }
  return true;
}

/** What the open session locks: its table, if a posting comes before the session settles. */
async function limitsOf({ look, history }: Work): Promise<void> {
  const { session, limits } = history;
  if (session?.state !== "open" || limits.size > 0) return;
  const table = await Table.tableOf(look, session.table);
  if (typeof table !== "string") Table.takeTable(history, table);
}

/** Code, counters, account words, mandates, keys and tokens at the head; sessions that no event told of are added. */
async function standingAt(work: Work, registry: string, head: number): Promise<Verdict> {
  const { look, history, market, release, sessions } = work;
  try {
    const code = await Words.checkCode(look, { market, registry, block: head }, release);
    if (code.kind !== "valid") return code;
    const { sequence, ordinal, lastBatch } = await Words.counters(look, market, head);
    if (sequence < history.sequence || (sequence === history.sequence && lastBatch !== history.lastBatch))
      return undecided(`what became of batch number ${history.sequence}: the market says it has settled ${sequence}`);
    const unseen = History.batchesBetween(history, sequence, lastBatch);
    for (const { sequence: k } of unseen)
      sessions.push(notSeen({ sequence: k, batch: await Words.batchAt(look, market, k, head) }));
    if (unseen.length > 0) return undecided(`the events of batch number ${unseen[0].sequence}`);
    if (ordinal !== history.ordinal) return undecided(`the event that froze session ${ordinal}`);
    const ledger = await Words.checkLedger(look, history, registry, head);
    if (ledger.kind !== "valid" || work.posting === undefined) return ledger;
    const { address } = work.posting.delivery;
    const hidden = await hiddenEnding({ look, address, block: head }, history.entries.endings);
    if (hidden !== undefined) return undecided(hidden);
    return history.posted ?? history.credits.wrong ?? (await Words.checkPosting(look, history, work.posting, head));
  } catch (error) {
    if (error instanceof EndpointFault) return undecided(error.message);
    throw error;
  }
}
