import { topologyOf, type Topology } from "../../grid/topology.ts";
import type { Market } from "../scenario/market.ts";

/**
 * cos and sin of k pi/6, k = 0..5: the facet normals of the 12-gon; its apothem over the circle's radius is cos(pi/12).
 */
const H = Math.sqrt(3) / 2;
export const FACET_COS = [1, H, 0.5, 0, -0.5, -H] as const;
export const FACET_SIN = [0, 0.5, H, 1, H, 0.5] as const;
const APOTHEM = (Math.sqrt(6) + Math.sqrt(2)) / 4;

/**
 * The two-sided network security constraints of one hour, the same in every hour (market-model section 4): squared
 * voltage of every bus but the root, and every pair of opposite facets of every rated branch.
 * Limits are numbered: voltage of bus b is b, facet pair k of branch l is buses + 6 l + k.
 */
export type Network = {
  readonly topology: Topology;
  readonly buses: number;
  readonly branches: number;
  readonly baseMva: number;
  readonly rPu: Float64Array;
  readonly xPu: Float64Array;
  /** Bus index of each prosumer. */
  readonly busOf: Int32Array;
  /**
   * [bus] which of the root's branches feeds it, numbered from 0 in the order of the root's children; -1 at the root.
   * The root's voltage is given, so no limit sees what is injected in another area.
   */
  readonly areaOf: Int32Array;
  /** [period] MW and Mvar by bus of those who take no part; empty where everybody does. */
  readonly standing: readonly BusInjections[];
  /** [limit] bounds; NaN where there is none (root, unrated branch). */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
};

/** MW and Mvar by bus. */
export type BusInjections = { readonly mw: Float64Array; readonly mvar: Float64Array };

/** Margins taken off the limits so that the AC sweep passes where LinDistFlow's error eats them. */
export type Tightening = { readonly voltagePu: number; readonly ratingShare: number };
export const NO_TIGHTENING: Tightening = { voltagePu: 0, ratingShare: 0 };

export function createNetwork(market: Market, tightening: Tightening = NO_TIGHTENING): Network {
  const { feeder } = market.scenario;
  const topology = topologyOf(feeder);
  const buses = feeder.buses.length;
  const branches = feeder.branches.length;
  const lower = new Float64Array(buses + 6 * branches).fill(NaN);
  const upper = new Float64Array(buses + 6 * branches).fill(NaN);
  feeder.buses.forEach((row, b) => {
    if (b === 0) return;
    const low = row.vMinPu + tightening.voltagePu;
    const high = row.vMaxPu - tightening.voltagePu;
    lower[b] = low * low;
    upper[b] = high * high;
  });
  feeder.branches.forEach((row, l) => {
    if (row.ratingMva === null) return;
    for (let k = 0; k < 6; k++) {
      upper[buses + 6 * l + k] = row.ratingMva * (1 - tightening.ratingShare) * APOTHEM;
      lower[buses + 6 * l + k] = -upper[buses + 6 * l + k];
    }
  });
  return {
    topology,
    buses,
    branches,
    baseMva: feeder.baseMva,
    rPu: Float64Array.from(feeder.branches, (row) => row.rPu),
    xPu: Float64Array.from(feeder.branches, (row) => row.xPu),
    busOf: Int32Array.from(market.prosumers, (p) => topology.indexOfBus.get(p.bus) as number),
    areaOf: areasOf(topology),
    standing: standingOf(market, topology),
    lower,
    upper,
  };
}

function standingOf({ scenario: { standing = [] }, hours }: Market, { indexOfBus }: Topology): BusInjections[] {
  if (standing.length === 0) return [];
  return Array.from({ length: hours }, (_, t) => {
    const [mw, mvar] = [new Float64Array(indexOfBus.size), new Float64Array(indexOfBus.size)];
    for (const one of standing) {
      const bus = indexOfBus.get(one.bus) as number;
      mw[bus] += one.mw[t];
      mvar[bus] += one.mvar[t];
    }
    return { mw, mvar };
  });
}

/** What is injected at each bus in a period, those who take no part included: MW, Mvar by member to by bus. */
export function busInjections(
  { standing, busOf, buses }: Network,
  hour: number,
  p: ArrayLike<number>,
  q: ArrayLike<number>,
): BusInjections {
  const now = standing[hour];
  const mw = now === undefined ? new Float64Array(buses) : now.mw.slice();
  const mvar = now === undefined ? new Float64Array(buses) : now.mvar.slice();
  for (let i = 0; i < busOf.length; i++) {
    mw[busOf[i]] += p[i];
    mvar[busOf[i]] += q[i];
  }
  return { mw, mvar };
}

/** What those who take no part move a limit's value by in a period, before anybody else injects. */
export function standingImage(network: Network, hour: number, limit: number): number {
  const now = network.standing[hour];
  if (now === undefined) return 0;
  const row = limitRow(
    network,
    limit,
    Int32Array.from({ length: network.buses }, (_, bus) => bus),
  );
  let sum = 0;
  for (let bus = 0; bus < network.buses; bus++) sum += row.p[bus] * now.mw[bus] + row.q[bus] * now.mvar[bus];
  return sum;
}

