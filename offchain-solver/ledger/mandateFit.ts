/**
 * Whether a result keeps every account within its mandate, and where it does not, all that is beyond: a batch that goes
 * beyond one mandate is refused whole, so who is beyond has to be known before anybody signs. The predicates are those
 * of `settle`, under the same names.
 */
import { SESSION_PERIOD, type ClearingResult } from "../market/result/clearingResult.ts";
import type { Limits } from "../codec/typedData.ts";
import { EMPTY, mostSpent, type Ledger } from "./settlementModel.ts";

/** What a mandate allows: its limits, and what the account may spend in the session, nano-dollars. */
export type Allowed = { readonly limits: Limits; readonly spendNano?: bigint };

export type Beyond = {
  /** Place in the result's participants. */
  readonly party: number;
  readonly predicate: BeyondPredicate;
  /** undefined: over the whole session. */
  readonly period?: number;
  /** What the mandate would have to allow, in the field's own units, and what it does. */
  readonly needed: number;
  readonly allowed: number;
};

export const BEYOND_PREDICATES = [
  "energyMoneyBeyondMandate",
  "energyBeyondMandate",
  "reservePriceOutsideMandate",
  "reserveBeyondMandate",
  "carbonMoneyBeyondMandate",
  "carbonBeyondMandate",
  "spendBeyondLock",
] as const;
export type BeyondPredicate = (typeof BEYOND_PREDICATES)[number];

type Period = { energyWh: number; money: bigint; soldW: number; boughtW: number; lowest: number; highest: number };
type Sheet = { readonly periods: Period[]; money: bigint; grams: number; carbonMoney: bigint };

/** What a result asks of every participant: its energy, reserve and allowances, and the money for them, exact. */
function sheetsOf({ participants, periods, trades }: ClearingResult): Sheet[] {
  const sheets = participants.map((): Sheet => ({
    periods: Array.from({ length: periods }, () => ({
      energyWh: 0,
      money: 0n,
      soldW: 0,
      boughtW: 0,
      lowest: Infinity,
      highest: -Infinity,
    })),
    money: 0n,
    grams: 0,
    carbonMoney: 0n,
  }));
  for (const { product, period, seller, buyer, quantity, price } of trades) {
    const nano = BigInt(quantity) * BigInt(price);
    for (const [party, sign] of [
      [seller, 1],
      [buyer, -1],
    ] as const) {
      const sheet = sheets[party];
      if (sheet === undefined) continue;
      const paid = sign > 0 ? nano : -nano;
      sheet.money += paid;
      if (product === "carbon") {
        sheet.grams -= sign * quantity;
        sheet.carbonMoney += paid;
        continue;
      }
      if (period === SESSION_PERIOD) continue;
      const now = sheet.periods[period];
      if (product !== "reserve") {
        now.money += paid;
        if (product === "energy") now.energyWh += sign * quantity;
      } else if (sign > 0) {
        now.soldW += quantity;
        now.lowest = Math.min(now.lowest, price);
      } else {
        now.boughtW += quantity;
        now.highest = Math.max(now.highest, price);
      }
    }
  }
  return sheets;
}

/** Everything beyond a mandate, by party, period and predicate; `allowed` undefined: nothing is asked of that party. */
export function beyondMandates(result: ClearingResult, allowed: (party: number) => Allowed | undefined): Beyond[] {
  const perHour = 3600 / result.periodSeconds;
  return sheetsOf(result).flatMap((sheet, party) => {
    const known = allowed(party);
    if (known === undefined) return [];
    const found: Beyond[] = [];
    const most = (predicate: BeyondPredicate, needed: number, limit: bigint, period?: number): void => {
      if (needed > Number(limit))
        found.push({ party, predicate, needed, allowed: Number(limit), ...(period !== undefined && { period }) });
    };
    const { limits, spendNano } = known;
    sheet.periods.forEach((now, period) => {
      const buys = now.energyWh < 0;
      const price = buys ? limits.maxBuy : limits.minSell;
      if (now.money < BigInt(now.energyWh) * price)
        found.push({
          party,
          predicate: "energyMoneyBeyondMandate",
          period,
          needed: now.energyWh === 0 ? Infinity : Number(now.money) / now.energyWh,
          allowed: Number(price),
        });
      most("energyBeyondMandate", Math.abs(now.energyWh) * perHour, buys ? limits.maxBuyW : limits.maxSellW, period);
      if (now.lowest * perHour < Number(limits.minReservePrice))
        found.push({
          party,
          predicate: "reservePriceOutsideMandate",
          period,
          needed: now.lowest * perHour,
          allowed: Number(limits.minReservePrice),
        });
      most("reservePriceOutsideMandate", now.highest * perHour, limits.maxReservePrice, period);
      most("reserveBeyondMandate", Math.max(now.soldW, now.boughtW), limits.maxReserveW, period);
    });
    const sells = sheet.grams < 0;
    const carbonPrice = sells ? limits.minCarbonPrice : limits.maxCarbonPrice;
    if (sheet.carbonMoney < BigInt(-sheet.grams) * carbonPrice)
      found.push({
        party,
        predicate: "carbonMoneyBeyondMandate",
        needed: sheet.grams === 0 ? Infinity : Number(sheet.carbonMoney) / -sheet.grams,
        allowed: Number(carbonPrice),
      });
    most("carbonBeyondMandate", Math.abs(sheet.grams), limits.maxCarbonG);
    if (spendNano !== undefined) most("spendBeyondLock", Number(-sheet.money), spendNano);
    return found;
  });
}

/** An account of which a result asks what was not frozen for it; predicates of `settle`. */
export type Outside = { readonly id: number; readonly predicate: string; readonly detail: string };

const NOT_LOCKED = {
  predicate: "notLocked",
  detail: "no mandate that is valid to the end of the session, or no connection",
} as const;

/** Of whom the freeze has no mandate valid to a session's `end`, unix seconds: no result can ask it for anything. */
export const notLocked = (ids: readonly number[], limits: Ledger["limits"], end: bigint): Outside[] =>
  ids.filter((id) => !((limits.get(id)?.validUntil ?? -1n) >= end)).map((id) => ({ id, ...NOT_LOCKED }));

/**
 * Prosumers of whom a result asks more than their frozen mandate, their deposit or their allowances give, each once,
 * with the first predicate, in the order of the participants.
 */
export function outsideMandates(result: ClearingResult, { terms, accounts, limits }: Ledger): Outside[] {
  const { participants } = result;
  const end = terms.start + BigInt(terms.periods * terms.periodSeconds);
  const beyond = beyondMandates(result, (party) => {
    const [account, frozen] = [accounts.get(participants[party]) ?? EMPTY, limits.get(participants[party])];
    return frozen && { limits: frozen, spendNano: mostSpent(terms, account, frozen) };
  });
  const sheets = sheetsOf(result);
  return participants.flatMap((id, party): Outside[] => {
    const frozen = limits.get(id);
    if (frozen === undefined || frozen.validUntil < end) return [{ id, ...NOT_LOCKED }];
    const found = beyond.find((one) => one.party === party);
    if (found !== undefined) {
      const { predicate, needed, allowed } = found;
      return [{ id, predicate, detail: `${needed} needed, ${allowed} allowed` }];
    }
    const [given, held] = [BigInt(-sheets[party].grams), accounts.get(id)?.carbon ?? 0n];
    return given > held ? [{ id, predicate: "carbonBelowZero", detail: `${given} g needed, ${held} g held` }] : [];
  });
}
