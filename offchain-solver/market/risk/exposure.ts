import { errorParts } from "../scenario/errorParts.ts";
import type { Market } from "../scenario/market.ts";
import {
  branchFlows,
  type BusInjections,
  FACET_COS,
  FACET_SIN,
  type Network,
  squaredVoltages,
} from "../formulation/network.ts";
import type { Solution } from "../result/solution.ts";

/**
 * Which two-sided constraint of an hour: a seller's booking, a bus' voltage, or one pair of opposite facets of a
 * branch.
 */
export type LimitId =
  | { readonly kind: "booking"; readonly prosumer: number }
  | { readonly kind: "voltage"; readonly bus: number }
  | { readonly kind: "line"; readonly from: number; readonly to: number; readonly facet: number };

/** One constraint lower <= centre + scale (mode'xi) <= upper at a cleared point; MW, MVA or squared p.u. */
export type Exposure = {
  readonly id: LimitId;
  readonly mode: number;
  readonly scale: number;
  readonly centre: number;
  readonly lower: number;
  readonly upper: number;
};

/**
 * One hour: what forecast errors xi do to it. Facets of a branch share its mode, so there are far fewer modes than
 * limits.
 */
export type HourExposure = {
  /** Prosumer index of each column of the modes: everybody whose forecast can err, answered or not. */
  readonly columns: readonly number[];
  /** [mode][column] per MW of error. */
  readonly modes: readonly Float64Array[];
  readonly limits: readonly Exposure[];
};

/**
 * Every two-sided constraint of one hour as an affine function of the forecast errors, whether or not the clearing held
 * it: bookings where shares were sold, voltages and facet pairs of `network` (market-model section 4). Errors that
 * nobody answers are picked up at the root, as the utility's shares are.
 */
export function exposureOf(market: Market, network: Network, solution: Solution, hour: number): HourExposure {
  const columns = market.prosumers.flatMap((p, i) => (errorParts(p).length > 0 ? [i] : []));
  const columnOf = new Map(columns.map((i, c) => [i, c]));
  const slots = market.shares[hour];
  const alpha = slots.map(
    ({ buyer }, s) => solution.shareMw[hour][s] / (market.halfWidth[hour] * market.sigma[hour][buyer]),
  );
  const modes: Float64Array[] = [];
  const limits: Exposure[] = [];

  const response = new Map<number, Float64Array>();
  slots.forEach(({ seller, buyer }, s) => {
    const mode = response.get(seller) ?? new Float64Array(columns.length);
    mode[columnOf.get(buyer) as number] -= alpha[s];
    response.set(seller, mode);
  });
  for (const [i, mode] of response) {
    const { reserveUpMw, reserveDownMw } = solution.schedules[i];
    limits.push({
      id: { kind: "booking", prosumer: market.prosumers[i].id },
      mode: modes.push(mode) - 1,
      scale: 1,
      centre: 0,
      lower: -reserveDownMw[hour],
      upper: reserveUpMw[hour],
    });
  }

  const { topology } = network;
  const flowOf = (values: ArrayLike<number>, standing: Float64Array | undefined): Float64Array =>
    branchFlows(network, values, undefined, undefined, standing);
  const standing = network.standing[hour] as BusInjections | undefined;
  const flowP = flowOf(
    solution.schedules.map((s) => s.pMw[hour]),
    standing?.mw,
  );
  const flowQ = flowOf(
    solution.schedules.map((s) => s.qMvar[hour]),
    standing?.mvar,
  );
  const v = squaredVoltages(network, flowP, flowQ);
  const { flow, voltage } = gridModes(network, columns, response);
  const { buses } = market.scenario.feeder;
  for (let bus = 1; bus < network.buses; bus++)
    limits.push({
      id: { kind: "voltage", bus: buses[bus].bus },
      mode: modes.push(voltage[bus]) - 1,
      scale: 1,
      centre: v[bus],
      lower: network.lower[bus],
      upper: network.upper[bus],
    });
  for (let l = 0; l < network.branches; l++) {
    const first = network.buses + 6 * l;
    if (Number.isNaN(network.upper[first])) continue;
    const mode = modes.push(flow[l]) - 1;
    const [to, from] = [topology.busOf[l], topology.parent[topology.busOf[l]]].map((b) => buses[b].bus);
    for (let facet = 0; facet < 6; facet++)
      limits.push({
        id: { kind: "line", from, to, facet },
        mode,
        scale: FACET_COS[facet],
        centre: FACET_COS[facet] * flowP[l] + FACET_SIN[facet] * flowQ[l],
        lower: network.lower[first + facet],
        upper: network.upper[first + facet],
      });
  }
  return { columns, modes, limits };
}

/** Flow of every branch and squared voltage of every bus per MW of each error, answers included. */
function gridModes(
  network: Network,
  columns: readonly number[],
  response: ReadonlyMap<number, Float64Array>,
): { flow: Float64Array[]; voltage: Float64Array[] } {
  const { topology } = network;
  const make = (count: number): Float64Array[] => Array.from({ length: count }, () => new Float64Array(columns.length));
  const [flow, voltage, below] = [make(network.branches), make(network.buses), make(network.buses)];
  columns.forEach((i, c) => (below[network.busOf[i]][c] += 1));
  for (const [i, mode] of response) mode.forEach((x, c) => (below[network.busOf[i]][c] += x));
  for (let k = network.buses - 1; k > 0; k--) {
    const bus = topology.order[k];
    below[bus].forEach((x, c) => {
      below[topology.parent[bus]][c] += x;
      flow[topology.branchTo[bus]][c] = -x;
    });
  }
  for (let k = 1; k < network.buses; k++) {
    const bus = topology.order[k];
    const l = topology.branchTo[bus];
    const factor = (2 * network.rPu[l]) / network.baseMva;
    voltage[topology.parent[bus]].forEach((x, c) => (voltage[bus][c] = x - factor * flow[l][c]));
  }
  return { flow, voltage };
}

/** "hour 12, line 3-4 facet 0" */
export function limitLabel(id: LimitId): string {
  if (id.kind === "booking") return `booking of prosumer ${id.prosumer}`;
  return id.kind === "voltage" ? `voltage of bus ${id.bus}` : `line ${id.from}-${id.to} facet ${id.facet}`;
}

/**
 * Offset from the middle of the band, standard deviation and half width of one constraint for errors with factor F (xi
 * = F'zeta).
 */
export function momentsOf(
  hour: HourExposure,
  limit: Exposure,
  factor: readonly Float64Array[],
): { readonly offset: number; readonly s: number; readonly T: number; readonly direction: Float64Array } {
  const mode = hour.modes[limit.mode];
  const direction = Float64Array.from(factor, (row) => limit.scale * row.reduce((sum, f, c) => sum + f * mode[c], 0));
  return {
    offset: limit.centre - (limit.upper + limit.lower) / 2,
    s: Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0)),
    T: (limit.upper - limit.lower) / 2,
    direction,
  };
}

/** 95 % Wilson interval of a probability of which `hits` of `draws` were seen. */
export function wilson(hits: number, draws: number): { probability: number; low: number; high: number } {
  const z2 = 1.959963984540054 * 1.959963984540054;
  const p = hits / draws;
  const middle = (p + z2 / (2 * draws)) / (1 + z2 / draws);
  const half = Math.sqrt(z2 * ((p * (1 - p)) / draws + z2 / (4 * draws * draws))) / (1 + z2 / draws);
  return {
    probability: p,
    low: hits === 0 ? 0 : Math.max(0, middle - half),
    high: hits === draws ? 1 : Math.min(1, middle + half),
  };
}
