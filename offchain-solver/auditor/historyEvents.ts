/**
 * The market's state, rebuilt event by event. Released contracts do not contradict themselves: where two events do, one
 * between them was not seen, and what depends on it is in doubt.
 */
import { getBytes, type Result } from "ethers";
import type { ChainLog } from "../chain/look.ts";
import { MARKET, REGISTRY } from "../codec/abi.ts";
import { decodeEntries } from "../codec/entries.ts";
import { decode as decodeLoads } from "../codec/standingLoads.ts";
import { hashOfTold } from "../codec/terms.ts";
import { sessionHash, type SessionTerms } from "../codec/typedData.ts";
import { release } from "../ledger/posting.ts";
import { type LedgerAccount, SYSTEM_ID } from "../ledger/settlementModel.ts";
import { accountOf, batchesBetween, NANO_PER_TOKEN, type History, type Unseen } from "./history.ts";

/** When a committee counts that is appointed before the seal. */
const NEVER = (1n << 40n) - 1n;

/** Something was not seen: what is open or comes next is in doubt. */
function doubt(history: History, what: string): void {
  if (history.session?.state === "open") history.session.doubt ??= what;
}

/** Applies one event of the registry or the market other than Settled; returns batches that must have come before. */
export function apply(history: History, log: ChainLog): Unseen[] {
  const parsed = (log.address === history.market ? MARKET : REGISTRY).parseLog(log);
  if (parsed === null) return [];
  const unseen = applyParsed(history, log, parsed.name, parsed.args);
  if (log.address === history.market) countSeen(history, log);
  return unseen;
}

/** Another event of the market was seen, `Settled` too: a transaction may settle one session and freeze the next. */
export function countSeen(history: History, { transaction }: ChainLog): void {
  const events = history.last.transaction === transaction ? history.last.events + 1 : 1;
  history.last = { transaction, events };
  if (history.session?.transaction === transaction) history.session.events = events;
}

function applyParsed(history: History, log: ChainLog, name: string, args: Result): Unseen[] {
  switch (name) {
    case "PriceCapChanged":
      history.nextPriceCap = args.priceCap;
      return [];
    case "SessionFrozen":
      return freeze(history, args, log);
    case "SessionCancelled":
      // Over like a settled one: no batch of it can follow.
      if (history.session !== undefined) {
        const { terms, meterKeys } = history.session;
        history.session.state = "cancelled";
        history.unsettled.set(terms.ordinal, { terms, meterKeys, cancelled: true });
      }
      return [];
    case "StandingLoadsPosted":
      tellLoads(history, args);
      return [];
    case "Posted":
      for (const { id, nano, grams, released } of decodeEntries(args.getValue("entries")))
        enter(history, id, nano, grams, (account) => release(account, released, args.day, history.epochs));
      return [];
    case "GramsMoved":
      enter(history, Number(args.id), 0n, args.grams);
      return [];
    case "TableWritten":
      history.table = args.pointer;
      return [];
    default:
      if (!applyToParties(history, name, args)) applyToAccount(history, name, args);
      return [];
  }
}

/** The chain takes only what the open session was frozen with. */
function tellLoads({ session }: History, { ordinal, stated, loads }: Result): void {
  if (session === undefined || session.terms.ordinal !== ordinal) return;
  const bytes = getBytes(loads);
  const standing = hashOfTold({ stated, loads: bytes }) === session.terms.termsHash ? decodeLoads(bytes) : undefined;
  if (standing === undefined)
    session.doubt ??= `the event that told what those load who take no part in session ${ordinal}`;
  else session.standing = standing;
}

/** What a posting says of one account; released contracts have checked it. */
function enter(
  history: History,
  id: number,
  nano: bigint,
  grams: bigint,
  then: (account: LedgerAccount) => LedgerAccount = (account) => account,
): void {
  const account = accountOf(history, id);
  const [deposit, carbon] = [account.deposit + nano, account.carbon + grams];
  if (deposit < 0n || (carbon < 0n && id !== SYSTEM_ID))
    unseenOf(history, id, `what account ${id} had before it was debited`);
  history.accounts.set(id, then({ ...account, deposit: deposit < 0n ? 0n : deposit, carbon }));
}

