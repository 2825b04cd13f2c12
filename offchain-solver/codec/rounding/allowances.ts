import { DESK, SESSION_PERIOD, UNITS } from "../../market/result/clearingResult.ts";
import { roundToZeroSum, transportWithin } from "../transport.ts";
import { post, priceBetween, type Draft } from "./draft.ts";

/** Whole grams: what is agreed between pairs, netted, and what the desk makes up for. */
export function postAllowances(draft: Draft): void {
  const { market, agreed, places } = draft;
  if (!market.settings.carbon) return;
  const { carbon } = market.scenario;
  const sold = soldToPeers(draft);
  const net = sold.map(() => 0);
  for (const group of draft.groups) {
    const whole = roundToZeroSum(cancelDrift(group.map((i) => sold[i])));
    group.forEach((i, k) => (net[i] = whole[k]));
  }
  const desk = boughtFromDesk(draft, net);
  for (const group of draft.groups) removeBothSides(net, desk, group);
  const between = priceBetween(draft, (k) => agreed.carbonPrice[k]);
  const line = { product: "carbon", period: SESSION_PERIOD } as const;
  for (const { seller, buyer, quantity } of transportWithin(draft.groups, net, places))
    post(draft, { ...line, seller, buyer, quantity, price: between(seller, buyer) });
  desk.forEach((bought, i) => {
    post(draft, { ...line, seller: DESK, buyer: i, quantity: bought, price: carbon.deskBuyPerT });
    post(draft, { ...line, seller: i, buyer: DESK, quantity: -bought, price: carbon.deskSellPerT });
  });
}

/** [prosumer] g */
function soldToPeers({ market, agreed }: Draft): number[] {
  const sold = new Array<number>(market.prosumers.length).fill(0);
  market.pairs.forEach(([a, b], k) => {
    sold[a] += agreed.carbonT[k] * UNITS;
    sold[b] -= agreed.carbonT[k] * UNITS;
  });
  return sold;
}

/** [prosumer] g. A distributed clearing meets the allowance balance to its tolerance: the desk fills what is short. */
const boughtFromDesk = ({ market, proposals, settings }: Draft, net: readonly number[]): number[] =>
  proposals.prosumers.map(({ deskT, partsWithG }, i) => {
    const most = Math.min(Math.floor(market.allowanceT[i] * UNITS), partsWithG + Math.floor(settings.allowanceDustG));
    return Math.max(Math.round(deskT * UNITS), net[i] - most);
  });

/** Takes float dust (sums like 1e-9 Wh) off the largest amount, so that the sum is zero before rounding. */
function cancelDrift(amounts: number[]): number[] {
  const drift = amounts.reduce((a, b) => a + b, 0);
  let largest = 0;
  amounts.forEach((a, i) => {
    if (Math.abs(a) > Math.abs(amounts[largest])) largest = i;
  });
  return amounts.map((a, i) => (i === largest ? a - drift : a));
}

/**
 * Nobody of a group sells allowances to peers and buys them from the desk, nor the other way round: `net` (sold to
 * peers, sum zero) and `desk` (bought) lose what they share, in place, and peers on the other side deal with the desk.
 * What anybody holds in the end stays the same.
 */
function removeBothSides(net: number[], desk: number[], group: readonly number[]): void {
  const move = (i: number, grams: number): void => {
    net[i] += grams;
    desk[i] += grams;
  };
  for (const i of group) {
    if (net[i] * desk[i] <= 0) continue;
    const side = Math.sign(net[i]);
    let left = Math.min(Math.abs(net[i]), Math.abs(desk[i]));
    move(i, -side * left);
    for (const j of group) {
      if (left <= 0) break;
      const taken = Math.min(left, Math.max(0, -side * net[j]));
      move(j, side * taken);
      left -= taken;
    }
  }
}
