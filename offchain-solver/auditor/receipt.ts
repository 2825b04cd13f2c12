/** One account's receipts: a pure function of what the chain has. */
import * as Payload from "../codec/payload.ts";
import { SYSTEM_ID } from "../ledger/settlementModel.ts";
import { DESK, OPERATOR, type Trade } from "../market/result/clearingResult.ts";
import type { Amounts, ReceiptJson } from "../records/receiptJson.ts";
import type { Audited } from "./audit.ts";
import { verdictText } from "./verdict.ts";

/** UTC seconds: sessions that start in [from, to). */
export type Period = { readonly from: number; readonly to: number };

/** What an account did in every settled session of a period whose payload was found, oldest first. */
export function receiptOf(audited: Audited, account: number, { from, to }: Period): ReceiptJson {
  const sessions = audited.sessions.flatMap(({ payload, terms, batch, transaction, verdict }) => {
    if (payload === undefined || terms === undefined || terms.start < from || terms.start >= to) return [];
    const { participants, trades } = Payload.decode(payload, terms.periods);
    const party = account >= SYSTEM_ID ? DESK + (account - SYSTEM_ID) : participants.indexOf(account);
    if (party < 0) return [];
    const start = Number(terms.start);
    return [{ batch, transaction, start, verdict: verdictText(verdict), ...amountsOf(trades, party) }];
  });
  const wallet = audited.wallets.get(account);
  return {
    chainId: Number(audited.chainId),
    market: audited.market,
    account,
    ...(wallet && { wallet }),
    from,
    to,
    block: audited.head,
    sessions,
    total: totalOf(sessions),
  };
}

function amountsOf(trades: readonly Trade[], party: number): Amounts {
  const paid = { energy: 0n, reserve: 0n, carbon: 0n, network: 0n };
  const moved = { energy: [0, 0], reserve: [0, 0], carbon: [0, 0], network: [0, 0] };
  for (const { seller, buyer, product: posted, quantity, price } of trades) {
    if (seller !== party && buyer !== party) continue;
    const product = seller === OPERATOR ? "network" : posted;
    const value = BigInt(quantity) * BigInt(price);
    paid[product] += buyer === party ? value : -value;
    moved[product][buyer === party ? 0 : 1] += quantity;
  }
  return {
    boughtWh: moved.energy[0],
    soldWh: moved.energy[1],
    reserveBoughtW: moved.reserve[0],
    reserveSoldW: moved.reserve[1],
    allowancesBoughtG: moved.carbon[0],
    allowancesSoldG: moved.carbon[1],
    energyNano: `${paid.energy}`,
    reserveNano: `${paid.reserve}`,
    carbonNano: `${paid.carbon}`,
    networkNano: `${paid.network}`,
    paidNano: `${paid.energy + paid.reserve + paid.carbon + paid.network}`,
  };
}

const COUNTS = [
  "boughtWh",
  "soldWh",
  "reserveBoughtW",
  "reserveSoldW",
  "allowancesBoughtG",
  "allowancesSoldG",
] as const;
const MONEY = ["energyNano", "reserveNano", "carbonNano", "networkNano", "paidNano"] as const;

function totalOf(sessions: readonly Amounts[]): Amounts {
  const counts = COUNTS.map((field) => [field, sessions.reduce((sum, one) => sum + one[field], 0)]);
  const money = MONEY.map((field) => [field, `${sessions.reduce((sum, one) => sum + BigInt(one[field]), 0n)}`]);
  return Object.fromEntries([...counts, ...money]) as Amounts;
}
