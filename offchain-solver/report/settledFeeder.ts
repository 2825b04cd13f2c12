/**
 * The feeder of a settled session, period by period, from what was posted and frozen alone: what a page can show
 * without asking anybody for a schedule.
 */
import type { Payload } from "../codec/payload.ts";
import type { Terms } from "../codec/terms.ts";
import type { Witness } from "../codec/witness.ts";
import {
  branchFlows,
  createNetwork,
  FACET_COS,
  FACET_SIN,
  squaredVoltages,
  type BusInjections,
  type Network,
} from "../market/formulation/network.ts";
import { limitRows } from "../market/formulation/networkLimit.ts";
import { UNITS, type ClearingResult } from "../market/result/clearingResult.ts";
import { excess } from "../market/result/excess.ts";
import { positionsWh, reservePositions } from "../market/result/verify.ts";
import { sessionOf } from "../market/scenario/leaveOut.ts";
import { marketOf, type Market } from "../market/scenario/market.ts";

/** NaN: there is no such limit. Buses and branches in the feeder's order. */
export type FeederPeriod = {
  readonly voltagePu: Float64Array;
  /** What is left to the nearer limit after the room for forecast errors, p.u. */
  readonly voltageMarginPu: Float64Array;
  readonly flowMw: Float64Array;
  readonly flowMvar: Float64Array;
  /** Apparent power over rating. */
  readonly loading: Float64Array;
  /** Part of the rating that is left after the room for forecast errors. */
  readonly loadingMargin: Float64Array;
  /** Reserve that members answer errors with, kW, by area (a feeder's branch at the root). */
  readonly reserveKw: readonly number[];
  /** What the forecasts of the area's members may be wrong by, kW: what answers are sold for. */
  readonly errorKw: readonly number[];
};

/** A branch of the feeder at the root, and all behind it. */
export type Zone = { readonly name: string; readonly buses: number; readonly members: readonly number[] };

export type BindingLimit = {
  readonly period: number;
  readonly kind: "voltage" | "line";
  /** "bus 5", "line 4–5". */
  readonly name: string;
  /** What a little more room is worth: $/h for .01 p.u., or for a MVA. */
  readonly price: number;
  /** Whose injections press on it most: ids and their parts of the pressure. */
  readonly behind: readonly { readonly id: number; readonly part: number }[];
};

export type SettledFeeder = {
  readonly market: Market;
  readonly periods: readonly FeederPeriod[];
  readonly binding: readonly BindingLimit[];
  /** Ids of prosumers by bus index. */
  readonly membersAt: readonly (readonly number[])[];
  /** By area, as in `reserveKw`. */
  readonly zones: readonly Zone[];
};

/** How many of those behind a limit are named. */
const NAMED = 3;

export function settledFeeder(
  payload: Payload,
  session: { readonly start: bigint; readonly periodSeconds: number; readonly periods: number },
  { scenario, settings }: Terms,
  limits: Witness["limits"],
): SettledFeeder {
  const { participants, trades, reactiveVar } = payload;
  const { periodSeconds, periods } = session;
  const about = { sessionStart: Number(session.start), periodSeconds, periods };
  const result: ClearingResult = { ...about, participants, trades, reactiveVar };
  const market = marketOf(sessionOf(scenario, participants), settings);
  const network = createNetwork(market);
  const membersAt: number[][] = Array.from({ length: network.buses }, () => []);
  market.prosumers.forEach(({ id }, i) => membersAt[network.busOf[i]].push(id));
  const positions = positionsWh(result);
  const { shares } = reservePositions(market, result);
  const point = (t: number) => ({
    p: positions[t].map((wh) => wh / UNITS / market.dt),
    q: reactiveVar.map((row) => row[t] / UNITS),
    shares: Array.from(shares[t], (w) => w / UNITS),
  });
  return {
    market,
    membersAt,
    zones: zonesOf(market, network, membersAt),
    periods: Array.from({ length: periods }, (_, t) => periodOf(market, network, t, point(t))),
    binding: bindingOf(market, network, limits, point),
  };
}

function zonesOf(
  { scenario }: Market,
  { areaOf, topology }: Network,
  membersAt: readonly (readonly number[])[],
): Zone[] {
  return Array.from({ length: Math.max(0, ...areaOf) + 1 }, (_, area): Zone => {
    const buses = [...areaOf.keys()].filter((bus) => areaOf[bus] === area);
    const root = buses.find((bus) => topology.parent[bus] === 0) ?? 0;
    const first = scenario.feeder.buses[root].bus;
    return { name: `from bus ${first} on`, buses: buses.length, members: buses.flatMap((bus) => membersAt[bus]) };
  });
}

