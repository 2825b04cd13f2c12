import type { Feeder } from "./feeder.ts";
import { meetingBus, rootDistance, type Topology } from "./topology.ts";

/** Places on something that has distances; finds nearest ones without writing all distances down. */
export type Places = {
  /** Between two places, p.u. */
  readonly distance: (a: number, b: number) => number;
  /** A set of places that shrinks. */
  readonly among: (members: readonly number[]) => Shrinking;
};

export type Shrinking = {
  /** The member nearest to a place, the smallest number at equal distance; -1 when none is left. */
  readonly nearest: (from: number) => number;
  readonly remove: (member: number) => void;
};

/** Places at buses of a feeder, given by bus index, with the electrical distances of `rootDistance`. */
export function placesOn(feeder: Feeder, topology: Topology, busOf: ArrayLike<number>): Places {
  const fromRoot = rootDistance(feeder, topology);
  return {
    distance: (a, b) => apart(fromRoot, busOf[a], busOf[b], meetingBus(topology, busOf[a], busOf[b])),
    among: (members) => shrinking(members, topology, fromRoot, busOf),
  };
}

const apart = (fromRoot: Float64Array, a: number, b: number, meeting: number): number =>
  fromRoot[a] + fromRoot[b] - 2 * fromRoot[meeting];

/**
 * A tournament over the members in depth-first order, the one nearest to the root winning. What hangs below a bus is a
 * stretch of that order, so the member nearest to a place is found among the winners below each bus on its way to the
 * root: a winner that really meets it further down is nearer than it looks there, and is found further down too.
 */
function shrinking(
  members: readonly number[],
  { position, end, parent }: Topology,
  fromRoot: Float64Array,
  busOf: ArrayLike<number>,
): Shrinking {
  const order = [...members].sort((a, b) => position[busOf[a]] - position[busOf[b]] || a - b);
  const seat = new Map(order.map((member, k) => [member, k]));
  let leaves = 1;
  while (leaves < order.length) leaves *= 2;
  const winner = new Int32Array(2 * leaves).fill(-1);
  const better = (a: number, b: number): number => {
    if (a < 0 || b < 0) return Math.max(a, b);
    const [da, db] = [fromRoot[busOf[a]], fromRoot[busOf[b]]];
    return da < db || (da === db && a < b) ? a : b;
  };
  order.forEach((member, k) => (winner[leaves + k] = member));
  for (let k = leaves - 1; k > 0; k--) winner[k] = better(winner[2 * k], winner[2 * k + 1]);

  /** Seat of the first member at or after a place of the depth-first order. */
  const seatAt = (place: number): number => {
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (position[busOf[order[middle]]] < place) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const best = (from: number, to: number): number => {
    let found = -1;
    for (let [low, high] = [from + leaves, to + leaves]; low < high; low >>= 1, high >>= 1) {
      if (low & 1) found = better(found, winner[low++]);
      if (high & 1) found = better(found, winner[--high]);
    }
    return found;
  };
  return {
    nearest(from) {
      let [found, least] = [-1, Infinity];
      for (let bus = busOf[from]; bus >= 0; bus = parent[bus]) {
        const member = best(seatAt(position[bus]), seatAt(end[bus]));
        if (member < 0) continue;
        const far = apart(fromRoot, busOf[from], busOf[member], bus);
        if (far < least || (far === least && member < found)) [found, least] = [member, far];
      }
      return found;
    },
    remove(member) {
      let k = leaves + (seat.get(member) as number);
      winner[k] = -1;
      for (k >>= 1; k > 0; k >>= 1) winner[k] = better(winner[2 * k], winner[2 * k + 1]);
    },
  };
}
