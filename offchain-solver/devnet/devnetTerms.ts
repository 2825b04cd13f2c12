import type { Mandate } from "../codec/typedData.ts";
import { HIGHEST_PRICE_CAP, MOST_SPEND, mostOf, worstBill } from "../ledger/settleable.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";

const LARGEST_QUANTITY = 0xffffffff;
/** Least deposits, $: enough for any small scenario, and the same from day to day. */
const LEAST = { prosumer: 2_000, system: 100_000 } as const;

/** What a devnet account deposits and may spend a day, whole $: all that it can have to pay, twice. The utility may have to pay everybody. */
export function devnetDeposit(scenario: Scenario, prosumer: Prosumer | undefined): number {
  const twice = (p: Prosumer): number => Math.min(Math.floor(MOST_SPEND), Math.ceil(2 * worstBill(scenario, p)));
  if (prosumer !== undefined) return Math.max(LEAST.prosumer, twice(prosumer));
  const all = scenario.prosumers.reduce((sum, p) => sum + twice(p), 0);
  return Math.min(Math.floor(MOST_SPEND), Math.max(LEAST.system, all));
}

/**
 * Limits that a devnet account signs: thrice the largest price of the tariff either way, with room for network charges and as far as a
 * price goes at all, and more than its devices can do.
 */
export function devnetMandate(scenario: Scenario, id: number): Mandate {
  const { tariff, carbon, periodHours, prosumers } = scenario;
  const prosumer = prosumers.find((p) => p.id === id);
  const bounded = (price: number): bigint => BigInt(Math.min(HIGHEST_PRICE_CAP, Math.round(price * 1e3)));
  const energy = bounded(3 * Math.max(...tariff.buyPerMwh.map(Math.abs), ...tariff.sellPerMwh.map(Math.abs)));
  const reserveTariff = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * periodHours;
  const reserve = bounded(3 * Math.max(reserveTariff, ...tariff.buyPerMwh.map(Math.abs)));
  const most = BigInt(
    Math.min(
      LARGEST_QUANTITY,
      Math.max(50_000_000, Math.ceil(2e6 * prosumers.reduce((sum, p) => sum + mostOf(p).mw, 0))),
    ),
  );
  return {
    prosumer: id,
    maxBuy: energy,
    minSell: -energy,
    maxBuyWh: most,
    maxSellWh: most,
    minReservePrice: -reserve,
    maxReservePrice: reserve,
    maxReserveW: most,
    maxCarbonPrice: bounded(Math.max(200, 2 * carbon.deskBuyPerT)),
    minCarbonPrice: 0n,
    maxSpendPerDay: BigInt(devnetDeposit(scenario, prosumer)) * 1_000_000n,
    validUntil: 4_000_000_000n,
    nonce: 1n,
  };
}
