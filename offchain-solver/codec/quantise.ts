import { type ClearingResult, PRODUCTS, type Trade, UNITS } from "../market/result/clearingResult.ts";
import type { Proposals } from "../market/result/proposal.ts";
import type { Market } from "../market/scenario/market.ts";
import { unitsOf } from "../market/scenario/perUnit.ts";
import { ancillaryCharges, ancillaryLines } from "../market/result/ancillaryCharge.ts";
import { injectionLines, rebateLines } from "../market/result/networkCharge.ts";
import type { Places } from "../grid/places.ts";
import { postAllowances } from "./rounding/allowances.ts";
import { draftOf, type Draft, type QuantiseSettings } from "./rounding/draft.ts";
import { postEnergy } from "./rounding/energy.ts";
import { postReserve } from "./rounding/reserve.ts";

export type { QuantiseSettings };

/**
 * 20 W, 20 Wh and 50 g at the reference size, and in proportion at any other: the clearing's tolerance follows the size
 * too.
 */
export function quantiseSettings(market: Market): QuantiseSettings {
  const { mw, hours } = unitsOf(market);
  return { reserveThresholdW: 20 * mw, dustWh: 20 * mw * hours, allowanceDustG: 50 * mw * hours };
}

export type Quantised = {
  readonly result: ClearingResult;
  /** What rounding and netting changed, for the report. */
  readonly report: {
    /** Largest change of a prosumer's payment for energy over the session, $. */
    readonly paymentShift: number;
    /** Reserve moved to the utility by the threshold, MW-hours, and what it costs more, $. */
    readonly reserveMovedMwh: number;
    readonly reserveMovedCost: number;
    /** Energy trades between prosumers, before netting and after; those with the utility are in neither. */
    readonly pairTrades: number;
    readonly postedEnergy: number;
  };
};

const order = (a: Trade, b: Trade): number =>
  PRODUCTS.indexOf(a.product) - PRODUCTS.indexOf(b.product) ||
  a.period - b.period ||
  a.seller - b.seller ||
  a.buyer - b.buyer;

/**
 * The only door from float to integer: a function of what was proposed and of what was frozen for all, so that every
 * party gets the same integers, whoever else it knows nothing of. Rounds once and repairs the rounding so that energy,
 * reserve and allowances balance exactly; energy and allowances are netted to one-way transport, nearest first, with
 * every position unchanged. `places`: where the prosumers are on the feeder.
 */
export function quantise(
  market: Market,
  proposals: Proposals,
  places: Places,
  settings: QuantiseSettings = quantiseSettings(market),
): Quantised {
  const draft = draftOf(market, proposals, places, settings);
  const { shift, ...energy } = postEnergy(draft);
  const reserve = postReserve(draft);
  postAllowances(draft);
  const result = resultOf(draft);
  if (market.settings.network) postNetwork(draft, result, energy.injectionWh);
  draft.trades.sort(order);
  const { pairTrades, postedEnergy } = energy;
  return { result, report: { paymentShift: Math.max(...shift.map(Math.abs)), ...reserve, pairTrades, postedEnergy } };
}

const resultOf = ({ market, proposals, trades }: Draft): ClearingResult => ({
  sessionStart: Date.parse(market.scenario.startUtc) / 1000,
  periodSeconds: Math.round(market.dt * 3600),
  periods: market.hours,
  participants: market.prosumers.map((p) => p.id),
  trades,
  reactiveVar: market.prosumers.map((_, i) =>
    proposals.operator.injectionMvar.map((hour) => Math.round(hour[i] * UNITS) + 0),
  ),
});

/** What the network charges for what is posted, and the rebate of what it takes in. */
function postNetwork(
  { market, proposals: { operator }, trades }: Draft,
  result: ClearingResult,
  injectionWh: readonly number[][],
): void {
  trades.push(
    ...injectionLines(injectionWh, operator.nodalPrice),
    ...ancillaryLines(ancillaryCharges(market, result, operator)),
  );
  trades.push(...rebateLines(market, trades));
}
