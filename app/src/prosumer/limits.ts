/** A mandate while its owner is at it: in the units that people read, and what is wrong with it. */
import {
  MANDATE_FIELDS,
  Owner,
  shownValue,
  signedValue,
  type FrozenLimits,
  type Mandate,
  type WalletAccount,
} from "../../../offchain-solver/browser.ts";
import { canBeEither } from "./amounts.ts";

export type Field = Exclude<keyof FrozenLimits, "validUntil">;
/** NaN: what stands there is no number. */
export type Draft = Readonly<Record<Field, number>> & { readonly days: number };

const DAY_S = 86_400n;

export const fieldOf = (field: Field) => MANDATE_FIELDS.find((one) => one.field === field)!;

/** Without a mandate: a home of ordinary size. */
const FRESH: Draft = {
  maxBuy: 0.35,
  minSell: 0,
  maxBuyW: 5,
  maxSellW: 5,
  minReservePrice: 0,
  maxReservePrice: 0.1,
  maxReserveW: 1,
  maxCarbonPrice: 0.1,
  minCarbonPrice: 0,
  maxCarbonG: 20,
  maxSpendPerDay: 5,
  days: 30,
};

export function draftOf({ mandate, now }: Pick<WalletAccount, "mandate" | "now">): Draft {
  if (mandate === undefined) return FRESH;
  const values = MANDATE_FIELDS.map((shown) => [shown.field, shownValue(shown, mandate[shown.field])]);
  const days = Math.max(1, Math.min(365, Number((mandate.validUntil - now) / DAY_S)));
  return { ...(Object.fromEntries(values) as Omit<Draft, "days">), days };
}

/** As many digits as are signed, and no zeros that say nothing. */
export const exactly = (value: number): string => `${Number(value.toFixed(6))}`.replace("-", "\u2212");

/** A number as people write it, with a point or a comma; NaN: it is none, or can be read in two ways. */
export function limitIn(text: string): number {
  const given = text.trim().replace("\u2212", "-");
  const isNumber = /^-?(?:\d+(?:[.,]\d*)?|[.,]\d+)$/.test(given);
  return isNumber && !canBeEither(given.replace("-", "")) ? Number(given.replace(",", ".")) : NaN;
}

/** Undefined: it can be signed. */
export function faultOf(field: Field, value: number): string | undefined {
  const { low, high, unit } = fieldOf(field);
  if (!Number.isFinite(value)) return `Enter a number, in ${unit}.`;
  if (value < low || value > high) return `Enter from ${exactly(low)} to ${exactly(high)} ${unit}.`;
  return undefined;
}

/** Undefined where a field holds what cannot be signed. */
export function mandateOf(draft: Draft, account: Pick<WalletAccount, "id" | "now" | "nonce">): Mandate | undefined {
  if (MANDATE_FIELDS.some(({ field }) => faultOf(field, draft[field]) !== undefined)) return undefined;
  const limits = Object.fromEntries(
    MANDATE_FIELDS.map((shown) => [shown.field, signedValue(shown, draft[shown.field])]),
  );
  return {
    ...(limits as Omit<FrozenLimits, "validUntil">),
    validUntil: account.now + BigInt(draft.days) * DAY_S,
    prosumer: account.id,
    nonce: Owner.nextNonce(account),
  };
}
