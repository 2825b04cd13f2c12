import {
  type ClearingResult,
  DESK,
  PRODUCTS,
  SESSION_PERIOD,
  type Trade,
  UTILITY,
} from "../market/result/clearingResult.ts";
import { agreedTrades, type PairTrades, type Proposals } from "../market/result/proposal.ts";
import type { Market } from "../market/scenario/market.ts";
import { unitsOf } from "../market/scenario/perUnit.ts";
import { injectionLines, rebateLines } from "../market/result/networkCharge.ts";
import { ancillaryCharges, ancillaryLines, postedSharePrice } from "../market/result/ancillaryCharge.ts";
import type { Places } from "../grid/places.ts";
import { roundToZeroSum, type Shipment, transport } from "./transport.ts";

/** MWh, MW or t to Wh, W or g; $/MWh, $/MW or $/t to 1e-6 $ per kWh, kW or kg. */
const UNITS = 1e6;
const PRICE_UNITS = 1e3;
export type QuantiseSettings = {
  /** Reserve trades below this go back to the buyer's other sources (utility, or own devices), W. */
  readonly reserveThresholdW: number;
  /** Utility energy below this is not posted: it is within the clearing's own tolerance, Wh. */
  readonly dustWh: number;
  /**
   * Allowances a prosumer may lack for its planned emissions, g: within the clearing's tolerance. What it holds never
   * falls below zero.
   */
  readonly allowanceDustG: number;
};

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
  const { hours, dt, prosumers, scenario } = market;
  const n = prosumers.length;
  const agreed = agreedTrades(market, proposals.prosumers);
  const { injectionMvar } = proposals.operator;
  const trades: Trade[] = [];
  const post = (
    product: Trade["product"],
    period: number,
    seller: number,
    buyer: number,
    quantity: number,
    price: number,
  ) => {
    if (quantity > 0)
      trades.push({ seller, buyer, product, period, quantity, price: Math.round(price * PRICE_UNITS) + 0 });
  };
  const pairIndex = new Map(market.pairs.map(([a, b], k) => [a * n + b, k]));
  const meanPrice = (prices: (pair: number) => number, i: number): number => {
    const mine = market.pairsOf[i];
    return mine.reduce((sum, k) => sum + prices(k), 0) / Math.max(1, mine.length);
  };
  const priceBetween = (prices: (pair: number) => number, i: number, j: number): number => {
    const pair = pairIndex.get(Math.min(i, j) * n + Math.max(i, j));
    return pair !== undefined ? prices(pair) : (meanPrice(prices, i) + meanPrice(prices, j)) / 2;
  };

  const shift = new Float64Array(n);
  let [pairTrades, postedEnergy] = [0, 0];
  const injectionWh: number[][] = [];
  for (let t = 0; t < hours; t++) {
    const prices = (k: number): number => agreed.energyPrice[k][t];
    market.pairs.forEach(([a, b], k) => {
      const e = agreed.energyMw[k][t] * dt;
      shift[a] -= e * prices(k);
      shift[b] += e * prices(k);
      if (Math.abs(e) * UNITS >= 1) pairTrades++;
    });
    const { injection, utility } = positionsOf(proposals, t, dt, settings.dustWh);
    const micro = (seller: number, buyer: number) => Math.round(priceBetween(prices, seller, buyer) * PRICE_UNITS) + 0;
    const tariff = {
      buy: scenario.tariff.buyPerMwh[t] * PRICE_UNITS,
      sell: scenario.tariff.sellPerMwh[t] * PRICE_UNITS,
    };
    for (const { seller, buyer, quantity } of transportWithoutLoss(injection, utility, places, micro, tariff)) {
      post("energy", t, seller, buyer, quantity, micro(seller, buyer) / PRICE_UNITS);
      postedEnergy++;
      const paid = (quantity * micro(seller, buyer)) / (UNITS * PRICE_UNITS);
      shift[seller] += paid;
      shift[buyer] -= paid;
    }
    utility.forEach((wh, i) => {
      if (wh > 0) post("energy", t, i, UTILITY, wh, scenario.tariff.sellPerMwh[t]);
      if (wh < 0) post("energy", t, UTILITY, i, -wh, scenario.tariff.buyPerMwh[t]);
    });
    injectionWh.push(injection);
  }
  const moved = postReserve(market, proposals, settings, post);
  const dust = settings.allowanceDustG;
  postAllowances(
    market,
    proposals,
    agreed,
    places,
    dust,
    (i, j) => priceBetween((k) => agreed.carbonPrice[k], i, j),
    post,
  );
  const result: ClearingResult = {
    sessionStart: Date.parse(scenario.startUtc) / 1000,
    periodSeconds: Math.round(dt * 3600),
    periods: hours,
    participants: prosumers.map((p) => p.id),
    trades,
    reactiveVar: prosumers.map((_, i) => injectionMvar.map((hour) => Math.round(hour[i] * UNITS) + 0)),
  };
  if (market.settings.network) {
    trades.push(
      ...injectionLines(injectionWh, proposals.operator.nodalPrice),
      ...ancillaryLines(ancillaryCharges(market, result, proposals.operator)),
    );
    trades.push(...rebateLines(market, trades));
  }
  trades.sort(order);
  return {
    result,
    report: { paymentShift: Math.max(...shift.map(Math.abs)), ...moved, pairTrades, postedEnergy },
  };
}

