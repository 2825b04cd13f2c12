/**
 * Entries of readings, judged as the chain shows them: by a quorum's attestation, in their time, of the batch that
 * settled, and what they moved made again from their bytes. Shares no derivation with the ledger that made them.
 */
import { AbiCoder, concat, getBytes, hexlify, keccak256, type Result } from "ethers";
import { DELIVERY, MARKET } from "../codec/abi.ts";
import { deliveryDomain, decodeConnections, KINDS, readingsDigest, type Kind } from "../codec/deliveryData.ts";
import { decodeEntries } from "../codec/entries.ts";
import { isIllFormed } from "../codec/foreign.ts";
import * as Payload from "../codec/payload.ts";
import { decodeReadings, rowBytes, type SessionReadings } from "../codec/readings.ts";
import { attempt } from "../codec/refusal.ts";
import { quorumOf, sessionHash } from "../codec/typedData.ts";
import { signerOf } from "../codec/recover.ts";
import type { ChainLog, Look } from "../chain/look.ts";
import type { AuditedSession } from "./audit.ts";
import * as Charges from "./charges.ts";
import { termsFault } from "./entryTerms.ts";
import { debitableIn, type History } from "./history.ts";
import { believed, hiddenFromEntry, hiddenPosting } from "./hidden.ts";
import { isOfSignatures } from "./judge.ts";
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
  /** Events of the transaction that is being read, whose posting has not come yet. */
  pending: Pending;
};

export type Pending = {
  readonly transaction: string;
  readonly entered: Result | undefined;
  readonly arrears: readonly (readonly [number, bigint])[];
  readonly borne: readonly [byFund: bigint, byReceivers: bigint];
  readonly collected: readonly [number, bigint] | undefined;
};
const nothingOf = (transaction: string): Pending => ({
  transaction,
  entered: undefined,
  arrears: [],
  borne: [0n, 0n],
  collected: undefined,
});

export const beginEntries = (): Entries => ({
  entered: new Map(),
  arrears: new Map(),
  contested: new Map(),
  connections: undefined,
  pending: nothingOf(""),
});

const ZERO_HASH = `0x${"0".repeat(64)}`;
const MOST_ENTRIES = 8;
const MOST_PROVISIONAL = 4;

/** Takes an event of the delivery contract. */
export function take(entries: Entries, log: ChainLog): void {
  const parsed = DELIVERY.parseLog(log);
  if (parsed === null) return;
  const { name, args } = parsed;
  const { transaction } = log;
  const own = entries.pending.transaction === transaction ? entries.pending : nothingOf(transaction);
  if (name === "ConnectionsWritten") entries.connections = args.pointer;
  if (name === "Contested") entries.contested.set(args.sequence, args.until);
  if (name === "DeliveryEntered") entries.pending = { ...own, entered: args };
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
  for (const [id, nano] of pending.arrears) entries.arrears.set(id, (entries.arrears.get(id) ?? 0n) + nano);
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
      : block === undefined
        ? `block ${log.block}`
        : limits === undefined
          ? `the code of the connections, ${args.committed.connections}`
          : session?.terms === undefined || session.payload === undefined
            ? `what settled as batch number ${args.sequence}`
            : undefined;
  if (missing !== undefined) return { ...entry, verdict: undecided(missing) };
  const facts = { entry, session: session!, call: call as Call, before, rows: args.committed.rows as string };
  const epoch = epochOf(work, facts);
  const verdict = await believed(verdictOf(work, facts, pending, posted), () =>
    hiddenFromEntry(work, entry, epoch, { log, pending }),
  );
  return { ...entry, verdict };
}

