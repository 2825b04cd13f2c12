/** What a devnet prosumer signs: derived from the scenario and tight, as a careful owner would have it. */
import { OPERATOR_ID } from "../chain/onboarding.ts";
import type { Mandate } from "../codec/typedData.ts";
import { HIGHEST_PRICE_CAP } from "../ledger/settleable.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { devnetDeposit } from "./devnetTerms.ts";

/** $/MWh, $/MW or $/t to 1e-6 $ per kWh, kW or kg. */
const PRICE_UNITS = 1e3;
const WATTS = 1e6;
const GRAMS_PER_T = 1e6;
const MICRO = 1_000_000n;
const U32 = 0xffffffff;

/**
 * What the tariff pays at worst, less a dollar in 1,000 kWh or an 80th of its highest price: congestion may cost a
 * seller a little.
 */
const BELOW_LOWEST = 1_000;
const OF_HIGHEST = 1 / 80;
/**
 * Reserve is charged for where responses burden a line, and paid more than its tariff where they relieve one: what a
 * line is worth follows the price of energy, so at scarcity that, not the tariff of reserve, says how far prices reach.
 */
const RESERVE_FROM = -0.3;
const RESERVE_TO = 2.5;
const RESERVE_OF_ENERGY = 1 / 4;

/** Prices are the same for all; a system account, whose id is no prosumer's, trades any amount at them. */
export function devnetMandate(scenario: Scenario, id: number, allowanceG: bigint): Mandate {
  const { tariff, carbon } = scenario;
  const energyPrices = [...tariff.buyPerMwh, ...tariff.sellPerMwh];
  const magnitude = Math.max(...energyPrices.map(Math.abs)) * PRICE_UNITS;
  const reserveTariff = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * PRICE_UNITS;
  const reserve = Math.max(reserveTariff, RESERVE_OF_ENERGY * magnitude);
  // Twice the highest price; where all are below zero, as far above it as the lowest lies from zero.
  const maxBuy = Math.ceil(Math.max(...energyPrices) * PRICE_UNITS + magnitude);
  const lowest = Math.min(0, ...tariff.sellPerMwh, ...tariff.buyPerMwh) * PRICE_UNITS;
  const maxCarbonPrice = Math.ceil(2 * carbon.deskBuyPerT * PRICE_UNITS);
  const bounded = (price: number): bigint => BigInt(Math.max(-HIGHEST_PRICE_CAP, Math.min(HIGHEST_PRICE_CAP, price)));
  const prices = {
    maxBuy: bounded(maxBuy),
    minSell: bounded(Math.floor(lowest - Math.max(BELOW_LOWEST, OF_HIGHEST * magnitude))),
    minReservePrice: bounded(Math.floor(RESERVE_FROM * reserve)),
    maxReservePrice: bounded(Math.ceil(RESERVE_TO * reserve)),
    maxCarbonPrice: bounded(maxCarbonPrice),
    minCarbonPrice: bounded(Math.floor(carbon.deskSellPerT * 0.5 * PRICE_UNITS)),
  };
  const deposit = devnetDeposit(
    scenario,
    scenario.prosumers.find((one) => one.id === id),
  );
  const rest = { prosumer: id, maxSpendPerDay: BigInt(deposit) * MICRO, validUntil: 4_000_000_000n, nonce: 1n };
  const needs = needsOf(scenario, id);
  // What responses relieve is worth what a limit costs, and is paid out of what the limit brings in.
  const anyPrice = { minReservePrice: BigInt(-HIGHEST_PRICE_CAP) };
  if (needs === undefined)
    return {
      ...prices,
      ...(id === OPERATOR_ID && anyPrice),
      ...rest,
      maxBuyW: BigInt(U32),
      maxSellW: BigInt(U32),
      maxReserveW: BigInt(U32),
      maxCarbonG: BigInt(U32),
    };
  const { drawMw, feedMw, reserveMw, emissionT } = needs;
  return {
    ...prices,
    ...rest,
    maxBuyW: whole(drawMw * WATTS),
    maxSellW: whole(feedMw * WATTS),
    maxReserveW: whole(reserveMw * WATTS),
    maxCarbonG: whole(emissionT * GRAMS_PER_T + Number(allowanceG)),
  };
}

/** Up, and a little for rounding; never more than its field holds. */
const whole = (amount: number): bigint => BigInt(Math.min(U32, Math.ceil(amount) + 100));

/**
 * The most a prosumer's devices can draw and feed in, MW; reserve it could need or give in one
 * period, MW; and what it can emit, t. Undefined for an id that is no prosumer's.
 */
function needsOf(scenario: Scenario, id: number) {
  const prosumer = scenario.prosumers.find((one) => one.id === id);
  if (prosumer === undefined) return undefined;
  const { load, generator, renewable, battery } = prosumer;
  const flexible = 1 + load.flexibleShare;
  const batteryMw = battery?.powerMw ?? 0;
  const drawMw = Math.max(...load.fixedMw) * flexible + batteryMw;
  const feedMw = (generator?.maxMw ?? 0) + (renewable?.ratingMw ?? 0) + batteryMw;
  const { periodHours, hours } = scenario;
  const loadMwh = load.fixedMw.reduce((sum, mw) => sum + mw, 0) * flexible * periodHours;
  const energyMwh = loadMwh + batteryMw * hours * periodHours;
  // Whoever imports answers for the emissions, and may import for the whole neighbourhood.
  const importedMwh = scenario.prosumers.flatMap(({ load: { fixedMw, flexibleShare } }) =>
    fixedMw.map((mw) => mw * (1 + flexibleShare) * periodHours),
  );
  const gridT = Math.max(...scenario.carbon.gridTPerMwh) * importedMwh.reduce((sum, mwh) => sum + mwh, energyMwh);
  const ownT = (generator?.maxMw ?? 0) * (generator?.emissionTPerMwh ?? 0) * hours * periodHours;
  return { drawMw, feedMw, reserveMw: drawMw + 2 * feedMw, emissionT: gridT + ownT };
}