/**
 * Whole Wh of one period: injections as the operator projected them (so the posted point is inside the limits to
 * rounding), utility trades without dust; peers trade the difference. Their sum is not zero to the clearing's
 * tolerance: whoever trades most with the utility (or else injects most) takes up what is missing.
 */
function positionsOf(
  { operator, prosumers }: Proposals,
  t: number,
  dt: number,
  dustWh: number,
): { injection: number[]; utility: number[] } {
  const injection = operator.injectionMw[t].map((p) => Math.round(p * dt * UNITS) + 0);
  const utility = prosumers.map(({ utilityMw }) => {
    const wh = Math.round(utilityMw[t] * dt * UNITS) + 0;
    return Math.abs(wh) <= dustWh ? 0 : wh;
  });
  const missing = injection.reduce((sum, wh, i) => sum + wh - utility[i], 0);
  let balancer = 0;
  injection.forEach((wh, i) => {
    const [mine, best] = [Math.abs(utility[i]), Math.abs(utility[balancer])];
    if (mine > best || (mine === best && Math.abs(wh) > Math.abs(injection[balancer]))) balancer = i;
  });
  utility[balancer] += missing;
  return { injection, utility };
}

/**
 * Trades among peers, after which nobody loses by buying from the utility and selling to peers in one period, nor the
 * other way round: at clearing prices that gains nothing, and their noise may lose a little, which no mandate allows on
 * a net of zero. Changes `utility` in place; no injection moves. `price`: 1e-6 $/kWh between two; `tariff`: the
 * utility's.
 */
function transportWithoutLoss(
  injection: readonly number[],
  utility: number[],
  places: Places,
  price: (seller: number, buyer: number) => number,
  tariff: { readonly buy: number; readonly sell: number },
): Shipment[] {
  for (;;) {
    const peers = injection.map((wh, i) => wh - utility[i]);
    const shipments = transport(peers, places);
    const money = new Float64Array(peers.length);
    for (const { seller, buyer, quantity } of shipments) {
      money[seller] += quantity * price(seller, buyer);
      money[buyer] -= quantity * price(seller, buyer);
    }
    const loses = (wh: number, i: number): boolean =>
      wh * utility[i] < 0 && money[i] < wh * (wh > 0 ? tariff.buy : tariff.sell);
    const losers = peers.flatMap((wh, i) => (loses(wh, i) ? [i] : []));
    if (losers.length === 0) return shipments;
    // Each turn takes an account off one of its sides, and puts none on a second.
    for (const i of losers) removeOpposing(peers, utility, i);
  }
}

/**
 * Takes the smaller of two legs that oppose out of both; whoever trades most on the other side deals with the utility
 * instead.
 */
function removeOpposing(peers: number[], utility: number[], i: number): void {
  const move = (j: number, wh: number): void => {
    peers[j] += wh;
    utility[j] -= wh;
  };
  if (peers[i] * utility[i] >= 0) return;
  const side = Math.sign(peers[i]);
  let left = Math.min(Math.abs(peers[i]), Math.abs(utility[i]));
  move(i, -side * left);
  while (left > 0) {
    let partner = i;
    peers.forEach((wh, j) => {
      if (-side * wh > Math.max(0, -side * peers[partner])) partner = j;
    });
    const taken = Math.min(left, Math.abs(peers[partner]));
    move(partner, side * taken);
    left -= taken;
  }
}

/** Takes float dust (sums like 1e-9 Wh) off the largest amount, so that the sum is zero before rounding. */
function cancelDrift(amounts: number[]): number[] {
  const drift = amounts.reduce((a, b) => a + b, 0);
  let largest = 0;
  amounts.forEach((a, i) => {
    if (Math.abs(a) > Math.abs(amounts[largest])) largest = i;
  });
  return amounts.map((a, i) => (i === largest ? a - drift : a));
}

type Post = (
  product: Trade["product"],
  period: number,
  seller: number,
  buyer: number,
  quantity: number,
  price: number,
) => void;

/**
 * Whole watts whose sum is each buyer's need: small trades and what rounding leaves go to the utility, or to own
 * devices where it sells nothing.
 */
