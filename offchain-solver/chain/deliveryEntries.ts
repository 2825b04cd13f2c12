/** What was entered for settled sessions, as the chain has it: readings from the calls, money from the postings. */
import { getBytes, keccak256, type Log, type Provider } from "ethers";
import { DELIVERY, MARKET } from "../codec/abi.ts";
import { entryCommitment, KINDS, type Commitment, type Connection, type Kind } from "../codec/deliveryData.ts";
import { decodeEntries } from "../codec/entries.ts";
import { decodeReadings, type SessionReadings } from "../codec/readings.ts";
import type { SessionTerms } from "../codec/typedData.ts";
import { connectionsAt, type ChainEntry, type SettledBatch } from "./delivery.ts";
import { contracts, deliveryContracts, type Deployment } from "./deployment.ts";
import { eventsOf, type ContractEvent } from "./logs.ts";

export type DeliveryEntry = {
  readonly sequence: bigint;
  /** Of its session, from 1 on. */
  readonly entry: number;
  readonly kind: Exclude<Kind, "none">;
  readonly committed: Commitment;
  readonly block: number;
  readonly transaction: string;
  readonly gasUsed: bigint;
  /** Undefined where they were not in a plain call to `deliver`, or are not what was committed to. */
  readonly read:
    | {
        readonly bytes: Uint8Array;
        readonly readings: SessionReadings;
        readonly start: number;
        readonly periods: number;
        readonly periodSeconds: number;
        /** Most that a kWh costs that is short, 1e-6 $, as the session was frozen with. */
        readonly imbalancePrice: number;
      }
    | undefined;
  readonly connections: ReadonlyMap<number, Omit<Connection, "prosumer" | "nonce">>;
  /** Of its price that reserve costs that was called and not delivered. */
  readonly multiple: number;
  /** By account: nano-dollars and grams received, thousandths of a dollar held no more. */
  readonly moved: ReadonlyMap<number, { readonly nano: bigint; readonly grams: bigint; readonly released: bigint }>;
};

const NOBODY = /^0x0+$/;

/** The deployment with what posts to its market; without both where nothing was connected. */
export async function connectedAt(deployment: Deployment, provider: Provider): Promise<Deployment> {
  if (deployment.delivery !== undefined) return deployment;
  const { market } = contracts(deployment, provider);
  const named = ["delivery", "carbonCredit"];
  const found: string[] = await Promise.all(named.map((name) => market.getFunction(name).staticCall()));
  const [delivery, carbonCredit] = found;
  return found.some((address) => NOBODY.test(address)) ? deployment : { ...deployment, delivery, carbonCredit };
}

/** The most that readings of a session of that length can take from an account, nano-dollars. */
export const mostCharge = (
  deployment: Deployment,
  provider: Provider,
  id: number,
  { periodSeconds, periods }: { readonly periodSeconds: number; readonly periods: number },
): Promise<bigint> =>
  deliveryContracts(deployment, provider).delivery.getFunction("mostCharge").staticCall(id, periodSeconds, periods);

/** Oldest first, all or those of one session. Of a deployment that names its delivery. */
export async function readEntries(
  deployment: Deployment,
  provider: Provider,
  sequence?: number,
): Promise<DeliveryEntry[]> {
  const { delivery } = deliveryContracts(deployment, provider);
  const filter = delivery.filters.DeliveryEntered(...(sequence === undefined ? [] : [sequence]));
  const entered = await eventsOf(delivery, filter, deployment.block);
  if (entered.length === 0) return [];
  const multiple = Number((await delivery.getFunction("windows").staticCall()).multiple);
  return Promise.all(entered.map((one) => entryOf(deployment, provider, one, multiple)));
}

/** What the next entry of a session follows; undefined where there is none. Throws where nobody knows its readings. */
export async function lastEntry(
  deployment: Deployment,
  provider: Provider,
  { batch, sequence, terms }: SettledBatch,
): Promise<ChainEntry | undefined> {
  const last = (await readEntries(deployment, provider, sequence)).at(-1);
  if (last === undefined) return undefined;
  const { entry: number, kind, read, committed, transaction, block, gasUsed } = last;
  if (read === undefined)
    throw new Error(`entry ${number} was sent through another contract (${transaction}): its readings are unknown`);
  const { connections } = committed;
  const commitment = entryCommitment(batch, read.bytes, terms.periods, connections);
  return { number, kind, readings: read.bytes, commitment, connections, transaction, block, gasUsed };
}

async function entryOf(
  deployment: Deployment,
  provider: Provider,
  { log, event }: ContractEvent,
  multiple: number,
): Promise<DeliveryEntry> {
  const { sequence, entry, kind, committed } = event.args;
  const { batch, readings, rows, connections } = committed;
  const [transaction, receipt, table] = await Promise.all([
    provider.getTransaction(log.transactionHash),
    provider.getTransactionReceipt(log.transactionHash),
    connectionsAt(deployment, provider, connections),
  ]);
  const call =
    transaction?.to?.toLowerCase() === deployment.delivery?.toLowerCase()
      ? DELIVERY.parseTransaction({ data: transaction?.data ?? "0x" })
      : null;
  return {
    sequence,
    entry: Number(entry),
    kind: KINDS[Number(kind)] as DeliveryEntry["kind"],
    committed: { batch, readings, rows, connections },
    block: log.blockNumber,
    transaction: log.transactionHash,
    gasUsed: receipt?.gasUsed ?? 0n,
    read: call?.name === "deliver" ? readOf(call.args.readings, call.args.posting.terms, readings) : undefined,
    connections: table,
    multiple,
    moved: movedBy(receipt?.logs ?? [], deployment.market, log.index),
  };
}

type PostedTerms = Pick<SessionTerms, "start" | "periods" | "periodSeconds" | "imbalancePrice">;

function readOf(data: string, terms: PostedTerms, committed: string): DeliveryEntry["read"] {
  const bytes = getBytes(data);
  if (keccak256(bytes) !== committed) return undefined;
  const [start, periods, periodSeconds] = [terms.start, terms.periods, terms.periodSeconds].map(Number);
  const imbalancePrice = Number(terms.imbalancePrice);
  return { bytes, readings: decodeReadings(bytes, periods), start, periods, periodSeconds, imbalancePrice };
}

/** The market's posting that follows the entry's event. */
function movedBy(logs: readonly Log[], market: string, index: number): DeliveryEntry["moved"] {
  const moved = new Map<number, { nano: bigint; grams: bigint; released: bigint }>();
  for (const log of logs) {
    if (log.address.toLowerCase() !== market.toLowerCase() || log.index < index) continue;
    const event = MARKET.parseLog(log);
    if (event?.name !== "Posted") continue;
    for (const { id, ...one } of decodeEntries(event.args.getValue("entries"))) moved.set(id, one);
    break;
  }
  return moved;
}
