/**
 * What enters accounts outside a settlement, in bigint: the same predicates under the same names, in the same order, as
 * contracts/market/Postings.sol. Pure: what the auditor applies, and what a delivery can try before it posts.
 */
import type { PostingEntry } from "../codec/entries.ts";
import { attempt, type Refusal, refuse } from "../codec/refusal.ts";
import type { FrozenLimits } from "../codec/typedData.ts";
import { EMPTY, type LedgerAccount, mostSpent, SYSTEM_ID, type Terms } from "./settlementModel.ts";

/** `day`: UTC day on which the sessions began that is released of. `issuedG`: grams issued less those burned. */
export type Posting = { readonly day: bigint; readonly entries: readonly PostingEntry[]; readonly issuedG: bigint };

/** The session that is open, where one is, as far as it locks anything. */
export type Live = {
  readonly terms: Pick<Terms, "start" | "periodSeconds" | "periods">;
  readonly limits: ReadonlyMap<number, Pick<FrozenLimits, "maxSpendPerDay" | "maxCarbonG" | "validUntil">>;
};

/** `epochs`: UTC days on which the current epoch of what is held began, and the one before it. */
export type Books = {
  readonly accounts: ReadonlyMap<number, LedgerAccount>;
  readonly epochs: readonly [current: bigint, before: bigint];
  readonly totalGrams: bigint;
  readonly live?: Live;
};

export type Posted = {
  readonly kind: "posted";
  readonly accounts: ReadonlyMap<number, LedgerAccount>;
  readonly totalGrams: bigint;
};

/** The account that pays for what nobody else can; it takes no part in a session, and ids of prosumers end below it. */
export const INSURANCE_ID = 0xfffffffc;
const MAX_DEPOSIT = (1n << 64n) - 1n;
const MAX_CARBON = (1n << 55n) - 1n;
const MAX_GRAMS = 1n << 54n;
const ZERO = { nano: 0n, grams: 0n };

/** What a posting can take from an account: its deposit and grams less what the open session locks of them. */
export function debitable({ accounts, live }: Books, id: number): { nano: bigint; grams: bigint } {
  const account = accounts.get(id) ?? EMPTY;
  const owned = account.carbon > 0n ? account.carbon : 0n;
  const limits = live?.limits.get(id);
  const locked = live === undefined || limits === undefined ? ZERO : lockUnder(live.terms, account, limits);
  return { nano: account.deposit - locked.nano, grams: owned > locked.grams ? owned - locked.grams : 0n };
}

function lockUnder(
  terms: Live["terms"],
  account: LedgerAccount,
  limits: Pick<FrozenLimits, "maxSpendPerDay" | "maxCarbonG" | "validUntil">,
): { nano: bigint; grams: bigint } {
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  return limits.validUntil < end ? ZERO : { nano: mostSpent(terms, account, limits), grams: limits.maxCarbonG };
}

export function post(books: Books, { day, entries, issuedG }: Posting): Posted | Refusal {
  return attempt(() => {
    const accounts = new Map(books.accounts);
    let money = 0n;
    let grams = 0n;
    entries.forEach((entry, k) => {
      if (entry.id <= (entries[k - 1]?.id ?? 0)) refuse("entriesNotAscending", k);
      accounts.set(entry.id, release(enter(books, entry), entry.released, day, books.epochs));
      money += entry.nano;
      grams += entry.grams;
    });
    if (money !== 0n) refuse("moneyNotConserved", money);
    if (grams !== issuedG) refuse("gramsNotConserved", grams, issuedG);
    return { kind: "posted", accounts, totalGrams: issue(books.totalGrams, issuedG) };
  });
}

/** Credits come into an account's grams, or leave them. */
export function moveGrams(books: Books, id: number, grams: bigint): Posted | Refusal {
  return attempt(() => {
    const totalGrams = issue(books.totalGrams, grams);
    const account = enter(books, { id, nano: 0n, grams });
    return { kind: "posted", accounts: new Map(books.accounts).set(id, account), totalGrams };
  });
}

function issue(total: bigint, grams: bigint): bigint {
  if (total + grams > MAX_GRAMS) refuse("allowancesTooLarge", total + grams);
  return total + grams;
}

function enter(books: Books, { id, nano, grams }: Omit<PostingEntry, "released">): LedgerAccount {
  const account = books.accounts.get(id) ?? EMPTY;
  const most = debitable(books, id);
  if (-nano > most.nano) refuse("debitBeyondFree", id, -nano, most.nano);
  const deposit = account.deposit + nano;
  if (deposit > MAX_DEPOSIT) refuse("depositOverflow", id);
  if (grams < 0n && -grams > most.grams && id !== SYSTEM_ID) refuse("gramsBeyondFree", id, -grams, most.grams);
  const carbon = account.carbon + grams;
  if (carbon > MAX_CARBON || carbon < -MAX_GRAMS) refuse("carbonOverflow", id);
  return { ...account, deposit, carbon };
}

/** Out of the bucket that sessions of `day` are in; what is of an older epoch than the one before is free already. */
export function release(
  account: LedgerAccount,
  released: bigint,
  day: bigint,
  [current, before]: Books["epochs"],
): LedgerAccount {
  const epoch = (of: bigint): number => (of >= current ? 2 : of >= before ? 1 : 0);
  const less = (held: bigint): bigint => (held > released ? held - released : 0n);
  const [sold, last] = [epoch(day), epoch(account.day)];
  if (sold === 0 || sold > last) return account;
  return sold === last
    ? { ...account, held: less(account.held) }
    : { ...account, heldBefore: less(account.heldBefore) };
}
