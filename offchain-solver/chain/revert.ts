/** Why a contract refused, in words: its own error, found wherever a client or a wallet has put it. */
import { AUTHORITY, CARBON_CREDIT, DELIVERY, MARKET, REGISTRY, TOKEN } from "../codec/abi.ts";

type Words = (args: readonly unknown[]) => string;
const dollarsOf = (tokens: unknown): string => `${(Number(tokens) / 1e6).toFixed(2)} $`;
const moment = (seconds: unknown): string => `${new Date(Number(seconds) * 1000).toISOString().slice(0, 16)}Z`;

/** What an owner can meet, by the error's name. */
const WORDS: Readonly<Record<string, Words>> = {
  NotWallet: ([id, caller]) => `${String(caller)} is not the wallet of account ${String(id)}`,
  UnknownAccount: ([id]) => `nobody is registered as account ${String(id)}`,
  NotSealed: () => "the market is not open yet",
  AmountZero: () => "the amount is zero",
  AmountExceedsDeposit: ([asked, left]) => `${dollarsOf(asked)} were asked for, ${dollarsOf(left)} are left`,
  NothingPending: () => "nothing was asked for, or all that was is still locked or held",
  WithdrawalTooEarly: ([at]) => `it is not due before ${moment(at)}`,
  NonceNotLarger: () => "a newer mandate is registered already",
  NonceOfAnotherSeries: () => "it was revoked before it was registered; sign a new one",
  MandateExpired: ([until]) => `the mandate has expired (${moment(until)})`,
  MandateBadSignature: () => "the signature is not the account's wallet's",
  ERC20InsufficientBalance: ([, has, needs]) => `the wallet holds ${dollarsOf(has)}, ${dollarsOf(needs)} are needed`,
  ERC1155InsufficientBalance: ([, has, needs]) => `the wallet holds ${String(has)} of it, ${String(needs)} are needed`,
  ERC1155InvalidReceiver: ([to]) => `${String(to)} cannot take credits`,
  GramsBeyondFree: ([, asked, most]) => `${String(asked)} g were asked for, ${String(most)} g are free`,
  BeneficiaryMissing: () => "a retirement names for whom it is",
  PeriodEndsBeforeItStarts: () => "the period ends before it starts",
  NoDevice: ([id]) => `account ${String(id)} has no device that certificates are issued for`,
  NothingToIssue: () => "all credits of that session are issued already",
  CreditsTooEarly: ([from]) => `its readings can be contested until ${moment(from)}`,
  NotFinal: () => "its readings are not final yet",
  DueWrong: () => "its readings were shown wrong and are not corrected yet",
  ERC20InsufficientAllowance: () => "the permit does not cover the amount, or has expired",
};

/** The error's own data, at any depth that ethers, wallets and nodes are known to put it. */
function dataOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > 5) return undefined;
  const fields = error as Readonly<Record<string, unknown>>;
  if (typeof fields.data === "string" && /^0x(?:[0-9a-fA-F]{2}){4,}$/.test(fields.data)) return fields.data;
  for (const inside of ["data", "error", "info", "cause", "originalError"]) {
    const found = dataOf(fields[inside], depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One sentence; undefined where it was no contract that refused. */
export function revertText(error: unknown): string | undefined {
  const data = dataOf(error);
  if (data === undefined) return undefined;
  for (const codec of [MARKET, REGISTRY, TOKEN, AUTHORITY, CARBON_CREDIT, DELIVERY]) {
    const parsed = codec.parseError(data);
    if (parsed === null) continue;
    const words = WORDS[parsed.name]?.(parsed.args);
    return words === undefined ? `${parsed.name}(${parsed.args.map(String).join(", ")})` : `${words} (${parsed.name})`;
  }
  return undefined;
}

/** The same of whatever was thrown, on one line: for a log. */
export function reasonOf(error: unknown): string {
  const { shortMessage, message } = error as { shortMessage?: string; message?: string };
  return (revertText(error) ?? shortMessage ?? message ?? String(error)).split("\n")[0];
}
