/**
 * What an entry of readings says and moves, from the batch on chain, the frozen terms and what meters and nodes signed
 * by keys that the registry had: made before anybody attests it, by each for itself.
 */
import { keccak256, type Provider } from "ethers";
import * as Delivery from "../../chain/delivery.ts";
import { lastEntry } from "../../chain/deliveryEntries.ts";
import { contracts, deliveryContracts, type Deployment } from "../../chain/deployment.ts";
import { keysOfSession, type SessionKeys } from "../../chain/keys.ts";
import { DESK_ID, UTILITY_ID } from "../../chain/onboarding.ts";
import {
  deliveryDomain,
  meterDigest,
  meterReadings,
  metersHash,
  reasonHash,
  type Kind,
} from "../../codec/deliveryData.ts";
import * as Payload from "../../codec/payload.ts";
import { committedPlans, type SignedBy } from "../../codec/plans.ts";
import { decodeReadings, encodeReadings, type SessionReadings } from "../../codec/readings.ts";
import type { Terms } from "../../codec/terms.ts";
import { marketDomain, sessionHash } from "../../codec/typedData.ts";
import type { Witness } from "../../codec/witness.ts";
import * as Ledger from "../../ledger/delivery.ts";
import { INSURANCE_ID } from "../../ledger/posting.ts";
import { imbalancePrice } from "../../ledger/settleable.ts";
import type { ClearingResult } from "../../market/result/clearingResult.ts";
import { sessionOf } from "../../market/scenario/leaveOut.ts";
import { marketOf } from "../../market/scenario/market.ts";
import { beyondConnections, sessionReadings } from "../../metering/entry.ts";
import { toDeliveryJson, toMetersJson, type Earlier } from "../../metering/record.ts";
import { takeIn, type Expected, type Signed, type Taken } from "../../metering/signed.ts";
import type { DeliveryJson, MetersJson } from "../../records/deliveryJson.ts";

/** A market that can be asked. */
export type Asked = { readonly deployment: Deployment; readonly provider: Provider };

/** What the session was, as the chain and its frozen terms have it. */
export type Promised = {
  readonly settled: Delivery.SettledBatch;
  readonly payload: Uint8Array;
  readonly terms: Terms;
  /** As the witness has them. */
  readonly plans: Witness["plans"];
};

export type { Signed };

/** More than any account has, nano-dollars. */
const ENOUGH = 1n << 100n;

export type EntryRequest = {
  readonly kind: Exclude<Kind, "none">;
  /** Of a correction: why it is made. */
  readonly reason?: string;
};

export type Reckoned = {
  /** Who has a row. */
  readonly invited: readonly number[];
  readonly taken: Taken;
  /** What was read beyond a connection and counts as what that carries, in words. */
  readonly beyond: readonly string[];
  readonly readings: SessionReadings;
  readonly basis: Ledger.Basis;
  readonly bill: Ledger.Bill;
  /** The entry that it follows. */
  readonly before: Delivery.ChainEntry | undefined;
  readonly earlier: Earlier | undefined;
  /** As it is attested and sent. */
  readonly entry: Delivery.NewEntry;
  /** What the ledger says that it moves now. */
  readonly entered: Ledger.Entered;
};

/** The result that settled. */
export function resultOf({ payload, settled: { terms } }: Promised): ClearingResult {
  const { periods, periodSeconds, start } = terms;
  const { participants, trades, reactiveVar } = Payload.decode(payload, periods);
  return { sessionStart: Number(start), periodSeconds, periods, participants, trades, reactiveVar };
}

export async function reckon(
  market: Asked,
  promised: Promised,
  signed: Signed,
  request: EntryRequest,
): Promise<Reckoned> {
  const { deployment, provider } = market;
  const { settled, terms } = promised;
  const result = resultOf(promised);
  const taken = takeIn(signed, await expectedIn(market, promised));
  const cleared = marketOf(sessionOf(terms.scenario, result.participants), terms.settings);
  const before = await lastEntry(deployment, provider, settled);
  const basis = await basisOf(market, settled, before, request.kind);
  const earlier = before && earlierOf(before, basis);
  const { connections } = basis;
  const invited = rowsOf(terms, connections, earlier?.readings);
  const held = imbalancePrice(terms.scenario.tariff);
  const known = { result, market: cleared, invited, imbalancePrice: held, connections };
  const readings = sessionReadings(known, taken, request.kind);
  const bill = Ledger.bill(readings, basis);
  const moving = earlier ? Ledger.subtract(bill, earlier.bill, earlier.kind) : bill;
  const meters = metersHash(invited.map((id) => digestOf(market, taken, id)));
  const reason = request.reason === undefined ? undefined : reasonHash(request.reason);
  const entry = { kind: request.kind, readings: encodeReadings(readings), meters, ...(reason && { reason }) };
  const takenUp = before && (await takenUpOf(market, settled, earlier!));
  const entered = Ledger.enter(moving, request.kind, await debitableOf(market, invited), takenUp);
  const beyond = beyondConnections(known, taken);
  return { invited, taken, beyond, readings, basis, bill, before, earlier, entry, entered };
}

