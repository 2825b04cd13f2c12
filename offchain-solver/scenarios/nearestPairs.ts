import type { Feeder } from "../grid/feeder.ts";
import { topologyOf } from "../grid/topology.ts";

export type PairRules = {
  /** [place] */
  readonly wanted: readonly number[];
  /** [place] */
  readonly sells: readonly boolean[];
  readonly sellers: number;
  readonly most?: number | undefined;
};

/**
 * Trading pairs by electrical distance: every prosumer with its `wanted` nearest others, and with its `sellers` nearest
 * owners of something to sell. Walks outwards from each bus and stops when it has enough, so it suits feeders of any
 * size. Whoever has `most` partners already is passed over: without a bound a seller beside the substation would serve
 * every main. Returns ids (place + 1), smaller first, ascending.
 */
export function nearestPairs(
  feeder: Feeder,
  places: readonly { bus: number }[],
  { wanted, sells, sellers, most = Infinity }: PairRules,
): [number, number][] {
  const { indexOfBus, parent, branchTo } = topologyOf(feeder);
  const neighbours: [bus: number, length: number][][] = feeder.buses.map(() => []);
  feeder.buses.forEach((_, bus) => {
    if (parent[bus] < 0) return;
    const { rPu, xPu } = feeder.branches[branchTo[bus]];
    const length = Math.sqrt(rPu * rPu + xPu * xPu);
    neighbours[bus].push([parent[bus], length]);
    neighbours[parent[bus]].push([bus, length]);
  });
  const tenants: number[][] = feeder.buses.map(() => []);
  places.forEach(({ bus }, i) => tenants[indexOfBus.get(bus)!].push(i));

  const pairs = new Set<number>();
  const partnersOf = new Int32Array(places.length);
  const n = places.length;
  places.forEach(({ bus }, i) => {
    let [partners, reached] = [0, 0];
    const frontier: Step[] = [{ bus: indexOfBus.get(bus)!, from: -1, distance: 0 }];
    while (frontier.length > 0 && (partners < wanted[i] || reached < sellers)) {
      const step = takeNearest(frontier);
      for (const j of tenants[step.bus]) {
        if (j === i) continue;
        const key = Math.min(i, j) * n + Math.max(i, j);
        if (!pairs.has(key)) {
          if (partnersOf[j] >= most) continue;
          if (partners < wanted[i] || (sells[j] && reached < sellers)) {
            pairs.add(key);
            partnersOf[i]++;
            partnersOf[j]++;
          }
        }
        if (sells[j]) reached++;
        partners++;
      }
      for (const [next, length] of neighbours[step.bus]) {
        if (next !== step.from) frontier.push({ bus: next, from: step.bus, distance: step.distance + length });
      }
    }
  });
  return [...pairs].sort((a, b) => a - b).map((key) => [Math.floor(key / n) + 1, (key % n) + 1]);
}

type Step = { readonly bus: number; readonly from: number; readonly distance: number };

/**
 * Takes out the nearest step, the smaller bus index at equal distance, so that the outcome does not hang on the order
 * of pushing.
 */
function takeNearest(frontier: Step[]): Step {
  let best = 0;
  for (let k = 1; k < frontier.length; k++) {
    const [a, b] = [frontier[k], frontier[best]];
    if (a.distance < b.distance || (a.distance === b.distance && a.bus < b.bus)) best = k;
  }
  const [step] = frontier.splice(best, 1);
  return step;
}
