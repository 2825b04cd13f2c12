/** What follows a settled session on chain: connections, entries of readings, credits (docs/delivery.md). */
import {
  type BaseWallet,
  type Contract,
  getBytes,
  hexlify,
  keccak256,
  type Log,
  type Provider,
  type Signer,
} from "ethers";
import {
  type Attested,
  type Commitment,
  type Connection,
  CONNECTION_TYPES,
  decodeConnections,
  deliveryDomain,
  entryCommitment,
  type Kind,
  KINDS,
  READINGS_TYPES,
  rowProof,
  rowsRoot,
} from "../codec/deliveryData.ts";
import { DELIVERY, MARKET } from "../codec/abi.ts";
import { decodeEntries, type PostingEntry } from "../codec/entries.ts";
import { decodeReadings, rowBytes } from "../codec/readings.ts";
import { packSignatures, type SessionTerms } from "../codec/typedData.ts";
import { type Deployment, deliveryContracts, send } from "./deployment.ts";

/** A settled session, as whoever enters its readings has to name it. */
export type SettledBatch = {
  readonly terms: SessionTerms;
  /** The digest that settled, and its number. */
  readonly batch: string;
  readonly sequence: number;
  /** Hashes of what was posted and published. */
  readonly payload: string;
  readonly bundle: string;
};

/** What an entry has left behind on chain. */
export type ChainEntry = {
  readonly number: number;
  readonly kind: Kind;
  readonly readings: Uint8Array;
  readonly commitment: string;
  /** Code that holds the connections that the session is measured against. */
  readonly connections: string;
  readonly transaction: string;
  readonly block: number;
  readonly gasUsed: bigint;
};

/** Before the first entry. */
export const NO_ENTRY = { number: 0, commitment: `0x${"0".repeat(64)}`, readings: new Uint8Array() } as const;
export type Before = Pick<ChainEntry, "number" | "commitment" | "readings"> & Partial<Pick<ChainEntry, "connections">>;

export type NewEntry = {
  readonly kind: Exclude<Kind, "none">;
  readonly readings: Uint8Array;
  /** keccak256 of what the meters signed, and of the text that says why; zero unless it is a correction. */
  readonly meters: string;
  readonly reason?: string;
};

const ZERO_HASH = NO_ENTRY.commitment;
const NOBODY = `0x${"0".repeat(40)}`;

/** Ids ascend. `walletOf`: who signs for an account; the operator sends. */
export async function registerConnections(
  deployment: Deployment,
  operator: Signer,
  connections: readonly Connection[],
  walletOf: (id: number) => Signer,
): Promise<void> {
  const { delivery } = deliveryContracts(deployment, operator);
  const domain = deliveryDomain(deployment.chainId, await delivery.getAddress());
  const signatures = await Promise.all(
    connections.map((one) => walletOf(one.prosumer).signTypedData(domain, CONNECTION_TYPES, one)),
  );
  await send(delivery, "registerConnections", connections, signatures);
}

/** What is registered of an account; zeros and nonce 0n where nothing is. */
export async function connectionOf(deployment: Deployment, provider: Provider, id: number): Promise<Connection> {
  const found = await deliveryContracts(deployment, provider).delivery.getFunction("connectionOf").staticCall(id);
  const { prosumer, feedW, takeW, renewableW, maxPrice, nonce } = found;
  const [feed, take, renewable, price] = [feedW, takeW, renewableW, maxPrice].map(Number);
  return { prosumer: Number(prosumer), feedW: feed, takeW: take, renewableW: renewable, maxPrice: price, nonce };
}

/** By account; what is registered of each. */
export type Connections = Map<number, Omit<Connection, "prosumer" | "nonce">>;

/** An account has no row of sessions that begin from `from` on and before `until`; 0n: nothing has followed yet. */
export type Ending = { readonly id: number; readonly from: bigint; readonly until: bigint };

