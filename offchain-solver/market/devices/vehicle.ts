import * as z from "zod";
import type { Terms } from "../../numerics/conicModel.ts";
import { nonnegative, SMALLEST } from "../../grid/feeder.ts";
import type { Hour } from "../formulation/hour.ts";
import type { Fault } from "../scenario/scenarioFaults.ts";
import { HAIR, type Device, type Span, type Stretch } from "./device.ts";

/**
 * An electric vehicle's charger. What the car has to hold by when it leaves, and may hold while it stands there, is a
 * band for all that it was charged with since the session began: a stay of 20 kWh until period 28 raises `mostMwh` when
 * the car comes and `leastMwh` in period 27, and of a stay that goes on after the session `leastMwh` is what could not
 * be made up for later. One way: it feeds nothing back. It sells no reserve.
 */
const VehicleSchema = z.strictObject({
  /** Most that the charger draws, by period; 0 while there is no car. */
  powerMw: z.array(nonnegative),
  /** Of the energy drawn, what the car's battery gets. */
  efficiency: z.number().positive().min(SMALLEST).max(1),
  /** In the car's battery, charged since the start, at the end of each period: at least, and at most. Ascending. */
  leastMwh: z.array(nonnegative),
  mostMwh: z.array(nonnegative),
});

type Vehicle = z.infer<typeof VehicleSchema>;

export const vehicle: Device<typeof VehicleSchema, "vehicle" | "charged", "vehicleMw" | "chargedMwh"> = {
  schema: VehicleSchema,
  dimensions: { powerMw: "power", leastMwh: "energy", mostMwh: "energy" },
  courses: { powerMw: "held", leastMwh: "reached", mostMwh: "held" },
  hourly: ["vehicle", "charged"],
  plan: {
    vehicleMw: { variable: "vehicle", unit: "mw", positive: true },
    chargedMwh: { variable: "charged", unit: "mwh", fromStart: true },
  },
  add,
  rating: ({ powerMw }) => {
    const most = Math.max(0, ...powerMw);
    return { sizeMw: most, drawsMw: most, feedsMw: 0 };
  },
  faults,
  flows: (_, { vehicleMw }, t) => [["vehicles", -vehicleMw[t]]],
  unplannedMw,
  picture: ({ leastMwh, mostMwh }, { chargedMwh }) => ({
    title: "Your car",
    colour: "vehicle",
    unit: "energy",
    label: "charged since the day began",
    line: Array.from(chargedMwh),
    low: leastMwh,
    high: mostMwh,
    start: 0,
    limits: "what it needs when it leaves, and what it can take while it is there",
  }),
  // What the car that is still there lacks.
  after: ({ mostMwh }, { chargedMwh }) => {
    const last = mostMwh.length - 1;
    return Math.max(0, mostMwh[last] - chargedMwh[last]);
  },
  between,
};

/** What is charged never falls, so a bound is only written where the next one does not imply it. */
function add({ model, market, variables: v, injection, t }: Hour, part: Vehicle): void {
  const { powerMw, leastMwh, mostMwh, efficiency } = part;
  const before = t === 0 ? -1 : v.charged[t - 1];
  const stood: Terms = before < 0 ? [] : [[before, -1]];
  v.charged[t] = before;
  if (powerMw[t] === 0) return;
  const power = (v.vehicle[t] = model.bounded(0, powerMw[t]));
  const charged = (v.charged[t] = model.add());
  injection.push([power, -1]);
  model.equal([[charged, 1], [power, -efficiency * market.dt], ...stood], 0);
  const until = powerMw.findIndex((mw, k) => k > t && mw > 0);
  if (leastMwh[t] === mostMwh[t]) {
    model.equal([[charged, 1]], mostMwh[t]);
    return;
  }
  if (leastMwh[t] > (leastMwh[t - 1] ?? 0)) model.lessEqual([[charged, -1]], -leastMwh[t]);
  if (until < 0 || mostMwh[until] > mostMwh[t]) model.lessEqual([[charged, 1]], mostMwh[t]);
}

/** The same band for what is charged from then on; by the end it has what the plan gave it by then. */
function between(
  { powerMw, leastMwh, mostMwh }: Vehicle,
  { chargedMwh }: { readonly chargedMwh: ArrayLike<number> },
  { from, to }: Stretch,
): Partial<Vehicle> {
  const before = from === 0 ? 0 : chargedMwh[from - 1];
  const left = (series: readonly number[]): number[] => series.slice(from, to).map((mwh) => Math.max(0, mwh - before));
  const [least, most] = [left(leastMwh), left(mostMwh)];
  const charger = powerMw.slice(from, to);
  if (to === chargedMwh.length || charger.every((mw) => mw === 0)) return { leastMwh: least, mostMwh: most };
  const last = charger.findLastIndex((mw) => mw > 0);
  const planned = Math.min(most[last], (1 - HAIR) * Math.max(0, chargedMwh[to - 1] - before));
  return { leastMwh: least.map((mwh, t) => (t < last ? mwh : Math.max(mwh, planned))), mostMwh: most };
}

/** Goes through the periods with the least and the most that can have been charged; a hair is rounding. */
function faults({ powerMw, efficiency, leastMwh, mostMwh }: Vehicle, { dt }: Span): Fault[] {
  let [low, high] = [0, 0];
  for (let t = 0; t < powerMw.length; t++) {
    if (leastMwh[t] > mostMwh[t])
      return [{ field: `leastMwh[${t}]`, value: leastMwh[t], reason: `is above mostMwh[${t}] = ${mostMwh[t]}` }];
    for (const [field, series] of Object.entries({ leastMwh, mostMwh }))
      if (series[t] < (series[t - 1] ?? 0))
        return [{ field: `${field}[${t}]`, value: series[t], reason: `is below the one before, ${series[t - 1]}` }];
    if (powerMw[t] === 0 && leastMwh[t] > (leastMwh[t - 1] ?? 0))
      return [{ field: `leastMwh[${t}]`, value: leastMwh[t], reason: "rises while there is no car" }];
    low = Math.max(low, leastMwh[t]);
    high = Math.min(high + efficiency * powerMw[t] * dt, mostMwh[t]);
    if (low > high * (1 + 1e-9)) {
      const reason = `cannot be reached: ${Number(high.toPrecision(6))} at full power`;
      return [{ field: `leastMwh[${t}]`, value: leastMwh[t], reason }];
    }
  }
  return [];
}

/**
 * A charger that nobody plans: full power from when the car comes until it has what the plan gives it in that stay, or,
 * with no plan, is full.
 */
function unplannedMw(
  { powerMw, efficiency, mostMwh }: Vehicle,
  { dt }: Span,
  plan?: { readonly vehicleMw: ArrayLike<number> },
): number[] {
  let [left, chargedMwh] = [0, 0];
  return powerMw.map((most, t) => {
    if (most > 0 && !(powerMw[t - 1] > 0)) left = plan === undefined ? Infinity : planned(powerMw, plan.vehicleMw, t);
    const room = plan === undefined ? (mostMwh[t] - chargedMwh) / (efficiency * dt) : Infinity;
    const mw = Math.max(0, Math.min(most, left, room));
    left -= mw;
    chargedMwh += efficiency * dt * mw;
    return -mw;
  });
}

/** MW, added up over the periods of the stay that begins in period `from`. */
function planned(powerMw: readonly number[], vehicleMw: ArrayLike<number>, from: number): number {
  let sum = 0;
  for (let k = from; k < powerMw.length && powerMw[k] > 0; k++) sum += vehicleMw[k];
  return sum;
}
