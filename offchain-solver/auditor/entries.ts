/**
 * Entries of readings, judged as the chain shows them: by a quorum's attestation, in their time, of the batch that
 * settled, and what they moved made again from their bytes. Shares no derivation with the ledger that made them.
 */
import { getBytes, keccak256, type Result } from "ethers";
import { DELIVERY, MARKET } from "../codec/abi.ts";
import { decodeConnections, KINDS, type Kind } from "../codec/deliveryData.ts";
import { decodeEntries } from "../codec/entries.ts";
import { isIllFormed } from "../codec/foreign.ts";
import type { ChainLog, Look } from "../chain/look.ts";
import type { AuditedSession } from "./audit.ts";
import * as Charges from "./charges.ts";
import * as Endings from "./endings.ts";
import { epochOf, verdictOf, type Call } from "./entryVerdict.ts";
import type { History } from "./history.ts";
import { believed, hiddenFromEntry, hiddenPosting } from "./hidden.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

/** The contract that enters readings, and its fixed times: docs/delivery.md. */
export type DeliveryContract = {
  readonly address: string;
  readonly grace: bigint;
  readonly metering: bigint;
  readonly dispute: bigint;
  readonly correction: bigint;
  readonly multiple: bigint;
};

export type AuditedEntry = {
  readonly sequence: bigint;
  readonly batch: string;
  readonly number: number;
  readonly kind: Kind;
  readonly transaction: string;
  readonly block: number;
  /** Unix seconds of that block; 0n where it was not seen. */
  readonly at: bigint;
  /** Hashes of the readings, of what the meters signed and of why. */
  readonly readingsHash: string;
  readonly meters: string;
  readonly reason: string;
  /** Code that holds the connections it is measured against. */
  readonly connections: string;
  /** The bytes, where the call was found; and by account what was in that code. */
  readonly readings?: Uint8Array;
  readonly limits?: ReadonlyMap<number, Charges.Limits>;
  /** What the chain says that it moved. */
  readonly moved: readonly Charges.Moved[];
  /** By account: what it moves of what the entry before could not. */
  readonly left?: ReadonlyMap<number, bigint>;
  /** By account: what it could not move itself. */
  readonly unmoved?: ReadonlyMap<number, bigint>;
  readonly verdict: Verdict;
};

/** What was seen of the entries so far. */
export type Entries = {
  /** By number of the batch, oldest first. */
  readonly entered: Map<bigint, AuditedEntry[]>;
  /** By account: what could not be taken of it. */
  readonly arrears: Map<number, bigint>;
  /** Until when a wallet holds back the credits of a session's last entry. */
  readonly contested: Map<bigint, bigint>;
  /** Code of everybody's connections that was written last. */
  connections: string | undefined;
  /** Connections that ended, in their order. */
  readonly endings: Endings.Ending[];
  /** Events of the transaction that is being read, whose posting has not come yet. */
  pending: Pending;
};

export type Pending = {
  readonly transaction: string;
  readonly entered: Result | undefined;
  /** Arrears that the entry takes up, and those that it makes. */
  readonly takenUp: readonly (readonly [number, bigint])[];
  readonly arrears: readonly (readonly [number, bigint])[];
  readonly borne: readonly [byFund: bigint, byReceivers: bigint];
  readonly collected: readonly [number, bigint] | undefined;
};
const nothingOf = (transaction: string): Pending => ({
  transaction,
  entered: undefined,
  takenUp: [],
  arrears: [],
  borne: [0n, 0n],
  collected: undefined,
});

export const beginEntries = (): Entries => ({
  entered: new Map(),
  arrears: new Map(),
  contested: new Map(),
  connections: undefined,
  endings: [],
  pending: nothingOf(""),
});

/** Takes an event of the delivery contract. */
export function take(entries: Entries, log: ChainLog): void {
  const parsed = DELIVERY.parseLog(log);
  if (parsed === null) return;
  const { name, args } = parsed;
  const { transaction } = log;
  const own = entries.pending.transaction === transaction ? entries.pending : nothingOf(transaction);
  if (name === "ConnectionsWritten") entries.connections = args.pointer;
  if (name === "ConnectionEnds") Endings.end(entries.endings, Number(args.id), args.from);
  if (name === "ConnectionRegistered") Endings.goOn(entries.endings, Number(args.connection.prosumer), log.block);
  if (name === "Contested") entries.contested.set(args.sequence, args.until);
  if (name === "DeliveryEntered") entries.pending = { ...own, entered: args };
  if (name === "ArrearsTakenUp")
    entries.pending = { ...own, takenUp: [...own.takenUp, [Number(args.id), args.nano as bigint] as const] };
  if (name === "Arrears")
    entries.pending = { ...own, arrears: [...own.arrears, [Number(args.id), args.nano as bigint] as const] };
  if (name === "ShortfallBorne") entries.pending = { ...own, borne: [args.byFund, args.byReceivers] };
  if (name === "Collected") entries.pending = { ...own, collected: [Number(args.id), args.nano] };
}

export type EntryWork = {
  readonly look: Look;
  readonly history: History;
  readonly delivery: DeliveryContract;
  readonly carbonCredit: string;
  readonly registry: string;
  readonly sessions: readonly AuditedSession[];
};

/**
 * A `Posted` of the market, before it is applied: by an entry, or by what is collected later. Returns what is wrong
 * with a posting that no entry explains.
 */
