/** Rebuilds everything from the chain and judges every settled session. Imports neither clearing nor net. */
import { getAddress, getBytes, type Log, type Provider } from "ethers";
import { MARKET } from "../codec/abi.ts";
import { decodeDeltas } from "../ledger/deltas.ts";
import { encode as encodeGrid } from "../codec/gridModel.ts";
import type { SessionTerms } from "../codec/typedData.ts";
import * as History from "./history.ts";
import { judge } from "./judge.ts";
import { invalid, undecided, type Verdict } from "./verdict.ts";

/** What a session's participants published beside the chain. */
export type Bundle = {
  /** Payload bytes by batch, for batches that were not posted directly to the market. */
  readonly payloads?: ReadonlyMap<
    string,
    { payload: Uint8Array; bundleHash: string; signers: number; signatures: string }
  >;
};

export type AuditRequest = {
  readonly provider: Provider;
  readonly market: string;
  /** Block of the deployment, or earlier. */
  readonly fromBlock: number;
  readonly bundle?: Bundle;
  /** Checks of the witness, after everything on chain is found valid. */
  readonly witness?: (session: AuditedSession) => Promise<Verdict>;
};

export type AuditedSession = {
  readonly sequence: bigint;
  readonly ordinal: bigint;
  readonly batch: string;
  readonly transaction: string;
  readonly block: number;
  readonly verdict: Verdict;
  /** The bytes judged, when they were found. */
  readonly payload?: Uint8Array;
  /** What the signers say of the witness, when the call was found. */
  readonly bundleHash?: string;
  readonly gridModel?: Uint8Array;
  /** What was frozen, when its event was found. */
  readonly terms?: SessionTerms;
  /** Node keys that were registered when it settled, by prosumer id. */
  readonly nodeKeys: ReadonlyMap<number, string>;
};

const LOG_RANGE = 5_000;

/** A verdict for every settled session, oldest first. */
export async function audit(request: AuditRequest): Promise<AuditedSession[]> {
  const { provider, fromBlock } = request;
  const market = getAddress(request.market);
  const { chainId } = await provider.getNetwork();
  const registry = MARKET.decodeFunctionResult(
    "registry",
    await provider.call({ to: market, data: MARKET.encodeFunctionData("registry") }),
  )[0];
  const history = History.begin(chainId, market);
  const sessions: AuditedSession[] = [];
  for (const log of await logsOf(provider, [market, registry], fromBlock)) {
    if (getAddress(log.address) === market && MARKET.parseLog(log)?.name === "Settled") {
      const session = await auditSettled(request, market, history, log);
      const witnessed = session.verdict.kind === "valid" ? await request.witness?.(session) : undefined;
      sessions.push({ ...session, verdict: witnessed ?? session.verdict });
    } else {
      History.apply(history, log);
    }
  }
  return sessions;
}

async function auditSettled(
  { provider, bundle }: AuditRequest,
  market: string,
  history: History.History,
  log: Log,
): Promise<AuditedSession> {
  const event = MARKET.parseLog(log);
  if (event === null) throw new Error("a Settled event that does not parse");
  const { sequence, ordinal, batch } = event.args;
  const about = { sequence, ordinal, batch, transaction: log.transactionHash, block: log.blockNumber };
  const posted = (await calldataOf(provider, market, log)) ?? bundle?.payloads?.get(batch);
  const context = await History.context(history, provider);
  const block = await provider.getBlock(log.blockNumber);
  let verdict: Verdict;
  let gridModel: Uint8Array | undefined;
  if (history.missing !== undefined) verdict = undecided(history.missing);
  else if (typeof context === "string") verdict = undecided(context);
  else if (posted === undefined) verdict = undecided(`the payload of batch ${batch}`);
  else if (block === null) verdict = undecided(`block ${log.blockNumber}`);
  else {
    gridModel = encodeGrid(context.ledger.grid);
    const settledAt = BigInt(block.timestamp);
    const deltas = deltasOf(posted.payload, event.args.deltas);
    const judgement = judge(context, { ...posted, settledAt, batch, deltas });
    verdict = judgement.verdict;
    for (const [id, account] of judgement.settlement?.accounts ?? []) history.accounts.set(id, account);
    if (history.fault !== undefined) verdict = invalid("history", history.fault);
    else if (sequence !== history.sequence + 1n) verdict = invalid("sequence", `${sequence} after ${history.sequence}`);
  }
  if (verdict.kind === "undecided") history.missing ??= verdict.missing;
  history.sequence = sequence;
  history.lastBatch = batch;
  if (history.session !== undefined) history.session.state = "settled";
  return {
    ...about,
    verdict,
    nodeKeys: new Map(history.nodeKeys),
    ...(posted && { payload: posted.payload, bundleHash: posted.bundleHash }),
    ...(gridModel && { gridModel }),
    ...(history.session && { terms: history.session.terms }),
  };
}

/** Deltas of another length than the payload's accounts differ from every expectation. */
function deltasOf(payload: Uint8Array, packed: string) {
  try {
    return decodeDeltas(payload, getBytes(packed));
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

async function calldataOf(provider: Provider, market: string, log: Log) {
  const transaction = await provider.getTransaction(log.transactionHash);
  if (transaction === null || transaction.to === null || getAddress(transaction.to) !== market) return undefined;
  const call = MARKET.parseTransaction(transaction);
  if (call?.name !== "settle") return undefined;
  const { payload, bundleHash, signers, signatures } = call.args;
  return { payload: getBytes(payload), bundleHash, signers: Number(signers), signatures };
}

/** In the chain's order, whatever the range a node allows at once. */
async function logsOf(provider: Provider, address: string[], fromBlock: number): Promise<Log[]> {
  const latest = await provider.getBlockNumber();
  const logs: Log[] = [];
  for (let from = fromBlock; from <= latest; from += LOG_RANGE) {
    const toBlock = Math.min(latest, from + LOG_RANGE - 1);
    logs.push(...(await provider.getLogs({ address, fromBlock: from, toBlock })));
  }
  return logs.sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index);
}
