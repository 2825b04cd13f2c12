/** The market's state, rebuilt event by event: nothing is asked of the contracts that the events do not prove. */
import { getBytes, keccak256, type Log, type Provider, type Result } from "ethers";
import { MARKET, REGISTRY } from "../codec/abi.ts";
import * as Grid from "../codec/gridModel.ts";
import type { Ledger, LedgerAccount } from "../ledger/settlementModel.ts";
import { type Limits, marketDomain, type Mandate, type SessionTerms } from "../codec/typedData.ts";
import type { Context } from "./judge.ts";

export type History = {
  readonly chainId: bigint;
  readonly market: string;
  readonly accounts: Map<number, LedgerAccount>;
  readonly mandates: Map<number, Mandate>;
  readonly nodeKeys: Map<number, string>;
  /** By epoch: node keys in the order of the bits. */
  readonly committees: Map<bigint, readonly string[]>;
  /** By hash: address of the code that holds the model. */
  readonly gridModels: Map<string, string>;
  readonly limits: Map<number, Limits>;
  priceCap: bigint;
  nextPriceCap: bigint;
  session: { terms: SessionTerms; state: "open" | "cancelled" | "settled" } | undefined;
  sequence: bigint;
  lastBatch: string;
  /** The first thing an event said that the events before it do not allow. */
  fault: string | undefined;
  /** What the first undecided batch lacked: without its effect no later one can be decided. */
  missing: string | undefined;
};

const NO_BATCH = `0x${"00".repeat(32)}`;
const EMPTY: LedgerAccount = { deposit: 0n, carbon: 0n, lockedMicro: 0n, spentMicro: 0n, day: 0n, session: 0n };

export function begin(chainId: bigint, market: string): History {
  return {
    chainId,
    market,
    accounts: new Map(),
    mandates: new Map(),
    nodeKeys: new Map(),
    committees: new Map(),
    gridModels: new Map(),
    limits: new Map(),
    priceCap: 0n,
    nextPriceCap: 0n,
    session: undefined,
    sequence: 0n,
    lastBatch: NO_BATCH,
    fault: undefined,
    missing: undefined,
  };
}

export function accountOf(history: History, id: number): LedgerAccount {
  return history.accounts.get(id) ?? EMPTY;
}

/** Applies one event of the registry or the market other than Settled. */
export function apply(history: History, log: Log): void {
  const parsed = MARKET.parseLog(log) ?? REGISTRY.parseLog(log);
  if (parsed === null) return;
  const { args } = parsed;
  const change = (fields: (account: LedgerAccount) => Partial<LedgerAccount>): void => {
    const account = accountOf(history, Number(args.id));
    history.accounts.set(Number(args.id), { ...account, ...fields(account) });
  };
  switch (parsed.name) {
    case "Registered":
    case "NodeKeyRotated":
      history.nodeKeys.set(Number(args.id), args.nodeKey);
      break;
    case "GridModelAdded":
      history.gridModels.set(args.hash, args.pointer);
      break;
    case "CommitteeAppointed":
      history.committees.set(
        args.epoch,
        args.ids.map((id: bigint) => history.nodeKeys.get(Number(id)) as string),
      );
      break;
    case "MemberChanged": {
      const previous = history.committees.get(args.previous);
      if (previous !== undefined) history.committees.set(args.epoch, previous.with(Number(args.bit), args.key));
      break;
    }
    case "Deposited":
      change(({ deposit }) => ({ deposit: deposit + args.nano }));
      break;
    case "WithdrawalRequested":
      change(({ deposit }) => ({ deposit: deposit - args.tokens * 1000n }));
      if (accountOf(history, Number(args.id)).deposit < 0n)
        history.fault ??= `account ${args.id} withdrew what it did not have`;
      break;
    case "AllowancesIssued":
      change(({ carbon }) => ({ carbon: carbon + args.grams }));
      break;
    case "MandateRegistered":
      history.mandates.set(Number(args.id), { ...args.mandate.toObject(), prosumer: Number(args.id) });
      break;
    case "MandateRevoked":
    case "MandateEnded":
      history.mandates.delete(Number(args.id));
      break;
    case "PriceCapChanged":
      history.nextPriceCap = args.priceCap;
      break;
    case "SessionFrozen":
      freeze(history, args);
      break;
    case "SessionCancelled":
      // Over like a settled one: no batch of it can follow.
      if (history.session !== undefined) history.session.state = "cancelled";
      break;
    case "MandateLocked":
      lock(history, Number(args.id), args.lockedMicro);
      break;
  }
}

function freeze(history: History, args: Result): void {
  if (args.sequence !== history.sequence || args.previousBatch !== history.lastBatch) {
    history.fault ??= `session ${args.ordinal} does not follow batch ${history.sequence}`;
  }
  history.priceCap = history.nextPriceCap;
  history.session = {
    terms: {
      epoch: args.epoch,
      sequence: args.sequence,
      ordinal: args.ordinal,
      previousBatch: args.previousBatch,
      gridModel: args.gridModel,
      termsHash: args.termsHash,
      start: args.start,
      periodSeconds: Number(args.periodSeconds),
      periods: Number(args.periods),
      deadline: args.deadline,
    },
    state: "open",
  };
}

/** The limits are those of the mandate that was registered, whatever the event says. */
function lock(history: History, id: number, lockedMicro: bigint): void {
  const session = history.session;
  const mandate = history.mandates.get(id);
  if (session === undefined || mandate === undefined) {
    history.fault ??= `account ${id} was locked without a mandate`;
    return;
  }
  const { terms } = session;
  const account = accountOf(history, id);
  const spent = account.day === terms.start / 86_400n ? account.spentMicro : 0n;
  const allowed = mandate.maxSpendPerDay > spent ? mandate.maxSpendPerDay - spent : 0n;
  const covered = account.deposit / 1000n;
  const expected = allowed < covered ? allowed : covered;
  if (mandate.validUntil < terms.start + BigInt(terms.periods * terms.periodSeconds)) {
    history.fault ??= `account ${id} was locked with an expired mandate`;
  }
  if (lockedMicro !== expected)
    history.fault ??= `account ${id}: ${lockedMicro} micro-dollars locked, ${expected} expected`;
  history.accounts.set(id, { ...account, lockedMicro: expected, session: terms.ordinal });
  history.limits.set(id, mandate);
}

/** What a batch of the open session is judged by; a string names what is missing. */
export async function context(history: History, provider: Provider): Promise<Context | string> {
  const session = history.session;
  if (session === undefined) return "the event that froze the session";
  const { terms } = session;
  const committee = history.committees.get(terms.epoch);
  if (committee === undefined || committee.includes(undefined as never)) return `the committee of epoch ${terms.epoch}`;
  const pointer = history.gridModels.get(terms.gridModel);
  if (pointer === undefined) return `grid model ${terms.gridModel}`;
  const model = getBytes(await provider.getCode(pointer)).subarray(1);
  if (keccak256(model) !== terms.gridModel) return `the bytes of grid model ${terms.gridModel}`;
  const ledger: Ledger = {
    terms: {
      start: terms.start,
      periodSeconds: terms.periodSeconds,
      periods: terms.periods,
      ordinal: terms.ordinal,
      priceCap: history.priceCap,
    },
    grid: Grid.decode(model),
    accounts: history.accounts,
    limits: history.limits,
  };
  const domain = marketDomain(history.chainId, history.market);
  return { domain, terms, committee, ledger, state: session.state };
}