type Point = { readonly p: number[]; readonly q: number[]; readonly shares: number[] };

function periodOf(market: Market, network: Network, t: number, point: Point): FeederPeriod {
  const { buses, branches, areaOf, busOf } = network;
  const standing = network.standing[t] as BusInjections | undefined;
  const flowMw = branchFlows(network, point.p, undefined, undefined, standing?.mw);
  const flowMvar = branchFlows(network, point.q, undefined, undefined, standing?.mvar);
  const voltagePu = squaredVoltages(network, flowMw, flowMvar).map((square) => Math.sqrt(Math.max(0, square)));
  const gap = excess(market, network, t, point);
  const rating = market.scenario.feeder.branches.map(({ ratingMva }) => ratingMva ?? NaN);
  const facets = (l: number): number[] => [0, 1, 2, 3, 4, 5].map((k) => -gap[buses + 6 * l + k]);
  const reserveKw = new Array<number>(Math.max(0, ...areaOf) + 1).fill(0);
  market.shares[t].forEach(({ seller }, s) => {
    if (areaOf[busOf[seller]] >= 0) reserveKw[areaOf[busOf[seller]]] += 1e3 * point.shares[s];
  });
  const errorKw = reserveKw.map(() => 0);
  market.sigma[t].forEach((sigma, j) => {
    if (areaOf[busOf[j]] >= 0) errorKw[areaOf[busOf[j]]] += 1e3 * market.halfWidth[t] * sigma;
  });
  return {
    voltagePu,
    // A square's margin, over twice the value.
    voltageMarginPu: voltagePu.map((v, b) => (b === 0 ? NaN : -gap[b] / (2 * v))),
    flowMw,
    flowMvar,
    loading: flowMw.map((mw, l) => Math.sqrt(mw * mw + flowMvar[l] * flowMvar[l]) / rating[l]),
    loadingMargin: Float64Array.from({ length: branches }, (_, l) => Math.min(...facets(l)) / rating[l]),
    reserveKw,
    errorKw,
  };
}

/** A line's facets together are one limit. */
function bindingOf(
  market: Market,
  network: Network,
  limits: Witness["limits"],
  point: (t: number) => Point,
): BindingLimit[] {
  const { feeder } = market.scenario;
  const { buses } = network;
  const found = new Map<string, { period: number; limits: { limit: number; multiplier: number }[] }>();
  for (const { hour, limit, multiplier } of limits) {
    if (hour >= market.hours || !(network.upper[limit] > network.lower[limit])) continue;
    const place = limit < buses ? `v${limit}` : `l${Math.floor((limit - buses) / 6)}`;
    const one = found.get(`${hour} ${place}`) ?? { period: hour, limits: [] };
    one.limits.push({ limit, multiplier: multiplier[0] });
    found.set(`${hour} ${place}`, one);
  }
  return [...found.values()]
    .map((one): BindingLimit => {
      const [{ limit }] = one.limits;
      const behind = pressure(market, network, one, point(one.period).p);
      if (limit < buses) {
        const dollars = Math.abs(one.limits[0].multiplier) / market.dt;
        const name = `bus ${feeder.buses[limit].bus}`;
        return { period: one.period, kind: "voltage", name, price: 0.02 * dollars, behind };
      }
      const { from, to } = feeder.branches[Math.floor((limit - buses) / 6)];
      const sum = (facet: readonly number[]): number =>
        one.limits.reduce((all, { limit: at, multiplier }) => all + multiplier * facet[(at - buses) % 6], 0);
      const price = Math.sqrt(sum(FACET_COS) ** 2 + sum(FACET_SIN) ** 2) / market.dt;
      return { period: one.period, kind: "line", name: `line ${from}–${to}`, price, behind };
    })
    .filter(({ price }) => price > 0)
    .sort((a, b) => a.period - b.period || b.price - a.price);
}

/** Whoever pushes the limit's value towards its bound, largest first. */
function pressure(
  market: Market,
  network: Network,
  one: { readonly period: number; readonly limits: readonly { readonly limit: number; readonly multiplier: number }[] },
  p: readonly number[],
): BindingLimit["behind"] {
  const push = new Float64Array(p.length);
  for (const { limit, multiplier } of one.limits) {
    const [centre] = limitRows(market, network, one.period, limit).rows;
    p.forEach((mw, i) => (push[i] += multiplier * centre[i] * mw));
  }
  const all = push.reduce((sum, value) => sum + Math.max(0, value), 0);
  return [...push.entries()]
    .filter(([, value]) => value > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, NAMED)
    .map(([i, value]) => ({ id: market.prosumers[i].id, part: value / all }));
}
