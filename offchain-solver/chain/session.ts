/** One session on chain: freeze, read what was frozen, attest, settle. */
import { type BaseWallet, type Contract, getBytes, hexlify, type Log, type Provider, type Signer } from "ethers";
import { decodeDeltas } from "../ledger/deltas.ts";
import * as Grid from "../codec/gridModel.ts";
import type { Delta, Ledger, LedgerAccount } from "../ledger/settlementModel.ts";
import {
  attestation,
  ATTESTATION_TYPES,
  type FrozenLimits,
  marketDomain,
  packSignatures,
  type SessionTerms,
  unpackLimits,
} from "../codec/typedData.ts";
import type { Told } from "../codec/terms.ts";
import { sealed, type Batch, type Verified } from "../ledger/verified.ts";
import { contracts, type Deployment, send } from "./deployment.ts";

export type SessionRequest = {
  /** Unix seconds, UTC. */
  readonly start: number;
  readonly periodSeconds: number;
  readonly periods: number;
  /** Unix seconds of the chain's clock. */
  readonly deadline: number;
  /** Of what everybody invited was given (`termsHash` of codec/terms.ts). */
  readonly termsHash: string;
  /** What a kWh costs at most that is sold and not delivered, 1e-6 $ per kWh. */
  readonly imbalancePrice: number;
  /** Account ids that are invited, system accounts included; whoever has a mandate is frozen with the session. */
  readonly ids: readonly number[];
};

export type FrozenSession = {
  readonly terms: SessionTerms;
  readonly sessionHash: string;
  /** Who is invited and has no mandate that covers the session, or no place on the feeder. */
  readonly leftOut: readonly number[];
  readonly gasUsed: bigint;
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
  { start, periodSeconds, periods, deadline, termsHash, imbalancePrice, ids }: SessionRequest,
): Promise<FrozenSession> {
  const { market } = contracts(deployment, operator);
  const times = [start, periodSeconds, periods, deadline] as const;
  const receipt = await send(market, "freezeSession", ...times, termsHash, imbalancePrice);
  const parsed = receipt.logs.map((log: Log) => market.interface.parseLog(log));
  const frozen = parsed.find((log) => log?.name === "SessionFrozen");
  if (frozen === undefined || frozen === null) throw new Error("freezeSession: no SessionFrozen event");
  const { epoch, sequence, ordinal, previousBatch, gridModel } = frozen.args;
  return {
    terms: {
      epoch,
      sequence,
      ordinal,
      previousBatch,
      gridModel,
      termsHash,
      imbalancePrice: BigInt(imbalancePrice),
      start: BigInt(start),
      periodSeconds,
      periods,
      deadline: BigInt(deadline),
    },
    sessionHash: frozen.args.sessionHash,
    leftOut: await leftOut(market, ids),
    gasUsed: receipt.gasUsed,
  };
}

async function leftOut(market: Contract, ids: readonly number[]): Promise<number[]> {
  const covered = await Promise.all(ids.map((id) => market.getFunction("frozenMandate").staticCall(id)));
  return ids.filter((_, k) => !covered[k].covers);
}

/** What `settle` would read now for these accounts: the input of codec/settlementModel.ts. */
export async function readLedger(deployment: Deployment, provider: Provider, ids: readonly number[]): Promise<Ledger> {
  const { market, registry } = contracts(deployment, provider);
  const session = await market.getFunction("session").staticCall();
  const model = await registry.getFunction("gridModel").staticCall();
  const { imbalancePrice } = await market.getFunction("seats").staticCall();
  const feeder = await market.getFunction("feeder").staticCall();
  const accounts = new Map<number, LedgerAccount>();
  const limits = new Map<number, FrozenLimits>();
  // Asked together: one by one they are some hundred round trips.
  const read = (method: string) => Promise.all(ids.map((id) => market.getFunction(method).staticCall(id)));
  const [held, frozen] = await Promise.all([read("account"), read("frozenMandate")]);
  ids.forEach((id, k) => {
    accounts.set(id, held[k].toObject());
    if (frozen[k].covers) limits.set(id, unpackLimits(frozen[k].limits, frozen[k].capacity));
  });
  return {
    terms: {
      start: session.start,
      periodSeconds: Number(session.periodSeconds),
      periods: Number(session.periods),
      ordinal: session.ordinal,
      priceCap: session.priceCap,
      imbalancePrice,
      // As they are once the session has begun another epoch, if it does.
      epochDay: feeder.turns ? session.start / 86_400n : feeder.epochDay,
      beforeDay: feeder.turns ? feeder.epochDay : feeder.beforeDay,
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

/**
 * Tells the chain what those load who were invited to the open session and take no part in it. Anybody may, again and
 * again: the chain takes only what the session was frozen with.
 */
export async function postStandingLoads(
  deployment: Deployment,
  submitter: Signer,
  { epoch }: Pick<SessionTerms, "epoch">,
  { stated, loads }: Told,
): Promise<void> {
  const { market } = contracts(deployment, submitter);
  await send(market, "postStandingLoads", epoch, stated, hexlify(loads));
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