function areasOf({ order, parent }: Topology): Int32Array {
  const areaOf = new Int32Array(order.length).fill(-1);
  let areas = 0;
  for (const bus of order.subarray(1)) areaOf[bus] = parent[bus] === 0 ? areas++ : areaOf[parent[bus]];
  return areaOf;
}

/** The area that a limit is in. */
export function areaOfLimit(network: Network, limit: number): number {
  const { areaOf, buses, topology } = network;
  return areaOf[limit < buses ? limit : topology.busOf[Math.floor((limit - buses) / 6)]];
}

export function limitName(market: Market, network: Network, limit: number): string {
  const { feeder } = market.scenario;
  if (limit < network.buses) return `voltage of bus ${feeder.buses[limit].bus}`;
  const branch = feeder.branches[Math.floor((limit - network.buses) / 6)];
  return `line ${branch.from}-${branch.to} facet ${(limit - network.buses) % 6}`;
}

/**
 * One limit as a linear map of prosumers' injections: value = offset + p'P + q'Q (MW, Mvar), and p'xi for the errors.
 */
export type LimitRow = { readonly offset: number; readonly p: Float64Array; readonly q: Float64Array };

/** The row over all prosumers, or over those at `busOf` only; whoever is left out must be outside the limit's area. */
export function limitRow(network: Network, limit: number, busOf: Int32Array = network.busOf): LimitRow {
  const { topology } = network;
  const n = busOf.length;
  const p = new Float64Array(n);
  const q = new Float64Array(n);
  const below = (bus: number, i: number): boolean =>
    topology.position[busOf[i]] >= topology.position[bus] && topology.position[busOf[i]] < topology.end[bus];
  if (limit < network.buses) {
    // v_n = 1 + (2 / base) sum over branches on the path of r, x times the injections below the branch.
    for (let bus = limit; topology.parent[bus] >= 0; bus = topology.parent[bus]) {
      const l = topology.branchTo[bus];
      for (let i = 0; i < n; i++)
        if (below(bus, i)) {
          p[i] += (2 * network.rPu[l]) / network.baseMva;
          q[i] += (2 * network.xPu[l]) / network.baseMva;
        }
    }
    return { offset: 1, p, q };
  }
  const l = Math.floor((limit - network.buses) / 6);
  const k = (limit - network.buses) % 6;
  for (let i = 0; i < n; i++)
    if (below(topology.busOf[l], i)) {
      p[i] = -FACET_COS[k];
      q[i] = -FACET_SIN[k];
    }
  return { offset: 0, p, q };
}

/**
 * Flows f = -(sum of what is injected downstream), by branch; `flow` and `below` (buses) are overwritten where given.
 * `standing`: by bus, of those who take no part.
 */
export function branchFlows(
  network: Network,
  injection: ArrayLike<number>,
  flow = new Float64Array(network.branches),
  below = new Float64Array(network.buses),
  standing?: Float64Array,
): Float64Array {
  const { busOf, buses } = network;
  const { order, parent, branchTo } = network.topology;
  if (standing === undefined) below.fill(0);
  else below.set(standing);
  for (let i = 0; i < busOf.length; i++) below[busOf[i]] += injection[i];
  for (let k = buses - 1; k > 0; k--) {
    const bus = order[k];
    const sum = below[bus];
    below[parent[bus]] += sum;
    flow[branchTo[bus]] = -sum;
  }
  return flow;
}

/** LinDistFlow squared voltages by bus for given flows, root 1; `v` is overwritten where given. */
export function squaredVoltages(
  network: Network,
  flowMw: ArrayLike<number>,
  flowMvar: ArrayLike<number>,
  v = new Float64Array(network.buses),
): Float64Array {
  const { rPu, xPu, baseMva, buses } = network;
  const { order, parent, branchTo } = network.topology;
  v[0] = 1;
  for (let k = 1; k < buses; k++) {
    const bus = order[k];
    const l = branchTo[bus];
    v[bus] = v[parent[bus]] - (2 * (rPu[l] * flowMw[l] + xPu[l] * flowMvar[l])) / baseMva;
  }
  return v;
}

export type HourPoint = {
  readonly p: ArrayLike<number>;
  readonly q: ArrayLike<number>;
  /** MW of each share slot of the hour. */
  readonly shares: ArrayLike<number>;
};

export function riskLevel(market: Market, hour: number) {
  const { risk, epsilon, radii } = market.settings;
  return {
    method: risk,
    epsilon,
    halfWidth: market.halfWidth[hour],
    meanRadius: radii ? market.scenario.risk.meanRadius[hour] : 0,
    stdRadius: radii ? market.scenario.risk.stdRadius[hour] : 0,
  };
}
