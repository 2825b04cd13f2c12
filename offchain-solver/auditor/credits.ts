/**
 * Credits as the chain shows them: each certificate against the readings that were entered, each token that comes or
 * goes against what explains it. A Wh is issued once, whoever asks how often.
 */
import { ZeroAddress, type Result } from "ethers";
import { CARBON_CREDIT } from "../codec/abi.ts";
import { decodeReadings } from "../codec/readings.ts";
import { EndpointFault } from "../chain/endpoint.ts";
import type { ChainLog } from "../chain/look.ts";
import type { AuditedSession } from "./audit.ts";
import type { AuditedEntry, DeliveryContract, EntryWork } from "./entries.ts";
import { believed, hiddenFromCredit, type Before } from "./hidden.ts";
import * as Words from "./words.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

export type AuditedCredit = {
  readonly sequence: bigint;
  readonly prosumer: number;
  readonly asset: bigint;
  /** New tokens. */
  readonly wh: bigint;
  readonly transaction: string;
  readonly block: number;
  readonly verdict: Verdict;
};

export type Credits = {
  readonly issued: AuditedCredit[];
  /** By `sequence prosumer`: measured Wh that a claim has counted. */
  readonly counted: Map<string, bigint>;
  /** By prosumer: Wh that were issued and corrected away, off what it is issued next. */
  readonly owed: Map<number, bigint>;
  /** By asset: tokens there are, and tokens that were retired. */
  readonly supply: Map<bigint, bigint>;
  readonly retired: Map<bigint, bigint>;
  /** Tokens that an event of this transaction explains and that have not come yet, by `asset sign`. */
  expected: { readonly transaction: string; readonly changes: Map<string, bigint> };
  /** Events of what was owed that no certificate or correction explains, and tokens of which none tells. */
  wrong: Verdict | undefined;
};

export const beginCredits = (): Credits => ({
  issued: [],
  counted: new Map(),
  owed: new Map(),
  supply: new Map(),
  retired: new Map(),
  expected: { transaction: "", changes: new Map() },
  wrong: undefined,
});

const MEASURED = 0;

/** Tokens of an asset that come (`+`) or go (`-`) in a transaction. */
function expect(credits: Credits, transaction: string, asset: bigint, change: bigint): void {
  if (credits.expected.transaction !== transaction) credits.expected = { transaction, changes: new Map() };
  const key = `${asset} ${change > 0n ? "+" : "-"}`;
  const { changes } = credits.expected;
  changes.set(key, (changes.get(key) ?? 0n) + (change > 0n ? change : -change));
}

/** Grams that a wallet has taken out of the market's ledger, or brought into it. */
export function moveGrams(credits: Credits, transaction: string, ledgerAsset: bigint, grams: bigint): void {
  expect(credits, transaction, ledgerAsset, -grams);
}

/** Takes an event of the carbon contract. */
export async function take(work: EntryWork, log: ChainLog): Promise<void> {
  const parsed = CARBON_CREDIT.parseLog(log);
  if (parsed === null) return;
  const { name, args } = parsed;
  const { credits } = work.history;
  if (name === "AllowancesMinted") expect(credits, log.transaction, args.asset, args.grams);
  if (name === "CertificateIssued") await certificate(work, log, args);
  if (name === "CreditsOwed") await owe(work, log, args);
  if (name === "Retired") {
    credits.retired.set(args.asset, (credits.retired.get(args.asset) ?? 0n) + args.amount);
    expect(credits, log.transaction, args.asset, -(args.amount as bigint));
  }
  if (name === "TransferSingle") transfer(credits, log, args, [[args.id, args.value]]);
  if (name === "TransferBatch") {
    // `values` is a method of what ethers gives.
    const amounts = args[4] as readonly bigint[];
    const tokens = [...args.ids].map((asset: bigint, k): [bigint, bigint] => [asset, amounts[k]]);
    transfer(credits, log, args, tokens);
  }
}

