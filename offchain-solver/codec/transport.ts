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
 * One-way transport of net sales (> 0 sells, < 0 buys, sum zero), nearest pair first: at most sellers + buyers - 1 shipments.
 * `distance` breaks no position: it only says who serves whom.
 */
export function transport(net: readonly number[], distance: (seller: number, buyer: number) => number): Shipment[] {
  const left = [...net];
  const sellers = net.flatMap((s, i) => (s > 0 ? [i] : []));
  const buyers = net.flatMap((s, i) => (s < 0 ? [i] : []));
  const routes = sellers.flatMap((seller) => buyers.map((buyer) => ({ seller, buyer, far: distance(seller, buyer) })));
  routes.sort((a, b) => a.far - b.far || a.seller - b.seller || a.buyer - b.buyer);
  const shipments: Shipment[] = [];
  for (const { seller, buyer } of routes) {
    const quantity = Math.min(left[seller], -left[buyer]);
    if (quantity <= 0) continue;
    left[seller] -= quantity;
    left[buyer] += quantity;
    shipments.push({ seller, buyer, quantity });
  }
  return shipments;
}