function applyToParties(history: History, name: string, args: Result): boolean {
  switch (name) {
    case "Registered":
      history.wallets.set(Number(args.id), args.wallet);
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      history.meterKeys.set(Number(args.id), [args.meterKey]);
      return true;
    case "WalletRotated":
      history.wallets.set(Number(args.id), args.wallet);
      return true;
    case "NodeKeyRotated":
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      return true;
    case "MeterKeyRotated":
      history.meterKeys.set(Number(args.id), [...(history.meterKeys.get(Number(args.id)) ?? []), args.meterKey]);
      return true;
    case "GridModelAdded":
      history.gridModels.set(args.hash, args.pointer);
      return true;
    case "CommitteeAppointed": {
      // The first is in office from the seal on, before which nothing settles.
      history.seats.set(args.epoch, args.effectiveAt === NEVER ? 0n : args.effectiveAt);
      const keys = args.ids.map((id: bigint) => history.nodeKeys.get(Number(id)));
      // A member whose registration was not seen: nobody knows the keys.
      if (!keys.includes(undefined)) history.committees.set(args.epoch, keys);
      return true;
    }
    case "MemberChanged": {
      const [previous, from] = [history.committees.get(args.previous), history.seats.get(args.previous)];
      if (from !== undefined) history.seats.set(args.epoch, from);
      if (previous !== undefined) history.committees.set(args.epoch, previous.with(Number(args.bit), args.key));
      return true;
    }
    default:
      return false;
  }
}

function applyToAccount(history: History, name: string, args: Result): void {
  const id = Number(args.id);
  const account = accountOf(history, id);
  switch (name) {
    case "Deposited":
      history.accounts.set(id, { ...account, deposit: account.deposit + args.nano });
      break;
    case "WithdrawalMoved": {
      const deposit = account.deposit - args.tokens * NANO_PER_TOKEN;
      history.pending.set(id, (history.pending.get(id) ?? 0n) + args.tokens);
      history.accounts.set(id, { ...account, deposit: deposit < 0n ? 0n : deposit });
      if (deposit < 0n) unseenOf(history, id, `a deposit of account ${id}`);
      break;
    }
    case "Withdrawn":
      history.pending.set(id, (history.pending.get(id) ?? 0n) - args.tokens);
      break;
    case "AllowancesIssued":
      history.accounts.set(id, { ...account, carbon: account.carbon + args.grams });
      break;
    case "MandateRegistered":
      history.mandates.set(id, { ...args.mandate.toObject(), prosumer: id });
      break;
    case "MandateRevoked":
    case "MandateEnded":
      history.mandates.delete(id);
      break;
  }
}

function unseenOf(history: History, id: number, what: string): void {
  if (!history.unknown.has(id)) doubt(history, what);
  history.unknown.add(id);
}

function freeze(history: History, args: Result, { transaction }: ChainLog): Unseen[] {
  const unseen = batchesBetween(history, args.sequence, args.previousBatch);
  history.priceCap = history.nextPriceCap;
  const terms: SessionTerms = {
    epoch: args.epoch,
    sequence: args.sequence,
    ordinal: args.ordinal,
    previousBatch: args.previousBatch,
    gridModel: args.gridModel,
    termsHash: args.termsHash,
    imbalancePrice: args.imbalancePrice,
    start: args.start,
    periodSeconds: Number(args.periodSeconds),
    periods: Number(args.periods),
    deadline: args.deadline,
  };
  const said = sessionHash(terms) === args.sessionHash;
  history.session = {
    terms,
    transaction,
    nodeKeys: new Map(history.nodeKeys),
    meterKeys: new Map([...history.meterKeys].map(([id, keys]) => [id, keys.at(-1)!])),
    events: 0,
    mandates: new Map(history.mandates),
    table: history.table,
    turns: args.turns,
    doubt: said ? undefined : `the event that froze session ${args.ordinal} as it was`,
    state: "open",
  };
  const { meterKeys } = history.session;
  history.unsettled.set(terms.ordinal, { terms, meterKeys, cancelled: false });
  history.ordinal = args.ordinal;
  history.limits.clear();
  return unseen;
}
