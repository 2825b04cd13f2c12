/** What a session's own files say, against what the chain does: nobody has to believe a file that was sent to him. */
import { keccak256 } from "ethers";
import * as Payload from "../codec/payload.ts";
import { attempt, type Refusal } from "../codec/refusal.ts";
import { decodeDeltas } from "../ledger/deltas.ts";
import { SYSTEM_ID } from "../ledger/settlementModel.ts";
import { DESK, type Trade } from "../market/result/clearingResult.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { SettlementJson } from "../records/sessionJson.ts";
import type { Audited, AuditedSession } from "./audit.ts";
import { invalid, undecided, VALID, type Verdict } from "./verdict.ts";

type Read = Pick<Audited, "market" | "head" | "sessions">;

export type Bill = ClearingJson["prosumers"][number]["payment"];

const NAMES = ["desk", "operator", "utility"] as const;

/** `settlement.json` against the session that the chain has under its transaction, as far as it was read. */
export function checkSettlement(settlement: SettlementJson, { market, head, sessions }: Read): Verdict {
  if (settlement.market !== undefined && settlement.market.toLowerCase() !== market.toLowerCase())
    return invalid("settlementNotTheChain", `market is ${market}, not ${settlement.market}`);
  const session = sessions.find(({ transaction }) => transaction === settlement.txHash);
  if (session === undefined) {
    const said = `no batch settled in transaction ${settlement.txHash}`;
    if (settlement.block > head) return undecided(`block ${settlement.block}: the chain was read up to ${head}`);
    // It may be the one of which not all was shown.
    const open = sessions.find(({ verdict }) => verdict.kind === "undecided");
    return open === undefined
      ? invalid("settlementNotOnChain", said)
      : undecided(`all of batch number ${open.sequence}: as it was shown, ${said}`);
  }
  const { payload, terms, block } = session;
  if (payload === undefined || terms === undefined) return undecided(`the payload of batch ${session.batch}`);
  const { participants, trades } = Payload.decode(payload, terms.periods);
  const facts = { block, bytes: payload.length, trades: trades.length, prosumers: participants.length };
  for (const [field, value] of Object.entries(facts))
    if (settlement[field as keyof typeof facts] !== value)
      return invalid("settlementNotTheChain", `${field} is ${value}, not ${settlement[field as keyof typeof facts]}`);
  const accounts = accountsOf(payload, participants, trades);
  if (accounts.length !== settlement.accounts.length)
    return invalid("settlementNotTheChain", `${accounts.length} accounts, not ${settlement.accounts.length}`);
  for (const [k, account] of accounts.entries())
    for (const field of ["account", "moneyNano", "carbonG", "energyWh"] as const)
      if (settlement.accounts[k][field] !== account[field])
        return invalid(
          "settlementNotTheChain",
          `${field} of account ${account.account} is ${account[field]}, not ${settlement.accounts[k][field]}`,
        );
  return VALID;
}

/** Every account's changes from the payload alone. */
export function accountsOf(
  payload: Uint8Array,
  participants: readonly number[],
  trades: readonly Trade[],
): SettlementJson["accounts"] {
  const ids = decodeDeltas(payload, new Uint8Array(16 * accountCount(payload, participants.length))).map(
    ({ id }) => id,
  );
  return ids.map((id) => {
    const party = id >= SYSTEM_ID ? DESK + (id - SYSTEM_ID) : participants.indexOf(id);
    let [money, carbonG, energyWh] = [0n, 0, 0];
    for (const { seller, buyer, product, quantity, price } of trades) {
      const sign = seller === party ? 1 : buyer === party ? -1 : 0;
      money += BigInt(sign * quantity) * BigInt(price);
      if (product === "carbon") carbonG -= sign * quantity;
      if (product === "energy") energyWh += sign * quantity;
    }
    const account = id >= SYSTEM_ID ? NAMES[id - SYSTEM_ID] : id;
    return { account, moneyNano: Number(money), carbonG: carbonG + 0, energyWh: energyWh + 0 };
  });
}

const accountCount = (payload: Uint8Array, participants: number): number =>
  participants + [0, 1, 2].filter((k) => (payload[2] >> k) & 1).length;

/** `clearing.json`: the integers that it calls the result, and what it says that everybody pays. */
export function checkClearing(clearing: ClearingJson, { payload, terms, batch }: AuditedSession): Verdict {
  if (payload === undefined || terms === undefined) return undecided(`the payload of batch ${batch}`);
  const { quantised } = clearing;
  const times = { sessionStart: Number(terms.start), periodSeconds: terms.periodSeconds, periods: terms.periods };
  for (const field of Object.keys(times) as (keyof typeof times)[])
    if (quantised[field] !== times[field])
      return invalid("clearingNotTheChain", `quantised.${field} is ${times[field]}, not ${quantised[field]}`);
  const encoded = attempt(() => Payload.encode(Payload.fromResult(quantised), terms.periods));
  if ("kind" in encoded)
    return invalid("clearingNotTheChain", `no batch holds its quantised result: ${refusalText(encoded)}`);
  if (keccak256(encoded) !== keccak256(payload))
    return invalid("clearingNotTheChain", "its quantised result is another than the one that settled");
  const { participants, trades } = Payload.decode(payload, terms.periods);
  const ids = clearing.prosumers.map((one) => one.id);
  if (ids.join() !== participants.join())
    return invalid("clearingNotTheChain", `it is of prosumers ${ids.join()}, not ${participants.join()}`);
  for (const [i, { id, payment }] of clearing.prosumers.entries())
    for (const product of ["energy", "reserve", "carbon", "network"] as const) {
      const paid = paidFor(trades, product, i);
      if (payment[product] !== paid)
        return invalid("billNotTheChain", `prosumer ${id} pays ${paid} $ for ${product}, not ${payment[product]}`);
    }
  return VALID;
}

const refusalText = ({ predicate, detail }: Refusal): string => `${predicate}(${detail.join(", ")})`;

/** What an account pays in a settled session, $ by product; undefined: it took no part. */
export function billOf(payload: Uint8Array, periods: number, id: number): Bill | undefined {
  const { participants, trades } = Payload.decode(payload, periods);
  const party = participants.indexOf(id);
  if (party < 0) return undefined;
  const paid = (product: Trade["product"]): number => paidFor(trades, product, party);
  return { energy: paid("energy"), reserve: paid("reserve"), carbon: paid("carbon"), network: paid("network") };
}

/** $ that a participant pays for a product; what the operator charges for responses is the network's. */
function paidFor(trades: readonly Trade[], product: Trade["product"], party: number): number {
  let nano = 0n;
  for (const trade of trades) {
    const sign = trade.buyer === party ? 1 : trade.seller === party ? -1 : 0;
    if (sign !== 0 && billedAs(trade) === product) nano += BigInt(sign * trade.quantity) * BigInt(trade.price);
  }
  return Number(nano) / 1e9;
}

const OPERATOR = DESK + 1;
const billedAs = ({ product, seller }: Trade): Trade["product"] => (seller === OPERATOR ? "network" : product);