function postReserve(market: Market, { operator, prosumers }: Proposals, settings: QuantiseSettings, post: Post) {
  const { scenario, dt } = market;
  const { shareMw } = operator;
  const priceOf = (t: number, s: number): number =>
    dt * postedSharePrice(operator.sharePrice[t][s], operator.shareCharge[t][s]);
  const tariff = (scenario.tariff.reserveUpPerMw + scenario.tariff.reserveDownPerMw) * dt;
  let reserveMovedMwh = 0;
  let reserveMovedCost = 0;
  market.shares.forEach((slots, t) => {
    const buyers = [...new Set(slots.map((s) => s.buyer)), ...withoutSellers(market, t)].sort((a, b) => a - b);
    for (const buyer of new Set(buyers)) {
      const need = Math.round(market.halfWidth[t] * market.sigma[t][buyer] * UNITS);
      let utility = Math.round(prosumers[buyer].utilityShareMw[t] * UNITS);
      let own: number | undefined;
      const sellers: { seller: number; w: number; price: number }[] = [];
      for (const s of market.slotsOf[buyer][t]) {
        const slot = slots[s];
        if (slot.buyer !== buyer) continue;
        const mw = shareMw[t][s];
        if (slot.seller === buyer) own = Math.round(mw * UNITS);
        else if (mw * UNITS >= settings.reserveThresholdW)
          sellers.push({ seller: slot.seller, w: Math.round(mw * UNITS), price: priceOf(t, s) });
        else if (mw * UNITS >= 1) {
          reserveMovedMwh += mw * dt;
          reserveMovedCost += mw * (tariff - priceOf(t, s));
          utility += Math.round(mw * UNITS);
        }
      }
      // What rounding left: to whoever carries the most already, the utility first. Its own devices carry what is not
      // posted; where it may not use them, the utility carries the watts that many small shares were rounded down by.
      let rest = need - (own ?? 0) - utility - sellers.reduce((sum, s) => sum + s.w, 0);
      if (own === undefined ? utility + rest > 0 : utility > 0 && utility + rest > 0) {
        utility += rest;
        rest = 0;
      } else if (rest < 0) {
        sellers.sort((a, b) => b.w - a.w || a.seller - b.seller);
        if (sellers.length > 0 && (own ?? 0) < -rest) sellers[0].w += rest;
      }
      for (const { seller, w, price } of sellers) post("reserve", t, seller, buyer, w, price);
      if (utility > 0) post("reserve", t, UTILITY, buyer, utility, tariff);
    }
  });
  return { reserveMovedMwh, reserveMovedCost };
}

const withoutSellers = (market: Market, t: number): number[] =>
  market.prosumers.flatMap((_, i) => (market.sigma[t][i] > 0 ? [i] : []));

function postAllowances(
  market: Market,
  { prosumers }: Proposals,
  { carbonT }: PairTrades,
  places: Places,
  dustG: number,
  price: (i: number, j: number) => number,
  post: Post,
): void {
  if (!market.settings.carbon) return;
  const { scenario } = market;
  const sold = new Array<number>(market.prosumers.length).fill(0);
  market.pairs.forEach(([a, b], k) => {
    sold[a] += carbonT[k] * UNITS;
    sold[b] -= carbonT[k] * UNITS;
  });
  const net = roundToZeroSum(cancelDrift(sold));
  const desk = prosumers.map(({ deskT, partsWithG }, i) => {
    const bought = Math.round(deskT * UNITS);
    // A distributed clearing meets the allowance balance to its tolerance only: what is short comes from the desk.
    const most = Math.min(Math.floor(market.allowanceT[i] * UNITS), partsWithG + Math.floor(dustG));
    return Math.max(bought, net[i] - most);
  });
  removeBothSides(net, desk);
  for (const { seller, buyer, quantity } of transport(net, places))
    post("carbon", SESSION_PERIOD, seller, buyer, quantity, price(seller, buyer));
  desk.forEach((bought, i) => {
    if (bought > 0) post("carbon", SESSION_PERIOD, DESK, i, bought, scenario.carbon.deskBuyPerT);
    if (bought < 0) post("carbon", SESSION_PERIOD, i, DESK, -bought, scenario.carbon.deskSellPerT);
  });
}

/**
 * Nobody sells allowances to peers and buys them from the desk, nor the other way round: `net` (sold to peers, sum
 * zero) and `desk` (bought) lose what they share, in place, and the peers on the other side deal with the desk instead.
 * What anybody holds in the end stays the same.
 */
function removeBothSides(net: number[], desk: number[]): void {
  const move = (i: number, grams: number): void => {
    net[i] += grams;
    desk[i] += grams;
  };
  for (let i = 0; i < net.length; i++) {
    if (net[i] * desk[i] <= 0) continue;
    const side = Math.sign(net[i]);
    let left = Math.min(Math.abs(net[i]), Math.abs(desk[i]));
    move(i, -side * left);
    for (let j = 0; left > 0; j++) {
      const taken = Math.min(left, Math.max(0, -side * net[j]));
      move(j, side * taken);
      left -= taken;
    }
  }
}
