/** One session on chain: freeze, read what was frozen, attest, settle. */
import { type BaseWallet, getBytes, hexlify, type Log, type Provider, type Signer } from "ethers";
import { decodeDeltas } from "../ledger/deltas.ts";
import * as Grid from "../codec/gridModel.ts";
import type { Delta, Ledger, LedgerAccount } from "../ledger/settlementModel.ts";
import {
  attestation,
  ATTESTATION_TYPES,
  type Limits,
  marketDomain,
  packSignatures,
  type SessionTerms,
} from "../codec/typedData.ts";
import { sealed, type Batch, type Verified } from "../ledger/verified.ts";
import { contracts, type Deployment, send } from "./deployment.ts";

export type SessionRequest = {
  /** Unix seconds, UTC. */
  readonly start: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** Unix seconds of the chain's clock. */
  readonly deadline: number;
  /** Of the public scenario and settings that everybody invited was given. */
  readonly termsHash: string;
  /** Account ids, ascending, system accounts included. */
  readonly ids: readonly number[];
};

export type FrozenSession = {
  readonly terms: SessionTerms;
  readonly sessionHash: string;
  /** What each account may spend, micro-dollars; accounts not in here were left out. */
  readonly lockedMicro: ReadonlyMap<number, bigint>;
  readonly leftOut: readonly number[];
};

export type Settled = {
  readonly batch: string;
  readonly sequence: bigint;
  readonly transaction: string;
  readonly block: number;
  readonly gasUsed: bigint;
  readonly deltas: readonly Delta[];
};

export async function freezeSession(
  deployment: Deployment,
  operator: Signer,
  { start, periodSeconds, periods, deadline, termsHash, ids }: SessionRequest,
): Promise<FrozenSession> {
  const { market } = contracts(deployment, operator);
  const receipt = await send(market, "freezeSession", start, periodSeconds, periods, deadline, termsHash, ids);
  const parsed = receipt.logs.map((log: Log) => market.interface.parseLog(log)).filter((log) => log !== null);
  const frozen = parsed.find((log) => log.name === "SessionFrozen");
  if (frozen === undefined) throw new Error("freezeSession: no SessionFrozen event");
  const { epoch, sequence, ordinal, previousBatch, gridModel } = frozen.args;
  return {
    terms: {
      epoch,
      sequence,
      ordinal,
      previousBatch,
      gridModel,
      termsHash,
      start: BigInt(start),
      periodSeconds,
      periods,
      deadline: BigInt(deadline),
    },
    sessionHash: frozen.args.sessionHash,
    lockedMicro: new Map(
      parsed.filter((log) => log.name === "MandateLocked").map((log) => [Number(log.args.id), log.args.lockedMicro]),
    ),
    leftOut: parsed.filter((log) => log.name === "LeftOut").map((log) => Number(log.args.id)),
  };
}

/** What `settle` would read now for these accounts: the input of codec/settlementModel.ts. */
export async function readLedger(deployment: Deployment, provider: Provider, ids: readonly number[]): Promise<Ledger> {
  const { market, registry } = contracts(deployment, provider);
  const session = await market.getFunction("session").staticCall();
  const model = await registry.getFunction("gridModel").staticCall();
  const accounts = new Map<number, LedgerAccount>();
  const limits = new Map<number, Limits>();
  for (const id of ids) {
    accounts.set(id, (await market.getFunction("account").staticCall(id)).toObject());
    const frozen = await market.getFunction("frozenLimits").staticCall(id);
    if (frozen.locked) limits.set(id, frozen.limits.toObject());
  }
  return {
    terms: {
      start: session.start,
      periodSeconds: Number(session.periodSeconds),
      periods: Number(session.periods),
      ordinal: session.ordinal,
      priceCap: session.priceCap,
    },
    grid: Grid.decode(getBytes(await provider.getCode(model.pointer)).subarray(1)),
    accounts,
    limits,
  };
}

/** A node's signature under a batch that it has verified and the witness of it. */
export async function attest(
  deployment: Deployment,
  nodeKey: BaseWallet,
  session: SessionTerms,
  batch: Verified<Batch>,
  bundleHash: string,
): Promise<string> {
  const domain = marketDomain(deployment.chainId, deployment.market);
  return nodeKey.signTypedData(domain, ATTESTATION_TYPES, attestation(session, sealed(batch).payload, bundleHash));
}

/** Posts the batch. `attestations`: signature by the member's position in the committee. Anybody may submit. */
export async function postAndSettle(
  deployment: Deployment,
  submitter: Signer,
  payload: Uint8Array,
  bundleHash: string,
  attestations: ReadonlyMap<number, string>,
): Promise<Settled> {
  const { market } = contracts(deployment, submitter);
  const { signers, signatures } = packSignatures(attestations);
  const receipt = await send(market, "settle", hexlify(payload), bundleHash, signers, signatures);
  const event = receipt.logs.map((log: Log) => market.interface.parseLog(log)).find((log) => log?.name === "Settled");
  if (event === undefined || event === null) throw new Error("settle: no Settled event");
  return {
    batch: event.args.batch,
    sequence: event.args.sequence,
    transaction: receipt.hash,
    block: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    deltas: decodeDeltas(payload, getBytes(event.args.deltas)),
  };
}
