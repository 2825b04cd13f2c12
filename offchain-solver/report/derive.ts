/** Numbers that the report shows and clearing.json does not hold: sums and means of what is in it, nothing new. */
import type { Trade } from "../market/result/clearingResult.ts";
import { OPERATOR, UTILITY } from "../market/result/clearingResult.ts";
import type { FlowKind } from "../market/devices/device.ts";
import { ownedBy, type PlanName } from "../market/devices/devices.ts";
import type { PlannedJson } from "../records/clearingJson.ts";
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Feeder } from "../grid/feeder.ts";

export const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
export const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k);
/** Lowest and highest of numbers, however many. */
export const extent = (values: readonly number[]): [low: number, high: number] =>
  values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );

export type HourPrice = { readonly low: number; readonly mean: number; readonly high: number; readonly mw: number };

/** Quantity-weighted mean and spread of the traded prices in every hour; no entry for an hour without trade. */
export function hourPrices(
  trades: readonly { readonly hour: number; readonly mw: number; readonly price: number }[],
  hours: number,
): (HourPrice | undefined)[] {
  return range(hours).map((t) => {
    const of = trades.filter(({ hour, mw }) => hour === t && mw > 1e-9);
    if (of.length === 0) return undefined;
    const mw = total(of.map((trade) => trade.mw));
    const [low, high] = extent(of.map(({ price }) => price));
    return {
      low,
      high,
      mean: total(of.map((trade) => trade.mw * trade.price)) / mw,
      mw,
    };
  });
}

/** Apparent power over rating, [hour][branch]; 0 where a branch has no rating. */
export function loadings({ flowMw, flowMvar }: ClearingJson["network"], feeder: Feeder): number[][] {
  return flowMw.map((row, t) =>
    row.map((mw, k) => {
      const { ratingMva } = feeder.branches[k];
      return ratingMva === null ? 0 : Math.sqrt(mw ** 2 + flowMvar[t][k] ** 2) / ratingMva;
    }),
  );
}

/** Hour with the highest loading: the one to look at first. */
export function tightestHour(clearing: ClearingJson, feeder: Feeder): number {
  const worst = loadings(clearing.network, feeder).map((row) => Math.max(0, ...row));
  return worst.indexOf(Math.max(...worst));
}

/** A trade as it is posted and paid: MW over the period, $/MWh or $/MW and hour. */
export type PostedTrade = {
  readonly seller: number | "utility";
  readonly buyer: number | "utility";
  readonly hour: number;
  readonly mw: number;
  readonly price: number;
};

/**
 * Energy or reserve as it is settled. The clearing spreads energy thinly over every pair; what is posted is one
 * transport of the period's net sales with every payment kept, so this, and not the pairs' trades, is what a prosumer
 * finds on its bill.
 */
export function posted({ quantised }: ClearingJson, product: "energy" | "reserve"): PostedTrade[] {
  const hours = quantised.periodSeconds / 3600;
  const party = (index: number): number | "utility" => (index === UTILITY ? "utility" : quantised.participants[index]);
  // Wh over the period's length are W; the price of a W is that of the period.
  const [power, price] = product === "energy" ? [1e-6 / hours, 1e-3] : [1e-6, 1e-3 / hours];
  return quantised.trades
    .filter((trade: Trade) => trade.product === product && trade.seller !== OPERATOR)
    .map(({ seller, buyer, period, quantity, price: unitPrice }) => ({
      seller: party(seller),
      buyer: party(buyer),
      hour: period,
      mw: power * quantity,
      price: price * unitPrice,
    }));
}

export const betweenProsumers = (trades: readonly PostedTrade[]): PostedTrade[] =>
  trades.filter(({ seller, buyer }) => seller !== "utility" && buyer !== "utility");

/** Prosumers in the order of their buses' numbers: the one order of every table and figure. */
export const byBus = <T extends { readonly bus: number; readonly id: number }>(all: readonly T[]): T[] =>
  all.toSorted((a, b) => a.bus - b.bus || a.id - b.id);

