import type { Market } from "../scenario/market.ts";
import {
  branchFlows,
  type BusInjections,
  FACET_COS,
  FACET_SIN,
  riskLevel,
  squaredVoltages,
  type HourPoint,
  type Network,
} from "../formulation/network.ts";
import { requiredHalfWidth } from "../risk/tsDrcc.ts";

/** Measures points of one hour; the array that it returns is its own and holds until the next call. */
export type Meter = (point: HourPoint) => Float64Array;

/**
 * How far every limit of one hour is from its bound, as excess half width (> 0: violated), in p.u.^2 or MVA; NaN = no
 * limit. One walk down the tree: linear in buses, shares and rows of the error factor.
 */
export function excess(market: Market, network: Network, hour: number, point: HourPoint): Float64Array {
  return createMeter(market, network, hour)(point);
}

/** The same for many points of one hour: what they have in common is laid out once. */
export function createMeter(market: Market, network: Network, hour: number): Meter {
  const { buses, branches, lower, upper } = network;
  const standing = network.standing[hour] as BusInjections | undefined;
  const level = riskLevel(market, hour);
  const risky = market.settings.networkRisk;
  const sized = risky && (level.meanRadius > 0 || level.stdRadius > 0);
  const deviation = risky ? createSpread(market, network, hour, "factor") : undefined;
  const size = sized ? createSpread(market, network, hour, "coefficient") : undefined;
  const none: Spread = { flow: new Float64Array(branches), voltage: new Float64Array(buses) };
  const half = upper.map((high, limit) => (high - lower[limit]) / 2);
  const middle = upper.map((high, limit) => (high + lower[limit]) / 2);
  const out = new Float64Array(lower.length).fill(NaN);
  const [flowP, flowQ] = [new Float64Array(branches), new Float64Array(branches)];
  const [v, below] = [new Float64Array(buses), new Float64Array(buses)];
  return (point) => {
    branchFlows(network, point.p, flowP, below, standing?.mw);
    branchFlows(network, point.q, flowQ, below, standing?.mvar);
    squaredVoltages(network, flowP, flowQ, v);
    const { flow, voltage } = deviation?.(point.shares) ?? none;
    const { flow: flowSize, voltage: voltageSize } = size?.(point.shares) ?? none;
    const measure = (limit: number, value: number, s: number, length: number): void => {
      const m = Math.abs(value - middle[limit]) + level.meanRadius * length;
      out[limit] = requiredHalfWidth(m, s + level.stdRadius * length, level) - half[limit];
    };
    for (let b = 1; b < buses; b++)
      if (half[b] === half[b]) measure(b, v[b], Math.sqrt(voltage[b]), Math.sqrt(voltageSize[b]));
    for (let l = 0; l < branches; l++) {
      const first = buses + 6 * l;
      if (!(half[first] === half[first])) continue;
      const s = Math.sqrt(flow[l]);
      const length = Math.sqrt(flowSize[l]);
      for (let k = 0; k < 6; k++) {
        const cos = Math.abs(FACET_COS[k]);
        measure(first + k, FACET_COS[k] * flowP[l] + FACET_SIN[k] * flowQ[l], cos * s, cos * length);
      }
    }
    return out;
  };
}

/** Squared norms of what is uncertain in every branch's flow and every bus's squared voltage. */
type Spread = { readonly flow: Float64Array; readonly voltage: Float64Array };

/** `factor`: over the rows of the error factor; `coefficient`: over the coefficients on each prosumer's error. */
function createSpread(market: Market, network: Network, hour: number, what: "factor" | "coefficient") {
  const { topology, busOf, buses, branches, rPu, baseMva } = network;
  const { order, parent, branchTo } = topology;
  const error = market.error[hour];
  const slots = market.shares[hour];
  const uncertain = market.prosumers.map((_, i) => i).filter((i) => error[i].length > 0);
  const rows = what === "factor" ? (uncertain.length > 0 ? error[uncertain[0]].length : 0) : uncertain.length;
  const columnOf = new Map(uncertain.map((i, row) => [i, row]));
  const columns = error.map((column, i): Float64Array => {
    if (what === "factor" || column.length === 0) return column;
    const unit = new Float64Array(rows);
    unit[columnOf.get(i) as number] = 1;
    return unit;
  });
  const answered = slots.map(({ buyer }) => columns[buyer]);
  const sellerAt = Int32Array.from(slots, ({ seller }) => busOf[seller] * rows);
  const fullMw = Float64Array.from(slots, ({ buyer }) => market.halfWidth[hour] * market.sigma[hour][buyer]);
  // What nobody answers is the same for every point.
  const alone = new Float64Array(buses * rows);
  for (const j of uncertain) for (let row = 0; row < rows; row++) alone[busOf[j] * rows + row] += columns[j][row];
  const below = new Float64Array(buses * rows);
  const above = new Float64Array(buses * rows);
  const flow = new Float64Array(branches);
  const voltage = new Float64Array(buses);
  return (shares: ArrayLike<number>): Spread => {
    below.set(alone);
    for (let k = 0; k < fullMw.length; k++) {
      const alpha = shares[k] / fullMw[k];
      const column = answered[k];
      const at = sellerAt[k];
      for (let row = 0; row < rows; row++) below[at + row] -= alpha * column[row];
    }
    for (let k = buses - 1; k > 0; k--) {
      const bus = order[k];
      const at = bus * rows;
      const up = parent[bus] * rows;
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        const value = below[at + row];
        below[up + row] += value;
        sum += value * value;
      }
      flow[branchTo[bus]] = sum;
    }
    for (let k = 1; k < buses; k++) {
      const bus = order[k];
      const at = bus * rows;
      const up = parent[bus] * rows;
      const r = 2 * rPu[branchTo[bus]];
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        const value = above[up + row] + (r * below[at + row]) / baseMva;
        above[at + row] = value;
        sum += value * value;
      }
      voltage[bus] = sum;
    }
    return { flow, voltage };
  };
}