/** All that ever ended, in their order, as the contract keeps them. */
export async function endingsOf(delivery: Contract): Promise<Ending[]> {
  const found: Ending[] = [];
  for (;;) {
    const { id, from, until } = await delivery.getFunction("endings").staticCall(found.length);
    if (id === 0n) return found;
    found.push({ id: Number(id), from, until });
  }
}

/** Those that count for a session which begins at `start`, Unix seconds: without those that have ended by then. */
export async function connectionsFor(
  deployment: Deployment,
  provider: Provider,
  start: number,
  pointer?: string,
): Promise<Connections> {
  const { delivery } = deliveryContracts(deployment, provider);
  const [all, endings] = await Promise.all([connectionsAt(deployment, provider, pointer), endingsOf(delivery)]);
  for (const { id, from, until } of endings) if (from <= start && (until === 0n || start < until)) all.delete(id);
  return all;
}

/** Everybody's connection in the code at `pointer`, or where none is named in that which was written last. */
export async function connectionsAt(
  deployment: Deployment,
  provider: Provider,
  pointer?: string,
): Promise<Connections> {
  const { delivery } = deliveryContracts(deployment, provider);
  const written = (): Promise<Log[]> =>
    delivery.queryFilter(delivery.filters.ConnectionsWritten(), deployment.block) as Promise<Log[]>;
  const [last] = pointer === undefined ? (await written()).slice(-1) : [];
  const at = pointer ?? (last && (delivery.interface.parseLog(last)!.args.pointer as string));
  // The first byte of stored code is no part of it.
  return at === undefined ? new Map() : decodeConnections(getBytes(await provider.getCode(at)).subarray(1));
}

/** What a quorum signs. `epoch`: of the session's committee until the metering window ends, then 0. */
export const attestedOf = (
  { batch }: SettledBatch,
  { number, commitment }: Before,
  entry: NewEntry,
  epoch: bigint,
): Attested => ({
  batch,
  epoch,
  entry: number + 1,
  previous: commitment,
  kind: KINDS.indexOf(entry.kind),
  readings: keccak256(entry.readings),
  meters: entry.meters,
  reason: entry.reason ?? ZERO_HASH,
});

/** One member's signature under readings that it has made itself. */
export const attestEntry = (deployment: Deployment, nodeKey: BaseWallet, attested: Attested): Promise<string> =>
  nodeKey.signTypedData(deliveryDomain(deployment.chainId, deployment.delivery!), READINGS_TYPES, attested);

/** Enters readings. `attestations`: signature by the member's bit. Anybody may send it. */
export async function enterReadings(
  deployment: Deployment,
  submitter: Signer,
  settled: SettledBatch,
  { before, entry }: { readonly before: Before; readonly entry: NewEntry },
  attestations: ReadonlyMap<number, string>,
): Promise<ChainEntry & { readonly posted: readonly PostingEntry[] }> {
  const { delivery } = deliveryContracts(deployment, submitter);
  const { signers, signatures } = packSignatures(attestations);
  const posting = {
    terms: settled.terms,
    payload: settled.payload,
    bundle: settled.bundle,
    kind: KINDS.indexOf(entry.kind),
    meters: entry.meters,
    reason: entry.reason ?? ZERO_HASH,
    connections: before.connections ?? NOBODY,
  };
  const args = [posting, hexlify(entry.readings), hexlify(before.readings), signers, signatures] as const;
  const receipt = await send(delivery, "deliver", ...args);
  const event = receipt.logs
    .map((log: Log) => delivery.interface.parseLog(log))
    .find((log) => log?.name === "DeliveryEntered");
  const moved = receipt.logs.map((log: Log) => MARKET.parseLog(log)).find((log) => log?.name === "Posted");
  if (!event || !moved) throw new Error("deliver: no DeliveryEntered or Posted event");
  const { connections } = event.args.committed;
  return {
    number: Number(event.args.entry),
    kind: entry.kind,
    readings: entry.readings,
    commitment: entryCommitment(settled.batch, entry.readings, settled.terms.periods, connections),
    connections,
    transaction: receipt.hash,
    block: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    posted: decodeEntries(moved.args.getValue("entries")),
  };
}

