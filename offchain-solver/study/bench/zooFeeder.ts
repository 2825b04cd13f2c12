import type { Feeder } from "../../grid/feeder.ts";
import { linDistFlow } from "../../grid/linDistFlow.ts";
import { topologyOf } from "../../grid/topology.ts";
import type { Draw } from "./zooDraw.ts";

/** How near the market comes to what the feeder carries. */
export type Limits = "tight" | "loose" | "none";

/** What stands behind one meter, MW: its peak load, and the most that its devices could move either way. */
export type Reach = { readonly loadMw: number; readonly reachMw: number };

export type ZooFeeder = {
  readonly feeder: Feeder;
  /** [prosumer] bus, and its share of the bus's load. */
  readonly places: readonly { readonly bus: number; readonly loadShare: number }[];
};

/** Of the way from 1 to the nearer voltage limit that everybody's reach together uses up; ratings over that reach. */
const USE = { tight: [0.6, 1.4], loose: [0.05, 0.25], none: [0.05, 0.1] } as const;
const RATING = { tight: [0.55, 1.2], loose: [2.5, 5], none: [1, 1] } as const;
const POWER_FACTOR_TANGENT = 0.33;

/** A radial feeder that suits who is there: chains, stars and trees, some buses shared, some empty. */
export function drawFeeder(draw: Draw, name: string, kv: number, limits: Limits, who: readonly Reach[]): ZooFeeder {
  const buses = placesOf(draw, who.length);
  const count = 1 + Math.max(...buses);
  const branches = branchesOf(draw, count, kv);
  const sum = (of: (reach: Reach) => number): number[] => {
    const total = new Array<number>(count).fill(0);
    buses.forEach((bus, i) => (total[bus] += of(who[i])));
    return total;
  };
  const loads = sum(({ loadMw }) => loadMw);
  const reaches = sum(({ reachMw }) => reachMw);
  const narrow = draw.oneOf([[0.1, 2] as const, [0.05, 1] as const]);
  const band = limits === "none" ? 0.3 : narrow;
  const baseMva = 1;
  const raw: Feeder = {
    name,
    source: "made up for a zoo of markets; no real feeder",
    baseMva,
    baseKv: kv,
    buses: loads.map((load, i) => ({
      bus: i + 1,
      loadMw: Number(load.toPrecision(9)),
      loadMvar: Number((load * POWER_FACTOR_TANGENT).toPrecision(9)),
      vMinPu: 1 - band,
      vMaxPu: 1 + band,
    })),
    branches: branches.map((branch) => ({ ...branch, ratingMva: null })),
  };
  return { feeder: scaled(draw, raw, reaches, band, limits), places: sharesOf(buses, loads, who) };
}

/** [prosumer] bus index, depth-first in the end because buses are numbered as they grow. */
function placesOf(draw: Draw, count: number): number[] {
  const crowding = draw.oneOf([[0, 2] as const, [0.3, 1] as const, [0.8, 1] as const]);
  let last = 0;
  return Array.from({ length: count }, () => {
    if (last === 0 || !draw.chance(crowding)) last += draw.chance(0.15) ? 2 : 1;
    return last;
  });
}

/** Branches of unequal length; a bus hangs on one of the last few, the fewer the longer the chains. */
function branchesOf(draw: Draw, count: number, kv: number): Feeder["branches"] {
  const back = draw.oneOf([[1, 1] as const, [4, 2] as const, [count, 1] as const]);
  // Cables at low voltage are resistive, lines at medium voltage about as reactive as resistive.
  const [low, high] = kv < 1 ? [0.1, 0.4] : [0.5, 1.3];
  const branches: Feeder["branches"] = [];
  for (let bus = 1; bus < count; bus++) {
    const from = Math.max(0, bus - 1 - Math.floor(draw.random() * back));
    const rPu = draw.between(0.2, 1);
    branches.push({ from: from + 1, to: bus + 1, rPu, xPu: rPu * draw.between(low, high), ratingMva: null });
  }
  return branches;
}

/** The feeder with impedances and ratings that leave the room that `limits` says. */
function scaled(draw: Draw, raw: Feeder, reaches: readonly number[], band: number, limits: Limits): Feeder {
  const topology = topologyOf(raw);
  const flow = linDistFlow(
    raw,
    topology,
    Float64Array.from(reaches, (mw) => -mw),
    Float64Array.from(reaches, (mw) => -mw * POWER_FACTOR_TANGENT),
  );
  const drop = 1 - flow.v.reduce((least, v) => Math.min(least, v), 1);
  const [least, most] = USE[limits];
  const wanted = 1 - band * draw.between(least, most);
  const scale = (1 - wanted * wanted) / drop;
  const [tight, wide] = RATING[limits];
  const rating = draw.between(tight, wide);
  const largest = Math.max(...reaches);
  return {
    ...raw,
    branches: raw.branches.map((branch, k) => ({
      ...branch,
      rPu: Number((branch.rPu * scale).toPrecision(6)),
      xPu: Number((branch.xPu * scale).toPrecision(6)),
      ratingMva:
        limits === "none"
          ? null
          : Number((rating * Math.max(0.1 * largest, Math.hypot(flow.flowMw[k], flow.flowMvar[k]))).toPrecision(6)),
    })),
  };
}

function sharesOf(buses: readonly number[], loads: readonly number[], who: readonly Reach[]): ZooFeeder["places"] {
  return buses.map((bus, i) => ({ bus: bus + 1, loadShare: loads[bus] > 0 ? who[i].loadMw / loads[bus] : 0 }));
}