export type Documents = { readonly delivery: DeliveryJson; readonly meters: MetersJson };

/** delivery.json and meters.json. `entry`: where it was entered; undefined where it is only reckoned. */
export function documentsOf(
  { deployment }: Pick<Asked, "deployment">,
  promised: Promised,
  request: EntryRequest,
  reckoned: Reckoned,
  entry: Delivery.ChainEntry | undefined,
): Documents {
  const { settled } = promised;
  const { sessionStart: start, participants } = resultOf(promised);
  const { readings, basis, bill, entered, earlier, taken } = reckoned;
  const delivered = {
    ...{ batch: settled.batch, start, participants, ...request },
    ...{ readings, basis, bill, entered, earlier },
    ...{ hash: keccak256(reckoned.entry.readings), metersHash: reckoned.entry.meters },
    ...(entry && { chain: placeOf(deployment, entry) }),
  };
  const where = { batch: settled.batch, chainId: Number(deployment.chainId), delivery: deployment.delivery! };
  return { delivery: toDeliveryJson(delivered), meters: toMetersJson(where, { taken, basis }) };
}

const placeOf = ({ delivery }: Deployment, { number, transaction, block, gasUsed }: Delivery.ChainEntry) => ({
  delivery: delivery!,
  entry: number,
  txHash: transaction,
  block,
  gasUsed: Number(gasUsed),
});

/** The contract takes no row of whom it cannot bound, and later the rows of the entry before. */
const rowsOf = ({ scenario }: Terms, connections: Ledger.Basis["connections"], earlier?: SessionReadings): number[] =>
  (earlier?.rows ?? scenario.prosumers).map(({ id }) => id).filter((id) => earlier || connections.has(id));

/** What counts: by the keys that an auditor judges by. */
export async function expectedIn(
  { deployment, provider }: Asked,
  { settled, plans }: Pick<Promised, "settled" | "plans">,
): Promise<Expected> {
  const { start, periodSeconds, periods } = settled.terms;
  const keys = await keysOfSession(deployment, provider, settled.terms);
  return {
    domain: deliveryDomain(deployment.chainId, deployment.delivery!),
    batch: settled.batch,
    ...{ start: Number(start), periodSeconds, periods },
    ...keys,
    committed: committedPlans({ plans }, committedBy(deployment, settled, keys)),
  };
}

/** What is said of an entry that is being made is judged by this, before it is reckoned. */
export type JudgedBy = {
  readonly expected: Expected;
  /** Who has a row, and what bounds it. */
  readonly invited: readonly number[];
  readonly connections: Ledger.Basis["connections"];
};

/** `before`: the entry that it follows. */
export async function judgedBy(
  asked: Asked,
  promised: Promised,
  before: Delivery.ChainEntry | undefined,
): Promise<JudgedBy> {
  const { settled, terms } = promised;
  const { deployment, provider } = asked;
  const connections = await Delivery.connectionsFor(
    deployment,
    provider,
    Number(settled.terms.start),
    before?.connections,
  );
  const earlier = before && decodeReadings(before.readings, settled.terms.periods);
  return { expected: await expectedIn(asked, promised), invited: rowsOf(terms, connections, earlier), connections };
}

const committedBy = (
  { chainId, market }: Deployment,
  settled: Delivery.SettledBatch,
  { nodeKeys }: Pick<SessionKeys, "nodeKeys">,
): SignedBy => ({ session: sessionHash(settled.terms), domain: marketDomain(chainId, market), nodeKeys });

