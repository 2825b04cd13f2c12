/** Rebuilds everything from the chain and judges every settled session. Imports neither clearing nor net. */
import { getAddress, getBytes, keccak256 } from "ethers";
import { MARKET } from "../codec/abi.ts";
import { isIllFormed } from "../codec/foreign.ts";
import { baseOf, decodeTable, type FrozenEntry } from "../codec/frozenTable.ts";
import * as Grid from "../codec/gridModel.ts";
import { attestationDigest, marketDomain, type SessionTerms } from "../codec/typedData.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import type { ChainLog, Look } from "../chain/look.ts";
import { decodeDeltas } from "../ledger/deltas.ts";
import { NO_BUNDLES, type Bundles } from "./bundles.ts";
import { postedBatch, type Posted } from "./call.ts";
import type { Certificate } from "./certify.ts";
import * as Credits from "./credits.ts";
import * as Entries from "./entries.ts";
import type { EntryPrices } from "./entryTerms.ts";
import { hiddenKey, hiddenMember } from "./hidden.ts";
import * as History from "./history.ts";
import { isOfSignatures, judge, type Judgement } from "./judge.ts";
import type { Release } from "./release.ts";
import { undecided, VALID, type Verdict } from "./verdict.ts";
import { certifySession } from "./witness.ts";
import * as Words from "./words.ts";

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

export type AuditedSession = {
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly batch: string;
  readonly transaction: string;
  readonly block: number;
  /** Unix seconds of that block; 0n where it was not seen. */
  readonly settledAt: bigint;
  readonly verdict: Verdict;
  /** The bytes judged, when they were found. */
  readonly payload?: Uint8Array;
  /** Where they were found. */
  readonly source?: Posted["source"];
  /** What the signers say of the witness, when the call was found. */
  readonly bundleHash?: string;
  readonly gridModel?: Uint8Array;
  /** What was frozen, when its event was found. */
  readonly terms?: SessionTerms;
  /** Node keys at the freeze, by prosumer id. */
  readonly nodeKeys: ReadonlyMap<number, string>;
  /** Meters' keys at the freeze, likewise. */
  readonly meterKeys: ReadonlyMap<number, string>;
  /** Figures of the regrets, where it came to them. */
  readonly certificate?: Certificate;
  /** What its terms ask of who deviates, where the witness shows them. */
  readonly prices?: EntryPrices;
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

type Work = {
  readonly look: Look;
  readonly market: string;
  readonly registry: string;
  readonly bundles: Bundles;
  readonly judgesWitness: boolean;
  readonly release: Release;
  readonly history: History.History;
  readonly sessions: AuditedSession[];
  /** What may post to the market; undefined where it is connected to nothing. */
  readonly posting: Words.Posting | undefined;
};

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
  const unseen = History.apply(history, log);
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
  const table = await tableOf(look, session.table);
  if (typeof table !== "string") History.takeTable(history, table);
}

const notSeen = ({ sequence, batch }: History.Unseen): AuditedSession => ({
  sequence,
  ordinal: 0n,
  batch,
  transaction: History.NO_BATCH,
  block: 0,
  settledAt: 0n,
  verdict: undecided(`the events of batch number ${sequence}`),
  nodeKeys: new Map(),
  meterKeys: new Map(),
});

async function settledSession(work: Work, log: ChainLog): Promise<AuditedSession[]> {
  const { look, history } = work;
  const event = MARKET.parseLog(log);
  if (event === null) throw new TypeError("a Settled event that does not parse");
  const { sequence, ordinal, batch, deltas } = event.args;
  const unseen = History.batchesBetween(history, sequence - 1n, history.lastBatch);
  const judged = await attempt(() => judgeSettled(work, log, { sequence, ordinal, batch, deltas: getBytes(deltas) }));
  History.countSeen(history, log);
  history.sequence = sequence;
  history.lastBatch = batch;
  const { session } = history;
  if (session !== undefined) {
    session.state = "settled";
    history.epochs = History.epochsWith(history, session);
  }
  for (const [id, account] of judged.settlement?.accounts ?? []) history.accounts.set(id, account);
  if (judged.settlement === undefined) {
    for (const id of history.limits.keys()) history.unknown.add(id);
    await Words.relearn(look, history, log.block);
  }
  const { settlement: _, ...found } = judged;
  return [
    ...unseen.map(notSeen),
    {
      settledAt: 0n,
      sequence,
      ordinal,
      batch,
      transaction: log.transaction,
      block: log.block,
      nodeKeys: session?.nodeKeys ?? new Map(),
      meterKeys: session?.meterKeys ?? new Map(),
      ...found,
      ...(session && { terms: session.terms }),
    },
  ];
}