/** Everybody's connection, in code that nobody can change. */
async function limitsAt(look: Look, pointer: string): Promise<ReadonlyMap<number, Charges.Limits> | undefined> {
  const code = getBytes(await look.code(pointer));
  try {
    return code.length === 0 ? undefined : decodeConnections(code.subarray(1));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}

type Call = {
  readonly posting: Result;
  readonly readings: Uint8Array;
  readonly signers: number;
  readonly signatures: string;
  /** Whether signers and signatures are what was submitted. */
  readonly genuine: boolean;
};

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

type Facts = {
  readonly entry: Omit<AuditedEntry, "verdict">;
  readonly session: AuditedSession;
  readonly call: Call;
  readonly before: readonly AuditedEntry[];
  readonly rows: string;
};

/** In the contract's order: which batch, which kind and when, by whom, what of, what it moves. */
function verdictOf(work: EntryWork, facts: Facts, pending: Pending, posted: Result): Verdict {
  const { session, entry, call, before } = facts;
  const named = sessionHash(termsIn(call.posting)) === sessionHash(session.terms!);
  if (!named && !call.genuine) return undecided(`what entry ${entry.number} was submitted with`);
  if (entry.batch !== session.batch || !named)
    return invalid("unknownBatch", `it is entered for batch ${entry.batch}, ${session.batch} settled`);
  if (entry.number !== before.length + 1)
    return undecided(`the events of entry ${before.length + 1} of batch number ${entry.sequence}`);
  const unknown = before.find(({ readings }) => readings === undefined);
  if (unknown !== undefined) return undecided(`the readings of entry ${unknown.number}`);
  const closes = endOf(session) + work.delivery.metering;
  const early = orderFault(work.delivery, facts, closes) ?? quorumFault(work, facts);
  if (early !== undefined)
    return !call.genuine && isOfSignatures(early) ? undecided(`the signatures of entry ${entry.number}`) : early;
  const read = attempt(() => decodeReadings(call.readings, session.terms!.periods));
  if ("kind" in read) return invalid(read.predicate, read.detail.join(", "));
  if (rootOf(rowBytes(call.readings, session.terms!.periods)) !== facts.rows)
    return invalid("rowsNotTheReadings", `the tree of entry ${entry.number} is of other rows`);
  if (entry.kind === "final" && entry.at < closes && !Charges.allMeasured(read))
    return invalid("notMeasured", `entry ${entry.number} is final before ${closes} with values that are not measured`);
  const due = Charges.dueFault(read, ...positionsOf(session));
  if (due !== undefined) return invalid(due.predicate, due.detail);
  const asked = askedFault(session, read);
  if (asked !== undefined) return asked;
  return moneyVerdict(work, facts, read, { pending, posted });
}

/** Without the witness of a session that is judged by one nobody knows what its terms ask. */
function askedFault({ batch, verdict, prices, payload, terms }: AuditedSession, read: SessionReadings) {
  if (prices === undefined) return verdict.kind === "valid" ? undefined : undecided(`the terms of batch ${batch}`);
  const wrong = termsFault(read, { payload: payload!, terms: terms!, prices });
  return wrong && invalid(wrong.predicate, wrong.detail);
}

const endOf = ({ terms }: AuditedSession): bigint => terms!.start + BigInt(terms!.periods * terms!.periodSeconds);

const termsIn = ({ terms }: Result) => {
  const { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice, start, deadline } = terms;
  const [periodSeconds, periods] = [Number(terms.periodSeconds), Number(terms.periods)];
  const ids = { epoch, sequence, ordinal, previousBatch, gridModel, termsHash, imbalancePrice };
  return { ...ids, start, deadline, periodSeconds, periods };
};

function positionsOf({ payload, terms }: AuditedSession) {
  const { participants, trades } = Payload.decode(payload!, terms!.periods);
  const sold = new Map<string, number>();
  const add = (party: number, period: number, wh: number): void => {
    sold.set(`${party} ${period}`, (sold.get(`${party} ${period}`) ?? 0) + wh);
  };
  for (const { product, seller, buyer, period, quantity } of trades) {
    if (product !== "energy") continue;
    add(seller, period, quantity);
    add(buyer, period, -quantity);
  }
  return [participants, (i: number, t: number): number => sold.get(`${i} ${t}`) ?? 0] as const;
}

function orderFault(delivery: DeliveryContract, { entry, before }: Facts, closes: bigint): Verdict | undefined {
  const { kind, at, reason, number } = entry;
  const last = before.at(-1)?.kind ?? "none";
  const open = last === "none" || last === "provisional";
  if (open ? kind !== "provisional" && kind !== "final" : kind !== "correction")
    return invalid("kindOutOfOrder", `entry ${number} is ${kind} after ${last}`);
  if (before.length >= (kind === "provisional" ? MOST_PROVISIONAL : MOST_ENTRIES))
    return invalid("tooManyEntries", `${number}`);
  if (kind === "correction" && reason === ZERO_HASH) return invalid("reasonMissing", `entry ${number}`);
  if (kind !== "correction" && reason !== ZERO_HASH) return invalid("reasonUnexpected", `entry ${number}`);
  const end = closes - delivery.metering;
  if (at < end + delivery.grace) return invalid("deliveryTooEarly", `entry ${number} at ${at}`);
  if (at > end + delivery.correction) return invalid("deliveryTooLate", `entry ${number} at ${at}`);
  const connections = before[0]?.connections;
  if (connections !== undefined && connections !== entry.connections)
    return invalid("otherConnections", `entry ${number} is measured against ${entry.connections}, not ${connections}`);
  return undefined;
}

/** The session's committee until the metering window is over, the one in office afterwards. */
function epochOf({ history, delivery }: EntryWork, { entry, session }: Facts): bigint | undefined {
  return entry.at < endOf(session) + delivery.metering ? session.terms!.epoch : inOffice(history, entry.at);
}

function quorumFault(work: EntryWork, facts: Facts): Verdict | undefined {
  const { history, delivery } = work;
  const { entry, session, call, before } = facts;
  const epoch = epochOf(work, facts);
  const committee = epoch === undefined ? undefined : history.committees.get(epoch);
  if (committee === undefined) return undecided(`the committee that attests entry ${entry.number}`);
  const digest = readingsDigest(deliveryDomain(history.chainId, delivery.address), {
    batch: entry.batch,
    epoch: epoch!,
    entry: entry.number,
    previous: before.length === 0 ? ZERO_HASH : commitmentOf(before.at(-1)!, session),
    kind: KINDS.indexOf(entry.kind),
    readings: entry.readingsHash,
    meters: entry.meters,
    reason: entry.reason,
  });
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (call.signers / 2 ** bit) & 1);
  const signatures = getBytes(call.signatures);
  if (signatures.length !== 64 * bits.length) return invalid("signaturesLength", `${signatures.length}`);
  const quorum = quorumOf(committee.length);
  if (bits.length < quorum) return invalid("quorumNotReached", `${bits.length} of ${quorum}`);
  for (const [k, bit] of bits.entries()) {
    if (bit >= committee.length) return invalid("unknownMember", `${bit}`);
    if (signerOf(digest, signatures.subarray(64 * k, 64 * k + 64)) !== committee[bit])
      return invalid("badSignature", `${bit}`);
  }
  return undefined;
}

