import type { Market } from "./market.ts";

/**
 * Prosumer indices of every part of the trade graph, ascending, in the order of their first: whoever reaches another by
 * pairs that may trade is in one part with it. Money and energy of peers stay within a part, and it has its own price.
 */
export function tradingGroups({ pairs, prosumers }: Pick<Market, "pairs" | "prosumers">): number[][] {
  const above = prosumers.map((_, i) => i);
  const rootOf = (i: number): number => (above[i] === i ? i : (above[i] = rootOf(above[i])));
  for (const [a, b] of pairs) {
    const [one, other] = [rootOf(a), rootOf(b)];
    above[Math.max(one, other)] = Math.min(one, other);
  }
  const groups = new Map<number, number[]>();
  prosumers.forEach((_, i) => groups.set(rootOf(i), [...(groups.get(rootOf(i)) ?? []), i]));
  return [...groups.values()];
}