/**
 * What a MWh is worth at the buses: the traded price less the network charge there; lowest and highest bus. An hour
 * without trade has no price to take the charge from and is left out.
 */
export function busPrices(clearing: ClearingJson): { hour: number; low: number; high: number }[] {
  const { nodalPrice } = clearing.network;
  return hourPrices(betweenProsumers(posted(clearing, "energy")), nodalPrice.length).flatMap((price, hour) =>
    price === undefined
      ? []
      : [{ hour, low: price.mean - Math.max(...nodalPrice[hour]), high: price.mean - Math.min(...nodalPrice[hour]) }],
  );
}

export type Bill = {
  readonly id: number;
  readonly bus: number;
  readonly energy: number;
  readonly reserve: number;
  readonly carbon: number;
  readonly network: number;
  readonly payments: number;
  readonly deviceCost: number;
  readonly total: number;
};

/** $ over the horizon, what the prosumer pays; negative where it is paid. By bus. */
export function bills(clearing: Pick<ClearingJson, "prosumers">): Bill[] {
  return byBus(clearing.prosumers).map(({ id, bus, cost, payment }) => {
    const payments = payment.energy + payment.reserve + payment.carbon + payment.network;
    return { id, bus, ...payment, payments, deviceCost: cost, total: payments + cost };
  });
}

export const ENERGY_KINDS = [
  "wind",
  "PV",
  "generators",
  "battery",
  "vehicles",
  "heat pumps",
  "utility",
  "load",
] as const satisfies readonly (FlowKind | "utility")[];
export type EnergyKind = (typeof ENERGY_KINDS)[number];

/** The series of a prosumer's devices: of every one that it has they are there. */
export const planIn = (schedule: PlannedJson) => schedule as Readonly<Record<PlanName, number[]>>;

/** Where the feeder's energy comes from (> 0) and where it goes (< 0), MW by hour. */
export function energyBalance(
  clearing: Pick<ClearingJson, "prosumers">,
  scenario: Scenario,
): { kind: EnergyKind; hour: number; mw: number }[] {
  return range(scenario.hours).flatMap((hour) => {
    const given = new Map<EnergyKind, number>();
    const taken = new Map<EnergyKind, number>();
    const add = (kind: EnergyKind, mw: number): void => {
      const sums = mw > 0 ? given : taken;
      sums.set(kind, (sums.get(kind) ?? 0) + mw);
    };
    clearing.prosumers.forEach(({ schedule: s, id }) => {
      const prosumer = scenario.prosumers.find((one) => one.id === id);
      for (const { device, part } of ownedBy(prosumer ?? {}))
        for (const [kind, mw] of device.flows(part, planIn(s), hour)) add(kind, mw);
      add("utility", s.importMw[hour]);
      add("utility", -s.exportMw[hour]);
    });
    return [...given, ...taken].map(([kind, mw]) => ({ kind, hour, mw })).filter(({ mw }) => Math.abs(mw) > 1e-9);
  });
}

/** A value that rounds to zero has no sign. */
export function number(value: number, digits: number): string {
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Control characters, and those that turn the direction of the text after them, are shown as their number. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const visible = (text: string): string =>
  text.replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
export const escape = (text: string): string => visible(text).replace(/[&<>"']/g, (character) => ESCAPES[character]);
/** A name from outside within a sentence: it may read from right to left, the sentence goes on from left to right. */
export const foreign = (text: string): string => `<bdi>${escape(text)}</bdi>`;

/** Where answers may take a battery, MWh by period; undefined where nobody promises that they last. */
export function bandOf({
  schedule,
}: Pick<ClearingJson["prosumers"][number], "schedule">):
  { readonly low: number[]; readonly high: number[] } | undefined {
  const { storedMwh, storedBelowMwh: below, storedAboveMwh: above } = schedule;
  if (below === undefined || above === undefined) return undefined;
  return { low: storedMwh.map((mwh, t) => mwh - below[t]), high: storedMwh.map((mwh, t) => mwh + above[t]) };
}
