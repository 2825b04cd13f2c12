/**
 * An entry of readings: reckoned from what meters and nodes signed by keys that the registry had, attested by a quorum
 * of the committee, entered on chain. The first one, the final one and corrections alike.
 */
import { keccak256, type BaseWallet, type Provider, type Signer } from "ethers";
import * as Delivery from "../chain/delivery.ts";
import * as Deployment from "../chain/deployment.ts";
import { keysOfSession } from "../chain/keys.ts";
import { INSURANCE_ID } from "../ledger/posting.ts";
import * as Onboarding from "../chain/onboarding.ts";
import {
  deliveryDomain,
  meterDigest,
  meterReadings,
  metersHash,
  reasonHash,
  type Kind,
} from "../codec/deliveryData.ts";
import * as Payload from "../codec/payload.ts";
import { decodeReadings, encodeReadings, type SessionReadings } from "../codec/readings.ts";
import type { Terms } from "../codec/terms.ts";
import { quorumOf } from "../codec/typedData.ts";
import * as Ledger from "../ledger/delivery.ts";
import { imbalancePrice } from "../ledger/settleable.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf } from "../market/scenario/market.ts";
import { sessionReadings } from "../metering/entry.ts";
import { toDeliveryJson, toMetersJson, type Earlier } from "../metering/record.ts";
import { takeIn, type Taken } from "../metering/signed.ts";
import type { DeliveryJson, MetersJson } from "../records/deliveryJson.ts";
import type { Signed } from "./steps/meters.ts";

/** Where it is entered, and by whom. */
export type EntryPlace = {
  readonly deployment: Deployment.Deployment;
  readonly provider: Provider;
  /** Pays for gas; no more is asked of it. */
  readonly submitter: Signer;
  /** Sets the chain's clock forward; absent: on a chain that others use nobody does that. */
  readonly passTime?: (to: number) => Promise<void>;
  /** Node keys by account, of the committee. */
  readonly nodeKey: (id: number) => BaseWallet;
};

/** What the session was, as the chain and its frozen terms have it. */
export type Promised = {
  readonly settled: Delivery.SettledBatch;
  readonly payload: Uint8Array;
  readonly terms: Terms;
};

export type EntryRequest = {
  readonly kind: Exclude<Kind, "none">;
  /** Of a correction: why it is made. */
  readonly reason?: string;
};

/** What became of a session, and what its meters and nodes signed of it; `entry`: where it was entered. */
export type Entered = {
  readonly delivery: DeliveryJson;
  readonly meters: MetersJson;
  readonly entry: Delivery.ChainEntry | undefined;
  readonly settled: Delivery.SettledBatch;
  /** Files and statements that were not taken, and why. */
  readonly refused: readonly string[];
};

/** The result that settled. */
export function resultOf({ payload, settled: { terms } }: Promised): ClearingResult {
  const { periods, periodSeconds, start } = terms;
  const { participants, trades, reactiveVar } = Payload.decode(payload, periods);
  return { sessionStart: Number(start), periodSeconds, periods, participants, trades, reactiveVar };
}

/**
 * Reckons and enters. Where the chain's clock is not ours to set and it is too early for the entry, nothing is entered
 * and `entry` is undefined.
 */
export async function enterMeters(
  place: EntryPlace,
  promised: Promised,
  signed: Signed,
  request: EntryRequest,
): Promise<Entered> {
  const { deployment, provider } = place;
  const { settled, terms } = promised;
  const result = resultOf(promised);
  const invited = terms.scenario.prosumers.map(({ id }) => id);
  const taken = await takenIn(place, promised, signed);
  const market = marketOf(sessionOf(terms.scenario, result.participants), terms.settings);
  const known = { result, market, invited, imbalancePrice: imbalancePrice(terms.scenario.tariff) };
  const readings = sessionReadings(known, taken, request.kind);
  const before = await Delivery.lastEntry(deployment, provider, settled);
  const basis = await basisOf(place, settled, before, request.kind);
  const bill = Ledger.bill(readings, basis);
  const earlier = before && earlierOf(before, basis);
  const moving = earlier ? Ledger.subtract(bill, earlier.bill, earlier.kind) : bill;
  const meters = metersHash(invited.map((id) => digestOf(place, taken, id)));
  const reason = request.reason === undefined ? undefined : reasonHash(request.reason);
  const bytes = encodeReadings(readings);
  const due = await dueAt(place, settled, bill.measured || request.kind === "provisional");
  const entered = Ledger.enter(moving, request.kind, await debitableOf(place, invited));
  const entry =
    due === "early"
      ? undefined
      : await post(place, settled, {
          before: before ?? Delivery.NO_ENTRY,
          entry: { kind: request.kind, readings: bytes, meters, ...(reason && { reason }) },
          invited,
          posted: entered.entries,
          inOffice: due === "closed",
        });
  const delivered = {
    ...{ batch: settled.batch, start: result.sessionStart, participants: result.participants, ...request },
    ...{ readings, basis, bill, entered, earlier, hash: keccak256(bytes), metersHash: meters },
    ...(entry && { chain: placeOf(deployment, entry) }),
  };
  const where = { batch: settled.batch, chainId: Number(deployment.chainId), delivery: deployment.delivery! };
  const kept = { files: [...taken.files.values()], statements: taken.signed, basis };
  const documents = { delivery: toDeliveryJson(delivered), meters: toMetersJson(where, kept) };
  return { ...documents, entry, settled, refused: taken.refused };
}

const placeOf = (
  { delivery }: Deployment.Deployment,
  { number, transaction, block, gasUsed }: Delivery.ChainEntry,
) => ({
  delivery: delivery!,
  entry: number,
  txHash: transaction,
  block,
  gasUsed: Number(gasUsed),
});