export function inOffice({ seats }: History, at: bigint): bigint | undefined {
  let best: { epoch: bigint; from: bigint } | undefined;
  for (const [epoch, from] of seats) {
    if (from > at) continue;
    if (best === undefined || from > best.from || (from === best.from && epoch > best.epoch)) best = { epoch, from };
  }
  return best?.epoch;
}

/** What the next entry has to name: batch, readings, tree of the rows, connections. */
function commitmentOf({ batch, readings, readingsHash, connections }: AuditedEntry, { terms }: AuditedSession): string {
  const rows = rootOf(rowBytes(readings!, terms!.periods));
  const words = AbiCoder.defaultAbiCoder().encode(
    ["bytes32", "bytes32", "bytes32", "address"],
    [batch, readingsHash, rows, connections],
  );
  return keccak256(words);
}

/** Pairs are hashed in ascending order of the two, an odd last one goes up as it is; zero without a row. */
export function rootOf(rows: readonly Uint8Array[]): string {
  if (rows.length === 0) return ZERO_HASH;
  const above = (nodes: readonly string[]): string => {
    if (nodes.length === 1) return nodes[0];
    const next: string[] = [];
    for (let k = 0; k < nodes.length; k += 2) {
      const [one, other] = [nodes[k], nodes[k + 1]];
      next.push(other === undefined ? one : keccak256(concat(one < other ? [one, other] : [other, one])));
    }
    return above(next);
  };
  return above(rows.map((row) => keccak256(hexlify(row))));
}

