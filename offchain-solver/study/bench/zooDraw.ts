import type { Random } from "../../scenarios/prng.ts";

/** Draws by name over a seeded generator. What logarithms make is rounded: their last bits differ between engines. */
export type Draw = ReturnType<typeof drawer>;

export function drawer(random: Random) {
  const between = (low: number, high: number): number => Number((low + (high - low) * random()).toPrecision(6));
  const overDecades = (low: number, high: number): number =>
    Number((low * Math.exp(Math.log(high / low) * random())).toPrecision(4));
  return {
    random,
    between,
    /** Log-uniform. */
    overDecades,
    wholeOverDecades: (low: number, high: number): number =>
      Math.min(high, Math.max(low, Math.floor(overDecades(low, high + 1)))),
    chance: (probability: number): boolean => random() < probability,
    /** One of a list, as often as its weight says. */
    oneOf<T>(weighted: readonly (readonly [T, number])[]): T {
      let left = random() * weighted.reduce((sum, [, weight]) => sum + weight, 0);
      return (weighted.find(([, weight]) => (left -= weight) < 0) ?? weighted[weighted.length - 1])[0];
    },
  };
}