type Settled = {
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly batch: string;
  readonly deltas: Uint8Array;
};
type Judged = Judgement & Partial<Omit<AuditedSession, "verdict">>;

/** What an endpoint does not answer makes a verdict undecided. */
async function attempt(check: () => Promise<Judged>): Promise<Judged> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof EndpointFault) return { verdict: undecided(error.message) };
    throw error;
  }
}

async function judgeSettled(work: Work, log: ChainLog, settled: Settled): Promise<Judged> {
  const { look, history, market, bundles } = work;
  const { session } = history;
  if (session === undefined || session.terms.ordinal !== settled.ordinal)
    return { verdict: undecided("the event that froze the session") };
  const { terms } = session;
  const domain = marketDomain(history.chainId, market);
  const isIt = (payload: Uint8Array, bundleHash: string): boolean =>
    attestationDigest(domain, terms, payload, bundleHash) === settled.batch;
  const posted = await postedBatch(look, market, { transaction: log.transaction, batch: settled.batch }, bundles, isIt);
  if (typeof posted === "string") return { verdict: undecided(posted) };
  const { payload, bundleHash, source, genuine } = posted;
  const about = { payload, bundleHash, source };
  const grid = await gridOf(work, terms.gridModel);
  if (typeof grid === "string") return { ...about, verdict: undecided(grid) };
  const table = await tableOf(look, session.table);
  if (typeof table === "string") return { ...about, verdict: undecided(table) };
  History.takeTable(history, table);
  const context = History.context(history, grid);
  if (typeof context === "string") return { ...about, verdict: undecided(context) };
  const absent = History.absentFrom(session, table, context.ledger.grid);
  const part = absent === undefined ? undefined : `the mandate of account ${absent} in the table that was frozen`;
  const block = await look.block(log.block);
  if (block === undefined) return { ...about, verdict: undecided(`block ${log.block}`) };
  const known = { ...about, gridModel: grid, settledAt: block.timestamp };
  // The released code settles nothing after the deadline: such a time is another than the contract had.
  const late = block.timestamp > terms.deadline ? `the time of block ${log.block}, after the deadline` : undefined;
  const hidden = (await hiddenLog(look, history, log)) ?? session.doubt ?? part ?? late;
  const deltas = deltasOf(payload, settled.deltas);
  const settledAt = late === undefined ? block.timestamp : terms.deadline;
  const candidate = { ...posted, settledAt, batch: settled.batch, deltas };
  const judgement = judge(context, candidate);
  const unproven =
    genuine || !isOfSignatures(judgement.verdict) ? undefined : `the signatures of batch ${settled.batch}`;
  const verdict = await settledVerdict(work, log, judgement, hidden ?? unproven);
  if (verdict.kind !== "valid" || !work.judgesWitness) return { ...judgement, ...known, verdict };
  const { nodeKeys } = session;
  const { limits } = context.ledger;
  const witnessed = await certifySession(
    { batch: settled.batch, payload, bundleHash, gridModel: grid, terms, nodeKeys, limits },
    bundles,
    domain,
  );
  const uncounted = witnessed.certificate?.uncounted?.map(({ prosumer }) => prosumer) ?? [];
  const key = uncounted.length === 0 ? undefined : await hiddenKey(look, work.registry, session, uncounted);
  return { ...judgement, ...known, ...witnessed, ...(key !== undefined && { verdict: undecided(key) }) };
}

/**
 * A refusal is believed only where the contract's own state shows that nothing before it was hidden: the released
 * contract would have refused the batch itself.
 */
