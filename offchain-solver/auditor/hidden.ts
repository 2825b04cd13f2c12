/**
 * What the contracts' own state shows beside what was seen of their events, asked before an entry or a credit is
 * refused: the released code would have refused it itself, so that an endpoint more likely hid or changed something.
 */
import { getAddress, hexlify, ZeroAddress } from "ethers";
import type { ChainLog, Look } from "../chain/look.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import { KINDS } from "../codec/deliveryData.ts";
import { hiddenEnding } from "./endings.ts";
import { beginEntries, take, type AuditedEntry, type EntryWork, type Pending } from "./entries.ts";
import { inOffice } from "./entryVerdict.ts";
import { accountOf, type FrozenSession } from "./history.ts";
import { undecided, type Verdict } from "./verdict.ts";
import * as Words from "./words.ts";

/** A refusal, or undecided where `hidden` names something or cannot be asked. */
export async function believed(verdict: Verdict, hidden: () => Promise<string | undefined>): Promise<Verdict> {
  if (verdict.kind !== "invalid") return verdict;
  const said = `the contract took what its own rules refuse (${verdict.predicate}: ${verdict.detail})`;
  try {
    const what = await hidden();
    return what === undefined ? verdict : undecided(`${what}: ${said}`);
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    return undecided(`${error.message}: ${said}`);
  }
}

type Taken = { readonly log: ChainLog; readonly pending: Pending };

/** Of an entry whose `Posted` is `log`, before that is applied. */
export async function hiddenFromEntry(
  work: EntryWork,
  entry: Omit<AuditedEntry, "verdict">,
  epoch: bigint | undefined,
  { log, pending }: Taken,
): Promise<string | undefined> {
  const { look, delivery } = work;
  const at = { look, address: delivery.address, block: log.block };
  const { entries, kind, lastAt } = await Words.deliveredAt(at, entry.sequence);
  if (entries !== entry.number) return `the events of entry ${entries} of batch number ${entry.sequence}`;
  if (lastAt !== entry.at) return `the time of block ${log.block}, which is not ${entry.at}`;
  if (KINDS[kind] !== entry.kind) return `the event of entry ${entry.number} as it was`;
  return (
    (await hiddenEnding(at, work.history.entries.endings)) ??
    (await hiddenPosting(work, { log, pending }, entry.moved)) ??
    (epoch === undefined ? undefined : await hiddenSeat(work, epoch, entry.at, log.block))
  );
}

/** Of a transaction that the delivery contract posts: its other events, and what accounts had and owed around it. */
export async function hiddenPosting(
  { look, history, delivery }: EntryWork,
  { log, pending }: Taken,
  moved: AuditedEntry["moved"],
): Promise<string | undefined> {
  const own = await look.receipt(log.transaction);
  if (own === undefined) return `the receipt of transaction ${log.transaction}`;
  const again = beginEntries();
  for (const one of own) if (one.address === delivery.address && one.index < log.index) take(again, one);
  if (spelt(again.pending) !== spelt(pending) || own.find(({ index }) => index === log.index)?.data !== log.data)
    return `events of transaction ${log.transaction}`;
  const { collected } = pending;
  // What was posted is held against the accounts below: an event that says another sum was not the contract's.
  if (collected !== undefined && moved.find(({ id }) => id === collected[0])?.nano !== -collected[1])
    return `what was collected of account ${collected[0]}`;
  const ids = [...history.accounts.keys()];
  const before = await Words.differingAccount(look, history, ids, log.block - 1);
  if (before !== undefined) return `events of account ${before}`;
  for (const { id, nano, grams } of moved) {
    if (history.unknown.has(id)) continue;
    const { deposit, carbon } = await Words.wordAt(look, history.market, id, log.block);
    const had = accountOf(history, id);
    if (deposit !== had.deposit + nano || carbon !== had.carbon + grams) return `what was posted of account ${id}`;
  }
  return hiddenArrears({ look, address: delivery.address, block: log.block }, history.entries.arrears, pending, ids);
}

async function hiddenArrears(
  at: Words.At,
  known: ReadonlyMap<number, bigint>,
  { arrears, takenUp, collected }: Pending,
  ids: readonly number[],
): Promise<string | undefined> {
  for (const id of ids) {
    const owed = known.get(id) ?? 0n;
    let now = owed;
    for (const [of, nano] of takenUp) if (of === id) now -= nano;
    for (const [of, nano] of arrears) if (of === id) now += nano;
    if (collected?.[0] === id) now -= collected[1];
    if ((await Words.arrearsAt({ ...at, block: at.block - 1 }, id)) !== owed) return `what account ${id} owed before`;
    // What is collected beyond what is owed is the refusal itself.
    if (now >= 0n && (await Words.arrearsAt(at, id)) !== now) return `what account ${id} owes`;
  }
  return undefined;
}

/** A change of the committee that has to attest: of which there is, or of a member's key. */
async function hiddenSeat(
  { look, history, registry }: EntryWork,
  epoch: bigint,
  time: bigint,
  block: number,
): Promise<string | undefined> {
  const at = { look, address: registry, block };
  if (epoch === inOffice(history, time) && (await Words.seatAt(at)) !== epoch)
    return `the event that changed the committee of epoch ${epoch}`;
  return hiddenMember(at, epoch, history.committees.get(epoch) ?? []);
}