function digestOf({ deployment }: Asked, { files }: Taken, id: number) {
  const file = files.get(id);
  if (file === undefined) return undefined;
  const domain = deliveryDomain(deployment.chainId, deployment.delivery!);
  return { digest: meterDigest(domain, meterReadings(file.readings, file.number)), signature: file.signature };
}

/** A session is measured against what its first entry found of connections, whatever is registered or ends later. */
async function basisOf(
  { deployment, provider }: Asked,
  { terms }: Delivery.SettledBatch,
  before: Delivery.ChainEntry | undefined,
  kind: Kind,
): Promise<Ledger.Basis> {
  const { delivery } = deliveryContracts(deployment, provider);
  const [{ multiple }, connections] = await Promise.all([
    delivery.getFunction("windows").staticCall(),
    Delivery.connectionsFor(deployment, provider, Number(terms.start), before?.connections),
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
 * The same as it was entered: what the accounts had then may be another than when it was reckoned, in the same block
 * even. Throws where what was posted is not what its readings come to.
 */
export async function asEntered(
  asked: Asked,
  { settled }: Pick<Promised, "settled">,
  reckoned: Reckoned,
  { transaction, block, number }: Delivery.ChainEntry,
): Promise<Reckoned> {
  const { bill, earlier, entry } = reckoned;
  const moving = earlier ? Ledger.subtract(bill, earlier.bill, earlier.kind) : bill;
  const told = await Delivery.toldOf(asked.deployment, asked.provider, transaction, settled.sequence);
  const takenUp = earlier && (await takenUpOf(asked, settled, earlier, { blockTag: block - 1, owed: told.takenUp }));
  const entered = Ledger.enter(moving, entry.kind, hadBy(told), takenUp);
  const differs = entered.entries.some(({ id, nano, grams }) => {
    const posted = told.posted.get(id);
    return posted?.nano !== nano || posted.grams !== grams;
  });
  if (differs) throw new Error(`entry ${number} of session ${settled.sequence} posts what its readings do not come to`);
  return { ...reckoned, entered };
}

/** What accounts had as far as it shows: who was short has given all, who was not had enough. */
const hadBy =
  ({ posted, arrears, byReceivers }: Delivery.ToldOfEntry): Ledger.Debitable =>
  (id) => {
    const { nano, grams } = posted.get(id) ?? { nano: 0n, grams: 0n };
    const short = arrears.has(id) || (id === INSURANCE_ID && byReceivers > 0n);
    return { nano: short ? -nano : ENOUGH, grams: grams < 0n ? -grams : 0n };
  };

/** What the entry before could not move: now, or after a block, of which what is taken up of arrears is known. */
async function takenUpOf(
  { deployment, provider }: Asked,
  { sequence }: Delivery.SettledBatch,
  { readings }: Earlier,
  at: { readonly blockTag: number; readonly owed: ReadonlyMap<number, bigint> } | undefined = undefined,
): Promise<Ledger.TakenUp> {
  const { delivery } = deliveryContracts(deployment, provider);
  const nano: readonly bigint[] = await delivery.getFunction("unmovedOf").staticCall(sequence, {
    blockTag: at?.blockTag ?? "latest",
  });
  // The order in which the contract has them.
  const ids = [...readings.rows.map(({ id }) => id), DESK_ID, UTILITY_ID, INSURANCE_ID];
  const unmoved = new Map(nano.map((one, k) => [ids[k], one]));
  if (at !== undefined) return Ledger.takeUp(unmoved, (id) => at.owed.get(id) ?? 0n);
  const owing = [...unmoved].filter(([, one]) => one < 0n).map(([id]) => id);
  const owed = await Promise.all(owing.map((id) => delivery.getFunction("arrearsOf").staticCall(id)));
  const arrears = new Map(owing.map((id, k) => [id, owed[k] as bigint]));
  return Ledger.takeUp(unmoved, (id) => arrears.get(id) ?? 0n);
}

/** What may be taken of each account now. */
async function debitableOf({ deployment, provider }: Asked, ids: readonly number[]): Promise<Ledger.Debitable> {
  const { market } = contracts(deployment, provider);
  const all = [...ids, INSURANCE_ID, DESK_ID, UTILITY_ID];
  const read = await Promise.all(all.map((id) => market.getFunction("debitable").staticCall(id)));
  const accounts = new Map(all.map((id, k) => [id, read[k] as { nano: bigint; grams: bigint }]));
  return (id) => {
    const { nano, grams } = accounts.get(id)!;
    return { nano, grams };
  };
}
