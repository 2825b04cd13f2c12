/**
 * Three mandates that an owner can choose from, worked out from the frozen market and from its own devices: amounts are
 * what the devices and the member's own forecast error can ever need, prices are multiples of the published tariff.
 */
import { PRICE_UNITS, UNITS } from "../market/result/clearingResult.ts";
import { sumOver } from "../market/devices/devices.ts";
import { reactiveMvar } from "../market/scenario/capability.ts";
import type { Market } from "../market/scenario/market.ts";
import type { Limits } from "../codec/typedData.ts";
import { HIGHEST_PRICE_CAP } from "./settleable.ts";
import { SYSTEM_ID } from "./settlementModel.ts";

const U32 = 0xffffffff;
/** It follows the desk's. */
export const OPERATOR_ID = SYSTEM_ID + 1;

/**
 * - careful: nothing dearer than from the utility with the allowance it takes, nothing sold for less than the utility
 *   ever gives, reserve not above its tariff, allowances at the desk's prices. What a seller of reserve pays its buyer
 *   where responses relieve a line, the network pays back to it.
 * - usual: room for what congestion adds: what a devnet's members sign.
 * - wide: room for reserve that is cleared after energy, whose lines are then charged for twice.
 */
export const PRESETS = ["careful", "usual", "wide"] as const;
export type Preset = (typeof PRESETS)[number];

type Room = {
  /** Bought at most at the highest tariff and its allowance plus this much of the largest price. */
  readonly above: number;
  /** Sold at least at the lowest price or nothing, less this much of the largest price; never less than `least`. */
  readonly below: number;
  /** 1e-6 $ per kWh. */
  readonly least: number;
  /** Of the tariff of reserve, or of a quarter of the largest price of energy: what a line is worth follows that. */
  readonly reserveFrom: number;
  readonly reserveTo: number;
  /** Of the desk's prices. */
  readonly carbonFrom: number;
  readonly carbonTo: number;
};

const ROOM: Readonly<Record<Preset, Room>> = {
  careful: { above: 0, below: 0, least: 250, reserveFrom: -0.5, reserveTo: 1.05, carbonFrom: 0.99, carbonTo: 1.01 },
  usual: { above: 1, below: 1 / 80, least: 1_000, reserveFrom: -0.5, reserveTo: 2.5, carbonFrom: 0.5, carbonTo: 2 },
  wide: { above: 2, below: 1, least: 1_000, reserveFrom: -2, reserveTo: 5, carbonFrom: 0, carbonTo: 3 },
};
const RESERVE_OF_ENERGY = 1 / 4;

const bounded = (price: number): bigint => BigInt(Math.max(-HIGHEST_PRICE_CAP, Math.min(HIGHEST_PRICE_CAP, price)));
/** Up, and a little for rounding; never more than its field holds. */
const whole = (amount: number): bigint => BigInt(Math.min(U32, Math.ceil(amount) + 100));

/** The limits of a preset. A system account, whose id is no member's, trades any amount at the usual prices. */
export function presetLimits(market: Market, id: number, allowanceG: bigint, preset: Preset = "usual"): Limits {
  const prices = presetPrices(market.scenario, preset);
  const needs = needsOf(market, id);
  if (needs !== undefined)
    return {
      ...prices,
      maxBuyW: whole(needs.drawMw * UNITS),
      maxSellW: whole(needs.feedMw * UNITS),
      maxReserveW: whole(needs.reserveMw * UNITS),
      maxCarbonG: whole(needs.emissionT * UNITS + Number(allowanceG)),
    };
  const any = BigInt(U32);
  return {
    ...prices,
    // What responses relieve is worth what a limit costs, and is paid out of what the limit brings in.
    ...(id === OPERATOR_ID && { minReservePrice: BigInt(-HIGHEST_PRICE_CAP) }),
    maxBuyW: any,
    maxSellW: any,
    maxReserveW: any,
    maxCarbonG: any,
  };
}

