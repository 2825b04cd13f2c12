import { PRICE_UNITS, UNITS, UTILITY } from "../../market/result/clearingResult.ts";
import { transportWithin, type Shipment } from "../transport.ts";
import { post, priceBetween, wholePrice, type Draft } from "./draft.ts";

/** What was posted, and what rounding and netting did to it. */
export type EnergyReport = {
  /** [period][prosumer] */
  readonly injectionWh: number[][];
  /** [prosumer] what it is paid more, $. */
  readonly shift: Float64Array;
  /** Trades between prosumers, before netting and after; those with the utility are in neither. */
  pairTrades: number;
  postedEnergy: number;
};

/** Wh by prosumer: fed in, and of it sold to the utility. */
type Positions = { readonly injection: number[]; readonly utility: number[] };

export function postEnergy(draft: Draft): EnergyReport {
  const { hours, prosumers } = draft.market;
  const report: EnergyReport = {
    injectionWh: [],
    shift: new Float64Array(prosumers.length),
    pairTrades: 0,
    postedEnergy: 0,
  };
  for (let t = 0; t < hours; t++) {
    countPairs(draft, t, report);
    report.injectionWh.push(postPeriod(draft, t, report));
  }
  return report;
}

function countPairs({ market, agreed }: Draft, t: number, report: EnergyReport): void {
  market.pairs.forEach(([a, b], k) => {
    const e = agreed.energyMw[k][t] * market.dt;
    report.shift[a] -= e * agreed.energyPrice[k][t];
    report.shift[b] += e * agreed.energyPrice[k][t];
    if (Math.abs(e) * UNITS >= 1) report.pairTrades++;
  });
}

function postPeriod(draft: Draft, t: number, report: EnergyReport): number[] {
  const { market, agreed } = draft;
  const { tariff } = market.scenario;
  const { injection, utility } = positionsOf(draft, t);
  const between = priceBetween(draft, (k) => agreed.energyPrice[k][t]);
  const micro = (seller: number, buyer: number): number => wholePrice(between(seller, buyer));
  const bounds = { buy: tariff.buyPerMwh[t] * PRICE_UNITS, sell: tariff.sellPerMwh[t] * PRICE_UNITS };
  const line = { product: "energy", period: t } as const;
  for (const { seller, buyer, quantity } of transportWithoutLoss(draft, { injection, utility }, micro, bounds)) {
    post(draft, { ...line, seller, buyer, quantity, price: micro(seller, buyer) / PRICE_UNITS });
    report.postedEnergy++;
    const paid = (quantity * micro(seller, buyer)) / (UNITS * PRICE_UNITS);
    report.shift[seller] += paid;
    report.shift[buyer] -= paid;
  }
  utility.forEach((wh, i) => {
    post(draft, { ...line, seller: i, buyer: UTILITY, quantity: wh, price: tariff.sellPerMwh[t] });
    post(draft, { ...line, seller: UTILITY, buyer: i, quantity: -wh, price: tariff.buyPerMwh[t] });
  });
  return injection;
}

/**
 * Whole Wh of one period: injections as the operator projected them (so the posted point is inside the limits to
 * rounding), utility trades without dust; peers trade the difference. Its sum over those who can trade with one another
 * is not zero to the clearing's tolerance: whoever of them trades most with the utility (or else injects most) takes up
 * what is missing.
 */
function positionsOf(
  { market: { dt }, proposals: { operator, prosumers }, settings: { dustWh }, groups }: Draft,
  t: number,
): Positions {
  const injection = operator.injectionMw[t].map((p) => Math.round(p * dt * UNITS) + 0);
  const utility = prosumers.map(({ utilityMw }) => {
    const wh = Math.round(utilityMw[t] * dt * UNITS) + 0;
    return Math.abs(wh) <= dustWh ? 0 : wh;
  });
  for (const group of groups) {
    const missing = group.reduce((sum, i) => sum + injection[i] - utility[i], 0);
    let [balancer] = group;
    for (const i of group) {
      const [mine, best] = [Math.abs(utility[i]), Math.abs(utility[balancer])];
      if (mine > best || (mine === best && Math.abs(injection[i]) > Math.abs(injection[balancer]))) balancer = i;
    }
    utility[balancer] += missing;
  }
  return { injection, utility };
}

/**
 * Trades among peers, after which nobody loses by buying from the utility and selling to peers in one period, nor the
 * other way round: at clearing prices that gains nothing, and their noise may lose a little, which no mandate allows on
 * a net of zero. Changes `utility` in place; no injection moves. `price`: 1e-6 $/kWh between two; `tariff`: the
 * utility's.
 */
function transportWithoutLoss(
  { groups, places }: Draft,
  { injection, utility }: Positions,
  price: (seller: number, buyer: number) => number,
  tariff: { readonly buy: number; readonly sell: number },
): Shipment[] {
  for (;;) {
    const peers = injection.map((wh, i) => wh - utility[i]);
    const shipments = transportWithin(groups, peers, places);
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
    for (const i of losers) removeOpposing(peers, utility, i, groups.find((group) => group.includes(i)) ?? []);
  }
}

/**
 * Takes the smaller of two legs that oppose out of both; whoever trades most on the other side deals with the utility
 * instead, one of `group`.
 */
function removeOpposing(peers: number[], utility: number[], i: number, group: readonly number[]): void {
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
    for (const j of group) if (-side * peers[j] > Math.max(0, -side * peers[partner])) partner = j;
    const taken = Math.min(left, Math.abs(peers[partner]));
    move(partner, side * taken);
    left -= taken;
  }
}
