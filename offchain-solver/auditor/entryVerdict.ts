/** One entry of readings, judged: its order, its signatures, its rows, and the money that it moved. */
import { AbiCoder, concat, getBytes, hexlify, keccak256, type Result } from "ethers";
import { deliveryDomain, KINDS, readingsDigest } from "../codec/deliveryData.ts";
import * as Payload from "../codec/payload.ts";
import { decodeReadings, rowBytes, type SessionReadings } from "../codec/readings.ts";
import { signerOf } from "../codec/recover.ts";
import { attempt } from "../codec/refusal.ts";
import { quorumOf, sessionHash } from "../codec/typedData.ts";
import type { AuditedSession } from "./audit.ts";
import * as Charges from "./charges.ts";
import type { AuditedEntry, DeliveryContract, EntryWork, Pending } from "./entries.ts";
import { termsFault } from "./entryTerms.ts";
import { debitableIn, type History } from "./history.ts";
import { isOfSignatures } from "./judge.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

const ZERO_HASH = `0x${"0".repeat(64)}`;
const MOST_ENTRIES = 8;
const MOST_PROVISIONAL = 4;

/** What the contract was called with. */
export type Call = {
  readonly posting: Result;
  readonly readings: Uint8Array;
  readonly signers: number;
  readonly signatures: string;
  /** Whether signers and signatures are what was submitted. */
  readonly genuine: boolean;
};

/** What was seen of an entry that is judged. */
export type Facts = {
  readonly entry: Omit<AuditedEntry, "verdict">;
  readonly session: AuditedSession;
  readonly call: Call;
  readonly before: readonly AuditedEntry[];
  readonly rows: string;
};

/** `left`, `unmoved`: where it could be made again what it moves. */
export type JudgedEntry = Pick<AuditedEntry, "verdict" | "left" | "unmoved">;

/** In the contract's order: which batch, which kind and when, by whom, what of, what it moves. */
export function verdictOf(work: EntryWork, facts: Facts, pending: Pending, posted: Result): JudgedEntry {
  const wrong = faultOf(work, facts);
  if (wrong?.kind === "undecided") return { verdict: wrong };
  const read = attempt(() => decodeReadings(facts.call.readings, facts.session.terms!.periods));
  if ("kind" in read) return { verdict: wrong ?? invalid(read.predicate, read.detail.join(", ")) };
  // What a wrong entry has moved is where the next one begins.
  const { verdict, ...money } = moneyVerdict(work, facts, read, { pending, posted });
  return { ...money, verdict: wrong ?? verdict };
}

/** What is wrong with it before any money. */
function faultOf(work: EntryWork, facts: Facts): Verdict | undefined {
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
  return askedFault(session, read);
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
export function epochOf({ history, delivery }: EntryWork, { entry, session }: Facts): bigint | undefined {
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
    epoch: entry.at < endOf(session) + delivery.metering ? epoch! : 0n,
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
function rootOf(rows: readonly Uint8Array[]): string {
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
function moneyVerdict(work: EntryWork, facts: Facts, readings: SessionReadings, told: Told): JudgedEntry {
  const left = leftBefore(work, facts);
  if ("kind" in left) return { verdict: left };
  const moves = movesBy(work, facts, readings, left);
  if ("kind" in moves) return { verdict: moves };
  const verdict = movedFault({ ...moves, forgiven: left.forgiven }, facts.entry, told) ?? VALID;
  return { verdict, left: left.left, unmoved: moves.unmoved };
}

/** What the entry before could not move. */
function leftBefore({ history }: EntryWork, { before }: Facts): Charges.Resumed | Verdict {
  const last = before.at(-1);
  if (last === undefined) return { left: new Map(), forgiven: [] };
  if (last.unmoved === undefined) return undecided(`what entry ${last.number} left to be moved`);
  return Charges.resume(last.unmoved, history.entries.arrears);
}

function movesBy(
  work: EntryWork,
  facts: Facts,
  readings: SessionReadings,
  { left }: Charges.Resumed,
): Charges.Moves | Verdict {
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
  return Charges.movesOf(moving, readings.allowancePrice, { final: entry.kind !== "provisional", free, left });
}

type Expected = Charges.Moves & Pick<Charges.Resumed, "forgiven">;

function movedFault(moves: Expected, { moved, number }: Facts["entry"], told: Told): Verdict | undefined {
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
  if (owed(pending.takenUp) !== owed(moves.forgiven))
    return invalid("shortfallNotTheReadings", `${owed(moves.forgiven)} is taken up, not ${owed(pending.takenUp)}`);
  if (owed(pending.arrears) !== owed(moves.arrears))
    return invalid("shortfallNotTheReadings", `${owed(moves.arrears)} stay owed, not ${owed(pending.arrears)}`);
  // What was moved is right, and so who bears what: no contract keeps it, and the released one tells no other sums.
  const [byFund, byReceivers] = pending.borne;
  return byFund === moves.byFund && byReceivers === moves.byReceivers
    ? undefined
    : undecided(`the event as it was that tells who bears what entry ${number} falls short of`);
}
