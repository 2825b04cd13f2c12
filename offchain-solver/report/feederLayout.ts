/**
 * Where the buses of a feeder are drawn: depth runs to the right, every leaf has its own row, the longest path stays
 * straight.
 */
import type { Feeder } from "../grid/feeder.ts";
import type { Topology } from "../grid/topology.ts";
import { topologyOf } from "../grid/topology.ts";

export type FeederLayout = {
  readonly topology: Topology;
  /** By bus index: columns (hops from the root) and rows, from 0. No two buses share a place. */
  readonly column: readonly number[];
  readonly row: readonly number[];
  readonly columns: number;
  readonly rows: number;
};

export function layoutOf(feeder: Feeder): FeederLayout {
  const topology = topologyOf(feeder);
  const n = feeder.buses.length;
  const column = new Array<number>(n).fill(0);
  const row = new Array<number>(n).fill(0);
  const reach = new Array<number>(n).fill(0);
  const children: number[][] = Array.from({ length: n }, () => []);
  for (const bus of topology.order.subarray(1)) {
    children[topology.parent[bus]].push(bus);
    column[bus] = column[topology.parent[bus]] + 1;
  }
  for (const bus of topology.order.toReversed()) reach[bus] = 1 + Math.max(0, ...children[bus].map((c) => reach[c]));
  let rows = 0;
  const place = (bus: number): void => {
    row[bus] = rows;
    const [straight, ...others] = children[bus].toSorted((a, b) => reach[b] - reach[a]);
    if (straight === undefined) {
      rows++;
      return;
    }
    place(straight);
    // Every lateral starts on a new row below what is drawn already, so it drops beside its parent, where nothing
    // stands.
    for (const child of others) place(child);
  };
  place(0);
  return { topology, column, row, columns: Math.max(...column) + 1, rows };
}