/** The prices of a preset: from the published tariff alone, so that a page can work them out. */
export function presetPrices(
  { tariff, carbon }: Pick<Market["scenario"], "tariff" | "carbon">,
  preset: Preset,
): Pick<Limits, "maxBuy" | "minSell" | "minReservePrice" | "maxReservePrice" | "maxCarbonPrice" | "minCarbonPrice"> {
  const { above, below, least, reserveFrom, reserveTo, carbonFrom, carbonTo } = ROOM[preset];
  const energyPrices = [...tariff.buyPerMwh, ...tariff.sellPerMwh];
  const magnitude = Math.max(...energyPrices.map(Math.abs)) * PRICE_UNITS;
  const highest = Math.max(...energyPrices) * PRICE_UNITS;
  const lowest = Math.min(0, ...energyPrices) * PRICE_UNITS;
  // Energy from the utility takes the grid's allowance too: peers are worth that much more than the tariff.
  const allowance = Math.max(0, ...carbon.gridTPerMwh) * Math.max(0, carbon.deskBuyPerT) * PRICE_UNITS;
  const reserveTariff = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * PRICE_UNITS;
  const reserve = preset === "careful" ? reserveTariff : Math.max(reserveTariff, RESERVE_OF_ENERGY * magnitude);
  return {
    maxBuy: bounded(Math.ceil(highest + Math.max(allowance, above * magnitude, above === 0 ? 0 : 1.5 * allowance))),
    minSell: bounded(Math.floor(lowest - Math.max(least, below * magnitude))),
    minReservePrice: bounded(Math.floor(reserveFrom * reserve)),
    maxReservePrice: bounded(Math.ceil(reserveTo * reserve)),
    maxCarbonPrice: bounded(Math.ceil(carbonTo * carbon.deskBuyPerT * PRICE_UNITS)),
    minCarbonPrice: bounded(Math.floor(carbonFrom * carbon.deskSellPerT * PRICE_UNITS)),
  };
}

/**
 * The most a member's devices can draw and feed in, MW; reserve that it can be in, MW; and what it can emit, t.
 * Undefined for an id that is no member's.
 */
function needsOf(market: Market, id: number) {
  const { scenario, hours, dt } = market;
  const i = scenario.prosumers.findIndex((one) => one.id === id);
  if (i < 0) return undefined;
  const own = scenario.prosumers[i];
  const { load, generator } = own;
  const flexible = 1 + load.flexibleShare;
  const drawMw = sumOver(own, ({ device, part }) => device.rating(part).drawsMw);
  const feedMw = sumOver(own, ({ device, part }) => device.rating(part).feedsMw);
  const devicesMw = sumOver(own, ({ name, device, part }) => (name === "load" ? 0 : device.rating(part).drawsMw));
  const energyMwh = (load.fixedMw.reduce((sum, mw) => sum + mw, 0) * flexible + devicesMw * hours) * dt;
  // Whoever imports answers for the emissions, and may import for the whole neighbourhood.
  const importedMwh = scenario.prosumers.reduce(
    (sum, one) => sum + one.load.fixedMw.reduce((a, mw) => a + mw, 0) * (1 + one.load.flexibleShare) * dt,
    energyMwh,
  );
  const gridT = Math.max(...scenario.carbon.gridTPerMwh) * importedMwh;
  const ownT = (generator?.maxMw ?? 0) * (generator?.emissionTPerMwh ?? 0) * hours * dt;
  const mvar = reactiveMvar(own) + Math.abs(load.mvarPerMw) * drawMw;
  return { drawMw, feedMw, reserveMw: reserveMw(market, i) + mvar, emissionT: gridT + ownT };
}

/** Pooled errors need less capacity than the reserve that is sold for them, by this much on the days measured. */
const POOLED = 4;

/**
 * Reserve that a member can be in over a period, MW: what it needs, bought or charged for as its own, and the network's
 * charge on all that it sells. It sells no more than its partners need, nor, pooled, than its devices can give.
 */
function reserveMw({ prosumers, pairs, pairsOf, canAnswer, halfWidth, sigma, hours }: Market, i: number): number {
  const capacity = POOLED * sumOver(prosumers[i], ({ device, part }) => device.reserve?.mostMw(part));
  const partners = canAnswer[i] ? pairsOf[i].map((k) => (pairs[k][0] === i ? pairs[k][1] : pairs[k][0])) : [];
  const of = (j: number, t: number): number => halfWidth[t] * sigma[t][j];
  let most = 0;
  for (let t = 0; t < hours; t++) {
    const sold = Math.min(
      capacity,
      partners.reduce((sum, j) => sum + of(j, t), 0),
    );
    most = Math.max(most, of(i, t) + sold);
  }
  return most;
}