function transfer(
  credits: Credits,
  log: ChainLog,
  { from, to }: Result,
  tokens: readonly (readonly [asset: bigint, value: bigint])[],
): void {
  if (from !== ZeroAddress && to !== ZeroAddress) return;
  const sign = from === ZeroAddress ? "+" : "-";
  for (const [asset, value] of tokens) {
    credits.supply.set(asset, (credits.supply.get(asset) ?? 0n) + (sign === "+" ? value : -value));
    const { transaction, changes } = credits.expected;
    const left = (transaction === log.transaction ? (changes.get(`${asset} ${sign}`) ?? 0n) : 0n) - value;
    if (left >= 0n) changes.set(`${asset} ${sign}`, left);
    // What comes in a burn's place is told by no event of ours before it: it is the ledger's. The released code makes
    // no token without an event that explains it: it was not seen.
    else if (sign === "+")
      credits.wrong ??= undecided(`what explains ${value} new tokens of ${asset} in transaction ${log.transaction}`);
  }
}

/** What of a row's Wh is measured, by period. */
function measuredOf(entry: AuditedEntry, { terms }: AuditedSession, prosumer: number): number[] | undefined {
  const { rows } = decodeReadings(entry.readings!, terms!.periods);
  const row = rows.find(({ id }) => id === prosumer);
  return row?.values.map(({ quality, renewableWh }) => (quality === MEASURED ? renewableWh : 0));
}

type Claim = { readonly entry: AuditedEntry; readonly session: AuditedSession; readonly measured: readonly number[] };

/** The entry that a claim counts on; a verdict where it is not there, not final, or too young. */
async function claimOf(work: EntryWork, log: ChainLog, sequence: bigint, prosumer: number): Promise<Claim | Verdict> {
  const { look, history, delivery, sessions } = work;
  const entry = history.entries.entered.get(sequence)?.at(-1);
  const session = sessions.find((one) => one.sequence === sequence);
  if (entry?.readings === undefined || session?.terms === undefined)
    return undecided(`the readings that were entered of batch number ${sequence}`);
  const measured = measuredOf(entry, session, prosumer);
  if (measured === undefined) return invalid("creditNotMetered", `account ${prosumer} has no row`);
  const block = await look.block(log.block);
  if (block === undefined) return undecided(`block ${log.block}`);
  return (
    timeFault(entry, history.entries.contested.get(sequence), delivery, [block.timestamp, log.block]) ?? {
      entry,
      session,
      measured,
    }
  );
}

function timeFault(
  { kind, number, at }: AuditedEntry,
  contested: bigint | undefined,
  { dispute }: DeliveryContract,
  [now, block]: readonly [bigint, number],
): Verdict | undefined {
  if (kind === "provisional") return invalid("creditNotFinal", `entry ${number} is provisional`);
  const from = contested !== undefined && contested > at + dispute ? contested : at + dispute;
  // The released code has refused it until then, and keeps no time of it.
  return now < from ? undecided(`the time of block ${block}: credits at ${now}, not before ${from}`) : undefined;
}

async function certificate(work: EntryWork, log: ChainLog, args: Result): Promise<void> {
  const { credits } = work.history;
  const [sequence, prosumer] = [BigInt(args.sequence), Number(args.id)];
  const about = { sequence, prosumer, asset: args.asset, wh: args.issued };
  const before = countedOf(credits, sequence, prosumer);
  const said = await certificateVerdict(work, log, args);
  const sum = BigInt(whIn(args.wh).reduce((all, wh) => all + wh, 0));
  const tokens = { asset: args.asset, to: args.to, start: args.start, seconds: args.periodSeconds, sum };
  const verdict = await believed(said, () => hiddenFromCredit(work, log, { ...about, tokens }, before));
  if (verdict.kind === "undecided") await relearn(work, log, about);
  credits.issued.push({ ...about, transaction: log.transaction, block: log.block, verdict });
  expect(credits, log.transaction, args.asset, args.issued);
}

