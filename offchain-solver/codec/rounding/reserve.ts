import { postedSharePrice } from "../../market/result/ancillaryCharge.ts";
import { UNITS, UTILITY } from "../../market/result/clearingResult.ts";
import type { Market } from "../../market/scenario/market.ts";
import { post, type Draft } from "./draft.ts";

/** Reserve moved to the utility by the threshold, MW-hours, and what it costs more, $. */
export type ReserveReport = { reserveMovedMwh: number; reserveMovedCost: number };

/** Who answers one buyer's error in one period, W, and at what price, $/MW. */
type Sources = {
  readonly sellers: { readonly seller: number; w: number; readonly price: number }[];
  /** Undefined where the buyer may not use devices of its own. */
  own: number | undefined;
  utility: number;
};

/**
 * Whole watts whose sum is each buyer's need: small trades and what rounding leaves go to the utility, or to own
 * devices where it sells nothing.
 */
export function postReserve(draft: Draft): ReserveReport {
  const { market } = draft;
  const report = { reserveMovedMwh: 0, reserveMovedCost: 0 };
  market.shares.forEach((_, t) => {
    for (const buyer of buyersOf(market, t)) {
      const sources = sourcesOf(draft, t, buyer, report);
      meetNeed(sources, Math.round(market.halfWidth[t] * market.sigma[t][buyer] * UNITS));
      const line = { product: "reserve", period: t, buyer } as const;
      for (const { seller, w, price } of sources.sellers) post(draft, { ...line, seller, quantity: w, price });
      post(draft, { ...line, seller: UTILITY, quantity: sources.utility, price: tariffOf(market) });
    }
  });
  return report;
}

const tariffOf = ({ scenario: { tariff }, dt }: Market): number =>
  (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * dt;

/** Everybody who errs, whether or not somebody may answer. */
const buyersOf = (market: Market, t: number): number[] =>
  market.prosumers.flatMap((_, i) => (market.sigma[t][i] > 0 ? [i] : []));

function sourcesOf({ market, proposals, settings }: Draft, t: number, buyer: number, report: ReserveReport): Sources {
  const { shareMw, sharePrice, shareCharge } = proposals.operator;
  const sources: Sources = {
    sellers: [],
    own: undefined,
    utility: Math.round(proposals.prosumers[buyer].utilityShareMw[t] * UNITS),
  };
  for (const s of market.slotsOf[buyer][t]) {
    const slot = market.shares[t][s];
    if (slot.buyer !== buyer) continue;
    const mw = shareMw[t][s];
    const price = market.dt * postedSharePrice(sharePrice[t][s], shareCharge[t][s]);
    const w = Math.round(mw * UNITS);
    if (slot.seller === buyer) sources.own = w;
    else if (mw * UNITS >= settings.reserveThresholdW) sources.sellers.push({ seller: slot.seller, w, price });
    else if (mw * UNITS >= 1) {
      report.reserveMovedMwh += mw * market.dt;
      report.reserveMovedCost += mw * (tariffOf(market) - price);
      sources.utility += w;
    }
  }
  return sources;
}

/**
 * What rounding left goes to whoever carries the most already, the utility first. Own devices carry what is not posted;
 * where the buyer may not use them, the utility carries the watts that many small shares were rounded down by.
 */
function meetNeed(sources: Sources, need: number): void {
  const { sellers, own, utility } = sources;
  const rest = need - (own ?? 0) - utility - sellers.reduce((sum, s) => sum + s.w, 0);
  if (own === undefined ? utility + rest > 0 : utility > 0 && utility + rest > 0) sources.utility += rest;
  else if (rest < 0) {
    sellers.sort((a, b) => b.w - a.w || a.seller - b.seller);
    if (sellers.length > 0 && (own ?? 0) < -rest) sellers[0].w += rest;
  }
}