async function settledVerdict(
  { look, history, market, registry }: Work,
  log: ChainLog,
  { verdict, settlement }: Judgement,
  hidden: string | undefined,
): Promise<Verdict> {
  if (hidden !== undefined) return undecided(hidden);
  if (verdict.kind !== "invalid") return verdict;
  // Nothing but an event can say it, and a released contract settles nothing without.
  if (verdict.predicate === "standingLoadsMissing")
    return undecided("the event that told what those load who take no part");
  const said = `the contract took what its own rules refuse (${verdict.predicate}: ${verdict.detail})`;
  const ids = [...history.limits.keys()];
  const before = await Words.differingAccount(look, history, ids, log.block - 1);
  if (before !== undefined) return undecided(`events of account ${before}: ${said}`);
  const { priceCap } = await Words.counters(look, market, log.block - 1);
  if (priceCap !== history.priceCap) return undecided(`the event that set the price cap: ${said}`);
  const { epoch } = history.session!.terms;
  const keys = history.committees.get(epoch) ?? [];
  const seat = await hiddenMember({ look, address: registry, block: log.block }, epoch, keys);
  if (seat !== undefined) return undecided(`${seat}: ${said}`);
  if (settlement === undefined) return verdict;
  // The ledger must have become what the event says of it, not what the payload makes of it.
  const after = { ...history, accounts: new Map(settlement.accounts) };
  const differing = await Words.differingAccount(look, after, ids, log.block);
  return differing === undefined ? undecided(`the Settled event as it was: ${verdict.detail}`) : verdict;
}

/** A log of the transactions that froze and settled the session which a filter did not show. */
async function hiddenLog(look: Look, history: History.History, settled: ChainLog): Promise<string | undefined> {
  const { session } = history;
  if (session === undefined) return undefined;
  const frozen = await look.receipt(session.transaction);
  if (frozen === undefined) return `the receipt of transaction ${session.transaction}`;
  const events = frozen.filter((log) => log.address === history.market && MARKET.parseLog(log) !== null).length;
  if (session.transaction !== settled.transaction && events !== session.events)
    return `${events - session.events} events of the transaction that froze session ${session.terms.ordinal}`;
  const own = await look.receipt(settled.transaction);
  if (own === undefined) return `the receipt of transaction ${settled.transaction}`;
  return own.find(({ index }) => index === settled.index)?.data === settled.data
    ? undefined
    : "the Settled event as its receipt has it";
}

/** The mandates of the open session, from the code that holds them; a string names what is missing. */
async function tableOf(look: Look, pointer: string | undefined): Promise<Map<number, FrozenEntry> | string> {
  if (pointer === undefined) return "the event of the table of mandates";
  const code = async (address: string): Promise<Uint8Array> => getBytes(await look.code(address)).subarray(1);
  const bytes = await code(pointer);
  if (bytes.length === 0) return `the code of the table of mandates, ${pointer}`;
  try {
    const base = baseOf(bytes);
    return base === undefined ? decodeTable(bytes) : decodeTable(await code(base), bytes);
  } catch (error) {
    if (!(isIllFormed(error) || error instanceof SyntaxError)) throw error;
    return `the whole code of the table of mandates, ${pointer}`;
  }
}

/** Bytes of the frozen grid model; a string names what is missing. */
async function gridOf({ look, history }: Work, hash: string): Promise<Uint8Array | string> {
  const pointer = history.gridModels.get(hash);
  if (pointer === undefined) return `grid model ${hash}`;
  const model = getBytes(await look.code(pointer)).subarray(1);
  if (keccak256(model) !== hash) return `the bytes of grid model ${hash}`;
  // What the registry took, and the auditor could not read, is our fault and not the market's.
  return Grid.decode(model) && model;
}

/** Deltas of another length than the payload's accounts differ from every expectation. */
function deltasOf(payload: Uint8Array, packed: Uint8Array) {
  try {
    return decodeDeltas(payload, packed);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
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
    return history.posted ?? history.credits.wrong ?? (await Words.checkPosting(look, history, work.posting, head));
  } catch (error) {
    if (error instanceof EndpointFault) return undecided(error.message);
    throw error;
  }
}