async function certificateVerdict(work: EntryWork, log: ChainLog, args: Result): Promise<Verdict> {
  const { credits, wallets } = work.history;
  const [sequence, prosumer] = [BigInt(args.sequence), Number(args.id)];
  const claim = await claimOf(work, log, sequence, prosumer);
  if ("kind" in claim) return claim;
  const { measured, session } = claim;
  const said = whIn(args.wh);
  const sum = (values: readonly number[]): number => values.reduce((all, wh) => all + wh, 0);
  // No contract keeps by period what it has counted, and the released one takes it from the row that was entered.
  if (said.join() !== measured.join() && said.length === measured.length && sum(said) === sum(measured))
    return undecided(`the certificate of account ${prosumer} as it was: ${said.join(", ")} Wh by period`);
  if (said.join() !== measured.join())
    return invalid("creditNotMetered", `account ${prosumer}: ${said.join(", ")} Wh, not ${measured.join(", ")}`);
  if (args.start !== session.terms!.start || Number(args.periodSeconds) !== session.terms!.periodSeconds)
    return invalid("creditNotMetered", `account ${prosumer}: of ${args.start}, not of ${session.terms!.start}`);
  if (args.to !== wallets.get(prosumer))
    return invalid("creditToAnother", `account ${prosumer} has the wallet ${wallets.get(prosumer)}, not ${args.to}`);
  const key = `${sequence} ${prosumer}`;
  const all = BigInt(measured.reduce((sum, wh) => sum + wh, 0));
  const fresh = all - (credits.counted.get(key) ?? 0n);
  if (fresh <= 0n)
    return invalid("creditIssuedTwice", `account ${prosumer}: ${all} Wh were counted before, ${args.issued} again`);
  const owed = credits.owed.get(prosumer) ?? 0n;
  const off = owed < fresh ? owed : fresh;
  credits.counted.set(key, all);
  credits.owed.set(prosumer, owed - off);
  if (args.issued !== fresh - off)
    return invalid("creditNotMetered", `account ${prosumer}: ${fresh - off} Wh are new, not ${args.issued}`);
  return VALID;
}

/** By period, four bytes each. */
const whIn = (bytes: string): number[] => (bytes.slice(2).match(/.{1,8}/g) ?? []).map((wh) => Number(`0x${wh}`));

/** After a correction downward what was issued too much is owed. */
async function owe(work: EntryWork, log: ChainLog, args: Result): Promise<void> {
  const { credits } = work.history;
  const [sequence, prosumer] = [BigInt(args.sequence), Number(args.id)];
  const claim = await claimOf(work, log, sequence, prosumer);
  const about = { sequence, prosumer, wh: args.wh as bigint };
  const before = countedOf(credits, sequence, prosumer);
  const believe = async (verdict: Verdict): Promise<void> => {
    const judged = await believed(verdict, () => hiddenFromCredit(work, log, about, before));
    credits.wrong ??= judged.kind === "valid" ? undefined : judged;
    if (judged.kind === "undecided") await relearn(work, log, about);
  };
  if ("kind" in claim) return believe(claim);
  const key = `${sequence} ${prosumer}`;
  const all = BigInt(claim.measured.reduce((sum, wh) => sum + wh, 0));
  const less = (credits.counted.get(key) ?? 0n) - all;
  credits.counted.set(key, all);
  credits.owed.set(prosumer, (credits.owed.get(prosumer) ?? 0n) + args.wh);
  if (less !== args.wh)
    await believe(invalid("creditsOwedNotMetered", `account ${prosumer}: ${less} Wh, not ${args.wh}`));
}

const countedOf = ({ counted, owed }: Credits, sequence: bigint, prosumer: number): Before => ({
  counted: counted.get(`${sequence} ${prosumer}`) ?? 0n,
  owed: owed.get(prosumer) ?? 0n,
});

/** Takes from the contract what it has counted since, so that one credit in doubt leaves the next to be judged. */
async function relearn(
  { look, history, carbonCredit }: EntryWork,
  { block }: ChainLog,
  { sequence, prosumer }: Pick<AuditedCredit, "sequence" | "prosumer">,
): Promise<void> {
  try {
    const { counted, owed } = await Words.creditedAt({ look, address: carbonCredit, block }, sequence, prosumer);
    history.credits.counted.set(`${sequence} ${prosumer}`, counted);
    history.credits.owed.set(prosumer, owed);
  } catch (error) {
    // A node that has pruned its states: the next one is in doubt as well.
    if (!(error instanceof EndpointFault)) throw error;
  }
}