/** What counts of the files: by the keys that an auditor judges them by. */
async function takenIn(
  { deployment, provider }: EntryPlace,
  { settled }: Promised,
  { files, statements }: Signed,
): Promise<Taken> {
  const { start, periodSeconds, periods } = settled.terms;
  return takeIn(files, statements, {
    domain: deliveryDomain(deployment.chainId, deployment.delivery!),
    batch: settled.batch,
    ...{ start: Number(start), periodSeconds, periods },
    ...(await keysOfSession(deployment, provider, settled.terms)),
  });
}

function digestOf({ deployment }: EntryPlace, { files }: Taken, id: number) {
  const file = files.get(id);
  if (file === undefined) return undefined;
  const domain = deliveryDomain(deployment.chainId, deployment.delivery!);
  return { digest: meterDigest(domain, meterReadings(file.readings, file.number)), signature: file.signature };
}

/** A session is measured against the connections that its first entry found, whatever is registered later. */
async function basisOf(
  { deployment, provider }: EntryPlace,
  { terms }: Delivery.SettledBatch,
  before: Delivery.ChainEntry | undefined,
  kind: Kind,
): Promise<Ledger.Basis> {
  const { delivery } = Deployment.deliveryContracts(deployment, provider);
  const [{ multiple }, connections] = await Promise.all([
    delivery.getFunction("windows").staticCall(),
    Delivery.connectionsAt(deployment, provider, before?.connections),
  ]);
  const { periods, periodSeconds } = terms;
  return {
    periods,
    periodSeconds,
    closed: Ledger.closedBy(kind),
    multiple: Number(multiple),
    imbalancePrice: Number(terms.imbalancePrice),
    connections,
  };
}

function earlierOf({ number, kind, readings: bytes }: Delivery.ChainEntry, basis: Ledger.Basis): Earlier {
  const readings: SessionReadings = decodeReadings(bytes, basis.periods);
  const bill = Ledger.bill(readings, { ...basis, closed: Ledger.closedBy(kind) });
  return { number, kind, readings, bill, hash: keccak256(bytes) };
}

/**
 * Sets the clock to when the entry may be made. `early`: nobody may set it and it is not that late yet; `closed`: the
 * metering window is over, and the committee in office attests.
 */
async function dueAt(
  { deployment, provider, passTime }: EntryPlace,
  { terms }: Delivery.SettledBatch,
  measured: boolean,
): Promise<"early" | "open" | "closed"> {
  const windows = await Deployment.deliveryContracts(deployment, provider).delivery.getFunction("windows").staticCall();
  const end = Number(terms.start) + terms.periodSeconds * terms.periods;
  const closes = end + Number(windows.metering);
  const from = measured ? end + Number(windows.grace) : closes;
  // A quiet chain's last block may be long ago; Hardhat's own provider knows of no block to come.
  const now = async (): Promise<number> => {
    const coming = await provider.getBlock("pending").catch(() => null);
    return (coming ?? (await provider.getBlock("latest")))?.timestamp ?? 0;
  };
  let clock = await now();
  if (clock < from) {
    if (passTime === undefined) return "early";
    await passTime(from);
    clock = await now();
  }
  return clock >= closes ? "closed" : "open";
}

type ToPost = {
  readonly before: Delivery.Before;
  readonly entry: Delivery.NewEntry;
  readonly invited: readonly number[];
  /** What the ledger says that it comes to. */
  readonly posted: readonly Ledger.Entry[];
  /** Whether the committee in office attests, no longer the session's. */
  readonly inOffice: boolean;
};

async function post(
  { deployment, provider, submitter, nodeKey }: EntryPlace,
  settled: Delivery.SettledBatch,
  { before, entry, invited, posted, inOffice }: ToPost,
): Promise<Delivery.ChainEntry> {
  const { registry } = Deployment.contracts(deployment, provider);
  const epoch = inOffice
    ? ((await registry.getFunction("committee").staticCall()).epoch as bigint)
    : settled.terms.epoch;
  const committee = Onboarding.committeeOf(invited);
  const attested = Delivery.attestedOf(settled, before, entry, epoch);
  const signatures = await Promise.all(
    committee
      .slice(0, quorumOf(committee.length))
      .map(async (id, bit) => [bit, await Delivery.attestEntry(deployment, nodeKey(id), attested)] as const),
  );
  const made = await Delivery.enterReadings(deployment, submitter, settled, { before, entry }, new Map(signatures));
  const other = made.posted.find((one, k) => !same(one, posted[k]));
  if (other !== undefined || made.posted.length !== posted.length)
    throw new Error(`entry ${made.number} of batch ${settled.batch}: the chain moved ${other?.nano} of ${other?.id}`);
  return made;
}

const same = (a: Ledger.Entry, b: Ledger.Entry | undefined): boolean =>
  a.id === b?.id && a.nano === b.nano && a.grams === b.grams && a.released === b.released;

/** What may be taken of each account now. */
async function debitableOf({ deployment, provider }: EntryPlace, ids: readonly number[]): Promise<Ledger.Debitable> {
  const { market } = Deployment.contracts(deployment, provider);
  const all = [...ids, INSURANCE_ID, Onboarding.DESK_ID, Onboarding.UTILITY_ID];
  const read = await Promise.all(all.map((id) => market.getFunction("debitable").staticCall(id)));
  const accounts = new Map(all.map((id, k) => [id, read[k] as { nano: bigint; grams: bigint }]));
  return (id) => {
    const { nano, grams } = accounts.get(id)!;
    return { nano, grams };
  };
}