/** Whether the registry holds the same keys of a committee. */
export async function hiddenMember(at: Words.At, epoch: bigint, keys: readonly string[]): Promise<string | undefined> {
  const roll = await Words.rollAt(at, epoch);
  const held = Array.from({ length: roll.length / 20 }, (_, bit) =>
    getAddress(hexlify(roll.subarray(20 * bit, 20 * (bit + 1)))),
  );
  return held.join() === keys.join() ? undefined : `the members of the committee of epoch ${epoch}`;
}

/**
 * Of those whose claims do not count, one whose node key at the freeze was another than events say: a key that was
 * rotated since is no part of what the registry holds now. Where states are pruned nobody can tell.
 */
export async function hiddenKey(
  look: Look,
  registry: string,
  { transaction, nodeKeys }: Pick<FrozenSession, "transaction" | "nodeKeys">,
  ids: readonly number[],
): Promise<string | undefined> {
  const block = (await look.receipt(transaction))?.[0]?.block;
  if (block === undefined) return `the receipt of transaction ${transaction}`;
  const at = { look, address: registry };
  const differs = async (id: number): Promise<boolean> => {
    const [before, after] = [
      await Words.nodeKeyAt({ ...at, block: block - 1 }, id),
      await Words.nodeKeyAt({ ...at, block }, id),
    ];
    const said = nodeKeys.get(id) ?? ZeroAddress;
    // Who rotates twice in the block of the freeze had a third one in between.
    return after.rotations - before.rotations < 2n && said !== before.nodeKey && said !== after.nodeKey;
  };
  try {
    const differing = await Promise.all(ids.map(differs));
    const k = differing.indexOf(true);
    return k < 0 ? undefined : `where account ${ids[k]} got the node key that it had at the freeze`;
  } catch (error) {
    if (!(error instanceof EndpointFault)) throw error;
    return undefined;
  }
}

/** What was counted of credits before one that is judged. */
export type Before = { readonly counted: bigint; readonly owed: bigint };

/** What an event says of credits: whose, and new tokens and the wallet they go to, or Wh that are owed from now on. */
export type Said = {
  readonly sequence: bigint;
  readonly prosumer: number;
  readonly wh: bigint;
  readonly tokens?: {
    readonly asset: bigint;
    readonly to: string;
    readonly start: bigint;
    readonly seconds: bigint;
    /** Wh of all its periods. */
    readonly sum: bigint;
  };
};

/** Of a certificate, or of credits that are owed. */
export async function hiddenFromCredit(
  work: EntryWork,
  log: ChainLog,
  said: Said,
  { counted, owed }: Before,
): Promise<string | undefined> {
  const { look, history, delivery, carbonCredit, registry } = work;
  const { sequence, prosumer } = said;
  const known = history.entries.entered.get(sequence) ?? [];
  const held = await Words.deliveredAt({ look, address: delivery.address, block: log.block }, sequence);
  const { entries, lastAt } = held;
  if (entries !== known.length) return `the events of entry ${entries} of batch number ${sequence}`;
  const last = known.at(-1);
  if (last !== undefined && last.at !== lastAt) return `the time of block ${last.block}, which is not ${last.at}`;
  const own = (await look.receipt(log.transaction))?.find(({ index }) => index === log.index);
  if (own?.data !== log.data) return `the event of these credits as its receipt has it`;
  const wallet = await Words.walletAt({ look, address: registry, block: log.block }, prosumer);
  if (wallet !== history.wallets.get(prosumer)) return `where account ${prosumer} got its wallet`;
  if (said.tokens && (held.start !== said.tokens.start || held.seconds !== said.tokens.seconds))
    return "the periods that these credits are of";
  // Of two in one block the state between them is not to be had.
  if (history.credits.issued.some((one) => one.block === log.block && one.prosumer === prosumer)) return undefined;
  const before = await Words.creditedAt({ look, address: carbonCredit, block: log.block - 1 }, sequence, prosumer);
  if (before.counted !== counted || before.owed !== owed) return `earlier credits of account ${prosumer}`;
  return changedOtherwise({ look, address: carbonCredit, block: log.block }, said, before);
}

/** What the contract has counted since, and a wallet holds, where it is not what an event says of it. */
async function changedOtherwise(
  at: Words.At,
  { sequence, prosumer, wh, tokens }: Said,
  before: Before,
): Promise<string | undefined> {
  const after = await Words.creditedAt(at, sequence, prosumer);
  const [more, less] = [after.counted - before.counted, after.owed - before.owed];
  if (tokens === undefined)
    return more === -wh && less === wh ? undefined : `what account ${prosumer} owes of credits as the contract has it`;
  if (more + less !== wh || after.counted !== tokens.sum)
    return `the credits of account ${prosumer} as the contract has counted them`;
  const held = async (block: number): Promise<bigint> => Words.tokensAt({ ...at, block }, tokens.to, tokens.asset);
  const came = (await held(at.block)) - (await held(at.block - 1));
  return came === wh ? undefined : `${wh} tokens that came to ${tokens.to}, where the contract has ${came}`;
}

const spelt = (pending: Pending): string =>
  JSON.stringify({ ...pending, entered: pending.entered?.toArray(true) }, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}` : value,
  );