/** What the events of a transaction tell of the entry of a session. By account. */
export type ToldOfEntry = {
  readonly posted: ReadonlyMap<number, PostingEntry>;
  /** Arrears that it takes up, and those that it leaves. */
  readonly takenUp: ReadonlyMap<number, bigint>;
  readonly arrears: ReadonlyMap<number, bigint>;
  readonly byReceivers: bigint;
};

export async function toldOf(
  deployment: Deployment,
  provider: Provider,
  transaction: string,
  sequence: number,
): Promise<ToldOfEntry> {
  const logs = (await provider.getTransactionReceipt(transaction))?.logs ?? [];
  const is = (address: string, of: string | undefined): boolean => address.toLowerCase() === of?.toLowerCase();
  const parsed = logs.flatMap((log) => {
    if (is(log.address, deployment.market)) return MARKET.parseLog(log) ?? [];
    return is(log.address, deployment.delivery) ? (DELIVERY.parseLog(log) ?? []) : [];
  });
  const from = parsed.findIndex(({ name, args }) => name === "DeliveryEntered" && args.sequence === BigInt(sequence));
  const to = parsed.findIndex(({ name }, k) => k > from && name === "Posted");
  if (from < 0 || to < 0) throw new Error(`${transaction} enters nothing of session ${sequence}`);
  const own = parsed.slice(from, to);
  const of = (event: string) =>
    new Map(own.filter(({ name }) => name === event).map(({ args }) => [Number(args.id), args.nano as bigint]));
  return {
    posted: new Map(decodeEntries(parsed[to].args.getValue("entries")).map((one) => [one.id, one])),
    takenUp: of("ArrearsTakenUp"),
    arrears: of("Arrears"),
    byReceivers: own.find(({ name }) => name === "ShortfallBorne")?.args.byReceivers ?? 0n,
  };
}

export type IssuedCredits = {
  readonly prosumer: number;
  readonly asset: bigint;
  /** New ones; what was issued too much before is taken off first. */
  readonly wh: bigint;
  readonly transaction: string;
  readonly gasUsed: bigint;
};

/**
 * Credits for what the meters of these accounts have measured renewable; each must have a registered device, and the
 * entry's dispute time must be over. Anybody may send it.
 */
export async function issueCredits(
  deployment: Deployment,
  submitter: Signer,
  { batch, sequence, terms }: SettledBatch,
  entry: ChainEntry,
  accounts: readonly number[],
): Promise<IssuedCredits[]> {
  const { carbonCredit } = deliveryContracts(deployment, submitter);
  const { readings, connections } = entry;
  const committed: Commitment = {
    batch,
    readings: keccak256(readings),
    rows: rowsRoot(readings, terms.periods),
    connections,
  };
  const rows = rowBytes(readings, terms.periods);
  const issued: IssuedCredits[] = [];
  for (const [k, { id, values }] of decodeReadings(readings, terms.periods).rows.entries()) {
    const measured = values.some(({ quality, renewableWh }) => quality === 0 && renewableWh > 0);
    if (!measured || !accounts.includes(id)) continue;
    const proof = rowProof(readings, terms.periods, k);
    const receipt = await send(carbonCredit, "issueCredits", sequence, committed, rows[k], proof);
    const event = receipt.logs
      .map((log: Log) => carbonCredit.interface.parseLog(log))
      .find((log) => log?.name === "CertificateIssued");
    if (event === undefined || event === null) continue;
    const { asset, issued: wh } = event.args;
    issued.push({ prosumer: id, asset, wh, transaction: receipt.hash, gasUsed: receipt.gasUsed });
  }
  return issued;
}
