import type { Places } from "../grid/places.ts";

/**
 * Whole numbers for amounts that must add up to zero: rounds down, then gives the units that are missing to the largest
 * remainders (ties to the lower index). No amount moves by a unit or more.
 */
export function roundToZeroSum(amounts: readonly number[]): number[] {
  const floors = amounts.map(Math.floor);
  const missing = -floors.reduce((a, b) => a + b, 0);
  const order = amounts
    .map((amount, i) => ({ i, rest: amount - floors[i] }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  if (missing < 0 || missing > amounts.length)
    throw new RangeError(`amounts add up to ${amounts.reduce((a, b) => a + b, 0)}, not to zero`);
  for (let k = 0; k < missing; k++) floors[order[k].i]++;
  return floors;
}

export type Shipment = { readonly seller: number; readonly buyer: number; readonly quantity: number };

/**
 * One-way transport of net sales (> 0 sells, < 0 buys, sum zero), nearest pair first (then by seller, by buyer): at
 * most sellers + buyers - 1 shipments, in that order. The distance breaks no position: it only says who serves whom.
 *
 * Two that are each other's nearest come before any pair that either could still be in, so they may be served at once:
 * whoever goes from a seller to its nearest buyer, to that one's nearest seller and so on, arrives at such a pair.
 */
export function transport(net: readonly number[], { distance, among }: Places): Shipment[] {
  const left = [...net];
  const sellers = among(net.flatMap((s, i) => (s > 0 ? [i] : [])));
  const buyers = among(net.flatMap((s, i) => (s < 0 ? [i] : [])));
  const route = (seller: number, buyer: number) => ({ seller, buyer, far: distance(seller, buyer) });
  const shipments: (Shipment & { far: number })[] = [];
  for (let first = 0; first < net.length; first++)
    while (left[first] > 0) {
      let best = route(first, buyers.nearest(first));
      for (;;) {
        const other = route(sellers.nearest(best.buyer), best.buyer);
        if (byDistance(other, best) >= 0) break;
        best = other;
        const onward = route(best.seller, buyers.nearest(best.seller));
        if (byDistance(onward, best) >= 0) break;
        best = onward;
      }
      const { seller, buyer } = best;
      const quantity = Math.min(left[seller], -left[buyer]);
      left[seller] -= quantity;
      left[buyer] += quantity;
      if (left[seller] === 0) sellers.remove(seller);
      if (left[buyer] === 0) buyers.remove(buyer);
      shipments.push({ ...best, quantity });
    }
  return shipments.sort(byDistance).map(({ seller, buyer, quantity }) => ({ seller, buyer, quantity }));
}

/** The same within each of `groups`, whose net sales each add up to zero; nobody serves another group. */
export function transportWithin(
  groups: readonly (readonly number[])[],
  net: readonly number[],
  places: Places,
): Shipment[] {
  if (groups.length === 1) return transport(net, places);
  return groups.flatMap((group) => {
    const own = new Array<number>(net.length).fill(0);
    for (const i of group) own[i] = net[i];
    return transport(own, places);
  });
}

type Route = { readonly seller: number; readonly buyer: number; readonly far: number };
const byDistance = (a: Route, b: Route): number => a.far - b.far || a.seller - b.seller || a.buyer - b.buyer;
