/** Judges a session at the event that settled it, by what the history holds and what its parties published. */
import { getBytes, keccak256 } from "ethers";
import { EndpointFault } from "../chain/endpoint.ts";
import type { ChainLog, Look } from "../chain/look.ts";
import { MARKET } from "../codec/abi.ts";
import * as Grid from "../codec/gridModel.ts";
import { attestationDigest, marketDomain, type SessionTerms } from "../codec/typedData.ts";
import { decodeDeltas } from "../ledger/deltas.ts";
import type { Bundles } from "./bundles.ts";
import { postedBatch, type Posted } from "./call.ts";
import type { Certificate } from "./certify.ts";
import type { EntryPrices } from "./entryTerms.ts";
import { hiddenKey, hiddenMember } from "./hidden.ts";
import * as History from "./history.ts";
import { countSeen } from "./historyEvents.ts";
import { isOfSignatures, judge, type Judgement } from "./judge.ts";
import * as Table from "./mandateTable.ts";
import type { Release } from "./release.ts";
import { undecided, type Verdict } from "./verdict.ts";
import { certifySession } from "./witness.ts";
import * as Words from "./words.ts";

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

/** What an audit works on. */
export type Work = {
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

/** A batch of which no event was seen. */
export const notSeen = ({ sequence, batch }: History.Unseen): AuditedSession => ({
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

/** Takes the event in: the session it settled, after those whose events were not seen. */
export async function settledSession(work: Work, log: ChainLog): Promise<AuditedSession[]> {
  const { look, history } = work;
  const event = MARKET.parseLog(log);
  if (event === null) throw new TypeError("a Settled event that does not parse");
  const { sequence, ordinal, batch, deltas } = event.args;
  const unseen = History.batchesBetween(history, sequence - 1n, history.lastBatch);
  const judged = await attempt(() => judgeSettled(work, log, { sequence, ordinal, batch, deltas: getBytes(deltas) }));
  countSeen(history, log);
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
  const table = await Table.tableOf(look, session.table);
  if (typeof table === "string") return { ...about, verdict: undecided(table) };
  Table.takeTable(history, table);
  const context = History.context(history, grid);
  if (typeof context === "string") return { ...about, verdict: undecided(context) };
  const absent = Table.absentFrom(session, table, context.ledger.grid);
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
