/**
 * Deals items of given weight out to hands so that the heaviest hand is light: heaviest first, each to the lightest
 * hand so far. Ties go to the lower number. Returns [hand] items, ascending; no hand is empty while there are items
 * enough.
 */
export function deal(weights: readonly number[], hands: number): number[][] {
  const dealt: number[][] = Array.from({ length: hands }, () => []);
  const load = new Float64Array(hands);
  const order = weights.map((_, k) => k).sort((a, b) => weights[b] - weights[a] || a - b);
  for (const item of order) {
    let lightest = 0;
    for (let h = 1; h < hands; h++) if (load[h] < load[lightest]) lightest = h;
    dealt[lightest].push(item);
    load[lightest] += weights[item];
  }
  return dealt.map((items) => items.sort((a, b) => a - b));
}
