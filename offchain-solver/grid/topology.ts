import type { Feeder } from "./feeder.ts";

/** A feeder that is no tree pointing away from its first bus; names the feeder, the field and the value at fault. */
export class FeederError extends Error {
  override readonly name = "FeederError";
  readonly feeder: string;
  readonly field: string;
  readonly value: unknown;
  readonly reason: string;
  constructor(feeder: string, field: string, value: unknown, reason: string) {
    super(`feeder ${feeder}: ${field} = ${JSON.stringify(value)}: ${reason}`);
    this.feeder = feeder;
    this.field = field;
    this.value = value;
    this.reason = reason;
  }
}

/**
 * The tree behind a feeder, by bus index (row in `feeder.buses`, root = 0).
 *
 * `order` is the depth-first order (children by ascending bus number, so it does not depend on the order of the rows),
 * `position` its inverse. Everything at or below bus b is the slice order[position[b] .. end[b]): that is the
 * downstream set of the branch that feeds b.
 */
export interface Topology {
  readonly indexOfBus: ReadonlyMap<number, number>;
  /** [bus] index of the bus upstream, -1 at the root. */
  readonly parent: Int32Array;
  /** [bus] row in `feeder.branches` of the branch that feeds it, -1 at the root. */
  readonly branchTo: Int32Array;
  /** [branch] index of the bus it feeds. */
  readonly busOf: Int32Array;
  readonly order: Int32Array;
  readonly position: Int32Array;
  readonly end: Int32Array;
}

/**
 * Checks that the feeder is one tree whose branches point away from the first bus, and walks it. Throws FeederError.
 */
export function topologyOf(feeder: Feeder): Topology {
  const n = feeder.buses.length;
  const fail = (field: string, value: unknown, reason: string): never => {
    throw new FeederError(feeder.name, field, value, reason);
  };
  const indexOfBus = new Map<number, number>();
  feeder.buses.forEach((row, i) => {
    if (indexOfBus.has(row.bus)) fail(`buses[${i}].bus`, row.bus, "this bus number occurs twice");
    indexOfBus.set(row.bus, i);
  });

  // Union-find tells a cycle from a branch that merely points the wrong way.
  const group = Int32Array.from({ length: n }, (_, i) => i);
  const find = (i: number): number => {
    while (group[i] !== i) i = group[i] = group[group[i]];
    return i;
  };
  const neighbours: [bus: number, branch: number][][] = Array.from({ length: n }, () => []);
  feeder.branches.forEach((branch, k) => {
    const ends = (["from", "to"] as const).map(
      (side) => indexOfBus.get(branch[side]) ?? fail(`branches[${k}].${side}`, branch[side], "no bus has this number"),
    ) as [number, number];
    const [a, b] = [find(ends[0]), find(ends[1])];
    if (a === b)
      fail(`branches[${k}]`, [branch.from, branch.to], "this branch closes a cycle; the feeder must be radial");
    group[a] = b;
    neighbours[ends[0]].push([ends[1], k]);
    neighbours[ends[1]].push([ends[0], k]);
  });
  const lost = feeder.buses.findIndex((_, i) => find(i) !== find(0));
  if (lost >= 0) fail(`buses[${lost}].bus`, feeder.buses[lost].bus, "no path of branches leads here from the root");

  const parent = new Int32Array(n).fill(-1);
  const branchTo = new Int32Array(n).fill(-1);
  const busOf = new Int32Array(feeder.branches.length);
  const order = new Int32Array(n);
  const position = new Int32Array(n);
  const end = new Int32Array(n);
  const stack = [0];
  for (let visited = 0; stack.length > 0; visited++) {
    const bus = stack.pop()!;
    order[visited] = bus;
    position[bus] = visited;
    const children = neighbours[bus].filter(([, branch]) => branch !== branchTo[bus]);
    // The stack returns the last one pushed first, hence descending bus numbers.
    children.sort(([a], [b]) => feeder.buses[b].bus - feeder.buses[a].bus);
    for (const [child, k] of children) {
      const { from, to } = feeder.branches[k];
      if (indexOfBus.get(to) !== child) fail(`branches[${k}]`, [from, to], "this branch points towards the root");
      parent[child] = bus;
      branchTo[child] = k;
      busOf[k] = child;
      stack.push(child);
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    const bus = order[i];
    end[bus] = Math.max(end[bus], i + 1);
    if (i > 0) end[parent[bus]] = Math.max(end[parent[bus]], end[bus]);
  }
  return { indexOfBus, parent, branchTo, busOf, order, position, end };
}

/** Indexes of the buses fed through the branch into `bus`, itself included, in depth-first order. */
export function downstream(topology: Topology, bus: number): Int32Array {
  return topology.order.subarray(topology.position[bus], topology.end[bus]);
}

/** Index of the last bus that the paths root-a and root-b share. */
export function meetingBus(topology: Topology, a: number, b: number): number {
  const { position, end, parent } = topology;
  while (position[b] < position[a] || position[b] >= end[a]) a = parent[a];
  return a;
}

/**
 * Electrical distance of every bus from the root, p.u.: the sum of abs(r + jx) along its path. Two buses a, b meeting
 * at m are d[a] + d[b] - 2 d[m] apart. (Magnitude, not resistance: some feeders have branches without resistance.)
 */
export function rootDistance(feeder: Feeder, topology: Topology): Float64Array {
  const distance = new Float64Array(feeder.buses.length);
  for (const bus of topology.order.subarray(1)) {
    const { rPu, xPu } = feeder.branches[topology.branchTo[bus]];
    distance[bus] = distance[topology.parent[bus]] + Math.sqrt(rPu * rPu + xPu * xPu);
  }
  return distance;
}

/** Electrical distance between every two buses, p.u., row-major n x n by bus index. */
export function distanceMatrix(feeder: Feeder, topology: Topology): Float64Array {
  const n = feeder.buses.length;
  const fromRoot = rootDistance(feeder, topology);
  const matrix = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < a; b++) {
      const apart = fromRoot[a] + fromRoot[b] - 2 * fromRoot[meetingBus(topology, a, b)];
      matrix[a * n + b] = matrix[b * n + a] = apart;
    }
  }
  return matrix;
}