export async function judgePosting(work: EntryWork, log: ChainLog): Promise<Verdict> {
  const { entries } = work.history;
  const posted = MARKET.parseLog(log)!.args;
  const pending = entries.pending.transaction === log.transaction ? entries.pending : nothingOf("");
  entries.pending = nothingOf("");
  if (pending.entered === undefined) {
    const moved = movedIn(posted);
    const verdict = judgeCollected(entries, pending, moved);
    const judged = await believed(verdict, () => hiddenPosting(work, { log, pending }, moved));
    if (pending.collected !== undefined) {
      const [id, nano] = pending.collected;
      entries.arrears.set(id, (entries.arrears.get(id) ?? 0n) - nano);
    }
    return judged;
  }
  const { sequence } = pending.entered;
  const before = entries.entered.get(sequence) ?? [];
  const judged = await judgeEntry(work, pending, { log, posted, before });
  entries.entered.set(sequence, [...before, judged]);
  entries.contested.delete(sequence);
  const owe = (id: number, nano: bigint) => entries.arrears.set(id, (entries.arrears.get(id) ?? 0n) + nano);
  for (const [id, nano] of pending.takenUp) owe(id, -nano);
  for (const [id, nano] of pending.arrears) owe(id, nano);
  return VALID;
}

const movedIn = (posted: Result): Charges.Moved[] => decodeEntries(posted.getValue("entries"));

function judgeCollected(entries: Entries, { collected }: Pending, moved: readonly Charges.Moved[]): Verdict {
  if (collected === undefined) return undecided("the event that explains a posting of the delivery contract");
  const [id, nano] = collected;
  const owed = entries.arrears.get(id) ?? 0n;
  const said = moved.map((one) => `${one.id} ${one.nano} ${one.grams} ${one.released}`);
  const is = [
    [id, -nano],
    [Charges.FUND, nano],
  ].toSorted(([a], [b]) => Number(a) - Number(b));
  const right = said.join() === is.map(([of, sum]) => `${of} ${sum} 0 0`).join();
  if (nano > owed || !right)
    return invalid("collectedNotOwed", `account ${id} owed ${owed} nano-dollars, ${nano} were collected`);
  return VALID;
}

type Seen = {
  readonly log: ChainLog;
  readonly posted: Result;
  readonly before: readonly AuditedEntry[];
};

async function judgeEntry(work: EntryWork, pending: Pending, seen: Seen): Promise<AuditedEntry> {
  const { look, delivery, sessions } = work;
  const { log, posted, before } = seen;
  const args = pending.entered!;
  const block = await look.block(log.block);
  const session = sessions.find(({ sequence }) => sequence === BigInt(args.sequence));
  const call = await deliverCall(look, delivery.address, log.transaction, args.committed.readings);
  const limits = await limitsAt(look, args.committed.connections);
  const ended = await Endings.endedFor(look, work.history.entries.endings, session?.terms?.start ?? 0n);
  for (const id of ended ?? []) limits?.delete(id);
  const entry: Omit<AuditedEntry, "verdict"> = {
    sequence: BigInt(args.sequence),
    batch: args.committed.batch,
    number: Number(args.entry),
    kind: KINDS[Number(args.kind)] ?? "none",
    transaction: log.transaction,
    block: log.block,
    at: block?.timestamp ?? 0n,
    readingsHash: args.committed.readings,
    meters: args.meters,
    reason: args.reason,
    connections: args.committed.connections,
    moved: movedIn(posted),
    ...(typeof call !== "string" && { readings: call.readings }),
    ...(limits && { limits }),
  };
  const missing =
    typeof call === "string"
      ? call
      : block === undefined || ended === undefined
        ? `block ${log.block}, or one in which a connection was registered`
        : limits === undefined
          ? `the code of the connections, ${args.committed.connections}`
          : session?.terms === undefined || session.payload === undefined
            ? `what settled as batch number ${args.sequence}`
            : undefined;
  if (missing !== undefined) return { ...entry, verdict: undecided(missing) };
  const facts = { entry, session: session!, call: call as Call, before, rows: args.committed.rows as string };
  const epoch = epochOf(work, facts);
  const { verdict: own, ...money } = verdictOf(work, facts, pending, posted);
  const verdict = await believed(own, () => hiddenFromEntry(work, entry, epoch, { log, pending }));
  return { ...entry, ...money, verdict };
}

/** Everybody's connection, in code that nobody can change. */
async function limitsAt(look: Look, pointer: string): Promise<Map<number, Charges.Limits> | undefined> {
  const code = getBytes(await look.code(pointer));
  try {
    return code.length === 0 ? undefined : decodeConnections(code.subarray(1));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

/** The call that entered these readings, from the transaction or a trace of it; a string names what is missing. */
async function deliverCall(look: Look, to: string, transaction: string, hash: string): Promise<Call | string> {
  const direct = await look.transaction(transaction);
  const calls = [...(direct ? [direct] : []), ...(direct?.to === to ? [] : ((await look.trace(transaction)) ?? []))];
  for (const call of calls) {
    if (call.to !== to) continue;
    try {
      const parsed = DELIVERY.parseTransaction({ data: call.input });
      if (parsed?.name !== "deliver" || keccak256(parsed.args.readings) !== hash) continue;
      const { posting, readings, signers, signatures } = parsed.args;
      const genuine = call === direct && call.proven === true;
      return { posting, readings: getBytes(readings), signers: Number(signers), signatures, genuine };
    } catch (error) {
      if (!isIllFormed(error)) throw error;
    }
  }
  return `the readings of transaction ${transaction}`;
}