type Told = { readonly pending: Pending; readonly posted: Result };

/** What it comes to, made again, beside what the market posted and who is said to owe. */
function moneyVerdict(work: EntryWork, facts: Facts, readings: SessionReadings, told: Told): Verdict {
  const { entry, session, before } = facts;
  const { history, delivery } = work;
  const { periods, periodSeconds, imbalancePrice: mostPrice } = session.terms!;
  const imbalancePrice = Number(mostPrice);
  const terms = { periods, periodSeconds, multiple: delivery.multiple, imbalancePrice, limits: entry.limits! };
  const charges = Charges.chargesOf(readings, terms, entry.kind !== "provisional");
  if (Charges.isFault(charges)) return invalid(charges.predicate, charges.detail);
  const last = before.at(-1);
  const old = last && Charges.chargesOf(decodeReadings(last.readings!, periods), terms, last.kind !== "provisional");
  if (old !== undefined && Charges.isFault(old)) return invalid(old.predicate, old.detail);
  const moving = old ? Charges.difference(charges, old, last!.kind !== "provisional") : charges;
  if (Charges.isFault(moving)) return invalid(moving.predicate, moving.detail);
  const ids = [...charges.map(({ id }) => id), Charges.FUND, Charges.DESK, Charges.UTILITY];
  const unknown = ids.find((id) => history.unknown.has(id));
  if (unknown !== undefined) return undecided(`what account ${unknown} had before entry ${entry.number}`);
  const free = (id: number) => debitableIn(history, id, entry.at);
  const moves = Charges.movesOf(moving, readings.allowancePrice, entry.kind !== "provisional", free);
  return movedFault(moves, entry, told) ?? VALID;
}

function movedFault(moves: Charges.Moves, { moved, number }: Facts["entry"], told: Told): Verdict | undefined {
  const { pending, posted } = told;
  if (moved.length !== moves.moved.length)
    return invalid("movedNotTheReadings", `entry ${number} posts ${moved.length} accounts, not ${moves.moved.length}`);
  for (const [k, is] of moves.moved.entries())
    for (const field of ["id", "nano", "grams", "released"] as const)
      if (moved[k][field] !== is[field])
        return invalid("movedNotTheReadings", `${field} of account ${is.id} is ${is[field]}, not ${moved[k][field]}`);
  const grams = moves.moved.reduce((sum, one) => sum + one.grams, 0n);
  if (posted.issuedG !== grams) return invalid("movedNotTheReadings", `${grams} g are issued, not ${posted.issuedG}`);
  const owed = (list: readonly (readonly [number, bigint])[]): string => list.map((one) => one.join(" ")).join(", ");
  if (owed(pending.arrears) !== owed(moves.arrears))
    return invalid("shortfallNotTheReadings", `${owed(moves.arrears)} stay owed, not ${owed(pending.arrears)}`);
  // What was moved is right, and so who bears what: no contract keeps it, and the released one tells no other sums.
  const [byFund, byReceivers] = pending.borne;
  return byFund === moves.byFund && byReceivers === moves.byReceivers
    ? undefined
    : undecided(`the event as it was that tells who bears what entry ${number} falls short of`);
}
