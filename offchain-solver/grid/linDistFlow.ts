import type { Feeder } from "./feeder.ts";
import type { Topology } from "./topology.ts";

/**
 * Squared voltages [bus], p.u.; flows [branch] away from the root, MW and Mvar (Baran and Wu 1989, losses neglected).
 */
export interface LinearFlow {
  readonly v: Float64Array;
  readonly flowMw: Float64Array;
  readonly flowMvar: Float64Array;
}

/** Injections [bus] that stand for the feeder's own base loads: minus the load. MW and Mvar, by bus index. */
export function baseInjections(feeder: Feeder): { pMw: Float64Array; qMvar: Float64Array } {
  return {
    pMw: Float64Array.from(feeder.buses, ({ loadMw }) => -loadMw),
    qMvar: Float64Array.from(feeder.buses, ({ loadMvar }) => -loadMvar),
  };
}

/**
 * LinDistFlow: the flow of a branch is minus the injections downstream of it, and v falls along a branch by
 * 2 (r p + x q). Injections MW and Mvar by bus index; the root's own does not matter, its voltage is 1.
 */
export function linDistFlow(
  feeder: Feeder,
  topology: Topology,
  pMw: ArrayLike<number>,
  qMvar: ArrayLike<number>,
): LinearFlow {
  const { order, parent, branchTo } = topology;
  const n = feeder.buses.length;
  const v = new Float64Array(n).fill(1);
  const flowMw = new Float64Array(n - 1);
  const flowMvar = new Float64Array(n - 1);
  for (let i = n - 1; i > 0; i--) {
    const bus = order[i];
    const branch = branchTo[bus];
    flowMw[branch] -= pMw[bus];
    flowMvar[branch] -= qMvar[bus];
    const above = branchTo[parent[bus]];
    if (above < 0) continue;
    flowMw[above] += flowMw[branch];
    flowMvar[above] += flowMvar[branch];
  }
  for (let i = 1; i < n; i++) {
    const bus = order[i];
    const branch = branchTo[bus];
    const { rPu, xPu } = feeder.branches[branch];
    v[bus] = v[parent[bus]] - (2 * (rPu * flowMw[branch] + xPu * flowMvar[branch])) / feeder.baseMva;
  }
  return { v, flowMw, flowMvar };
}

/**
 * One row of the sensitivities of squared voltage: dv[bus]/dP[k] and dv[bus]/dQ[k], p.u. per MW and Mvar injected at
 * bus index k. It is twice the resistance (reactance) that the paths root-bus and root-k share; v = 1 + row_p P + row_q
 * Q.
 */
export function voltageSensitivity(
  feeder: Feeder,
  topology: Topology,
  bus: number,
): { perMw: Float64Array; perMvar: Float64Array } {
  const { order, position, end, parent, branchTo } = topology;
  const perMw = new Float64Array(feeder.buses.length);
  const perMvar = new Float64Array(feeder.buses.length);
  const path: number[] = [];
  for (let at = bus; parent[at] >= 0; at = parent[at]) path.push(at);
  let [r, x] = [0, 0];
  for (let step = path.length - 1; step >= 0; step--) {
    const at = path[step];
    const { rPu, xPu } = feeder.branches[branchTo[at]];
    r += (2 * rPu) / feeder.baseMva;
    x += (2 * xPu) / feeder.baseMva;
    // Everything below this bus shares at least this much; deeper steps overwrite what shares more.
    for (let i = position[at]; i < end[at]; i++) {
      perMw[order[i]] = r;
      perMvar[order[i]] = x;
    }
  }
  return { perMw, perMvar };
}

/**
 * A rating where a source gives none: 1.25 x the base-load LinDistFlow flow, rounded up to 0.01, at least `leastMva`.
 */
export function defaultRatings(feeder: Feeder, topology: Topology, leastMva = 0.3): number[] {
  const { pMw, qMvar } = baseInjections(feeder);
  const { flowMw, flowMvar } = linDistFlow(feeder, topology, pMw, qMvar);
  return Array.from(flowMw, (p, k) => {
    // The slack keeps a flow of exactly 1 from becoming 1.26 by its last bits.
    const apparent = Math.sqrt(p * p + flowMvar[k] * flowMvar[k]);
    return Math.max(leastMva, Math.ceil(125 * apparent - 1e-4) / 100);
  });
}
