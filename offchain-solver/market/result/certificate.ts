import { OPERATOR, PRICE_UNITS, type ClearingResult, type Trade } from "./clearingResult.ts";
import type { Scenario } from "../scenario/scenario.ts";

/**
 * When a result counts as optimal (market-model section 6): all regrets together, the operator's included, are at most
 * `regret` of the gross turnover plus what rounding to whole units may cost, and what a clearing left open between
 * plans and trades, in money, at most `mismatch` of the turnover. The objective is no scale: on a day whose income and
 * cost cancel it is nothing.
 */
export const CERTIFICATE = { regret: 1e-5, mismatch: 1e-4 } as const;

/** What a market must say of itself so that rounding can be priced: its tariff, and how many members it has. */
type Priced = {
  readonly scenario: Pick<Scenario, "tariff" | "periodHours">;
  readonly prosumers: readonly unknown[];
};

/** $/MWh: the dearest that the utility sells at, which the chain has frozen. */
export const dearest = ({ buyPerMwh }: Scenario["tariff"]): number =>
  buyPerMwh.reduce((most, price) => Math.max(most, Math.abs(price)), 0);

/**
 * What of a price counts where tolerances are measured: below zero no more than the utility asks at its dearest. Two
 * members who sell each other to and fro at whatever they are paid to take it, or terms whose utility takes energy for
 * a fortune, would otherwise make room for what others lose, and nothing would have moved.
 */
export const countedPrice = (price: number, most: number): number => (price < 0 ? Math.min(-price, most) : price);

/** $/MWh at which energy counts in every period. */
export const countedTariff = (tariff: Scenario["tariff"]): number[] =>
  tariff.buyPerMwh.map((buy, t) => Math.max(Math.abs(buy), countedPrice(tariff.sellPerMwh[t], dearest(tariff))));

/** Of a posted price, in its units; what the operator charges comes of its multipliers, and is nobody's choice. */
function counting({ scenario: { tariff, periodHours } }: Priced): (trade: Trade) => number {
  const energy = dearest(tariff) * PRICE_UNITS;
  const reserve = (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * periodHours * PRICE_UNITS;
  const most = { energy, reserve, carbon: Infinity, network: Infinity };
  return ({ product, seller, price }) => countedPrice(price, seller === OPERATOR ? Infinity : most[product]);
}

/**
 * Root of the sum of squares of half a unit of energy (`step`, Wh in the market's units) of every member and period at
 * the tariff.
 */
export function roundingOf(
  {
    scenario: { tariff },
    prosumers,
  }: { readonly scenario: Pick<Scenario, "tariff">; readonly prosumers: readonly unknown[] },
  step: number,
): number {
  const squares = countedTariff(tariff).reduce((sum, price) => sum + price * price, 0);
  return (step / 2) * Math.sqrt(prosumers.length * squares);
}

/**
 * Gross turnover of what is posted, sum of quantity x what counts of its price, and half a unit of every line at that
 * price, root of squares, $.
 */
export function turnoverOf(
  market: Priced,
  { trades }: ClearingResult,
): { readonly gross: number; readonly rounding: number } {
  const counted = counting(market);
  let [gross, squares] = [0, 0];
  for (const trade of trades) {
    const price = counted(trade);
    gross += trade.quantity * price;
    squares += (price / 2) * (price / 2);
  }
  return { gross: gross / 1e9, rounding: Math.sqrt(squares) / 1e9 };
}

/** [member] Gross turnover of every participant, $. */
export function tradedBy(market: Priced, { participants, trades }: ClearingResult): Float64Array {
  const counted = counting(market);
  const traded = new Float64Array(participants.length);
  for (const trade of trades)
    for (const party of [trade.seller, trade.buyer])
      if (party < traded.length) traded[party] += (trade.quantity * counted(trade)) / 1e9;
  return traded;
}

/**
 * Those who trade least may claim together no more than this many times their own part of what all may: members who
 * sell each other a lot to and fro raise the turnover, and must not buy with it that others are paid badly.
 */
const OWN_PART = 100;

/** What a member of a result and all who traded less may claim together, $. */
export type LeastAllowed = { readonly member: number; readonly regret: number; readonly open: number };

/** Of every member, those who traded least first; `share`: of the turnover, for regrets. */
export function allowedOfLeast(market: Priced, result: ClearingResult, share: number): LeastAllowed[] {
  const traded = tradedBy(market, result);
  const rounding = allowed(market, result, 0);
  const ascending = [...traded.keys()].sort((a, b) => traded[a] - traded[b]);
  let gross = 0;
  return ascending.map((member) => {
    gross += traded[member];
    const most = (part: number): number => OWN_PART * part * gross + rounding;
    return { member, regret: most(share), open: most(CERTIFICATE.mismatch) };
  });
}

/** Most that the regrets of a posted result may add up to, $; `share` of its turnover. */
export const allowedRegret = (market: Priced, result: ClearingResult, share: number = CERTIFICATE.regret): number =>
  allowed(market, result, share);

/** Most that plans and trades of a posted result may differ by, $. */
export const allowedMismatch = (market: Priced, result: ClearingResult): number =>
  allowed(market, result, CERTIFICATE.mismatch);

function allowed(market: Priced, result: ClearingResult, share: number): number {
  const { gross, rounding } = turnoverOf(market, result);
  const members = roundingOf(market, 1e-6);
  return share * gross + Math.sqrt(rounding * rounding + members * members);
}
