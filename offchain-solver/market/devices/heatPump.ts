import * as z from "zod";
import type { Terms } from "../../numerics/conicModel.ts";
import { figure, nonnegative, positive } from "../../grid/feeder.ts";
import type { Hour } from "../formulation/hour.ts";
import type { Fault } from "../scenario/scenarioFaults.ts";
import { HAIR, type Device, type Span, type Stretch } from "./device.ts";

/**
 * A heat pump and what it heats: a tank or a house at one temperature, held in the band that is comfortable,
 * C (T_t - T_{t-1}) = (cop p - drawn - loss (T_t - around)) dt. It only heats, and sells no reserve.
 */
const HeatPumpSchema = z.strictObject({
  /** Electric. */
  powerMw: nonnegative,
  /** Heat a unit of electricity, by period. */
  cop: z.array(positive),
  /** C, and what is lost for each degree above what is around it. */
  storeMwhPerC: positive,
  lossMwPerC: nonnegative,
  aroundC: z.array(figure),
  /** Heat that is taken out: hot water. */
  drawnMw: z.array(nonnegative),
  lowC: figure,
  highC: figure,
  initialC: figure,
  /** As warm at the end of the session, at least, where full power can do that; absent: `initialC`. */
  finalC: figure.optional(),
});

type HeatPump = z.infer<typeof HeatPumpSchema>;

/**
 * What is in the store above `lowC`, MWh of heat: in a period it keeps 1/`keep` of what was there and of what came in.
 * `idle`: what comes in with the pump off, below zero where heat is lost at `lowC` already.
 */
type Store = {
  readonly keep: number;
  readonly room: number;
  readonly start: number;
  readonly end: number;
  readonly idle: (t: number) => number;
};

function storeOf(part: HeatPump, dt: number): Store {
  const { storeMwhPerC, lossMwPerC, aroundC, drawnMw, lowC, highC, initialC, finalC = initialC } = part;
  return {
    keep: 1 + (dt * lossMwPerC) / storeMwhPerC,
    room: storeMwhPerC * (highC - lowC),
    start: storeMwhPerC * (initialC - lowC),
    end: storeMwhPerC * (finalC - lowC),
    idle: (t) => -dt * (drawnMw[t] + lossMwPerC * (lowC - aroundC[t])),
  };
}

export const heatPump: Device<typeof HeatPumpSchema, "heatPump" | "heat", "heatPumpMw" | "heatMwh"> = {
  schema: HeatPumpSchema,
  dimensions: { powerMw: "power", storeMwhPerC: "energy", lossMwPerC: "power", drawnMw: "power" },
  courses: { cop: "held", aroundC: "straight", drawnMw: "straight" },
  hourly: ["heatPump", "heat"],
  plan: {
    heatPumpMw: { variable: "heatPump", unit: "mw", positive: true },
    // Above the comfort band's low end.
    heatMwh: { variable: "heat", unit: "mwh" },
  },
  add,
  rating: ({ powerMw }) => ({ sizeMw: powerMw, drawsMw: powerMw, feedsMw: 0 }),
  faults,
  flows: (_, { heatPumpMw }, t) => [["heat pumps", -heatPumpMw[t]]],
  unplannedMw,
  picture: ({ storeMwhPerC, lowC, highC, initialC }, { heatMwh }) => ({
    title: "Your heat pump",
    colour: "heatPump",
    unit: "temperature",
    label: "at the end of the period",
    line: Array.from(heatMwh, (mwh) => lowC + mwh / storeMwhPerC),
    low: Array.from(heatMwh, () => lowC),
    high: Array.from(heatMwh, () => highC),
    start: initialC,
    limits: "the band that you find comfortable",
  }),
  after: ({ storeMwhPerC, lowC }, { heatMwh }) => lowC + heatMwh[heatMwh.length - 1] / storeMwhPerC,
  between,
};

function between(
  { storeMwhPerC, lowC, highC, initialC, finalC = initialC }: HeatPump,
  { heatMwh }: { readonly heatMwh: ArrayLike<number> },
  { from, to }: Stretch,
): Partial<HeatPump> {
  const at = (t: number): number => Math.min(highC, Math.max(lowC, lowC + heatMwh[t] / storeMwhPerC));
  return {
    initialC: from === 0 ? initialC : at(from - 1),
    finalC: to === heatMwh.length ? finalC : Math.max(lowC, at(to - 1) - HAIR * (highC - lowC)),
  };
}

function add({ model, market, variables: v, injection, t }: Hour, part: HeatPump): void {
  const { dt, hours } = market;
  const { keep, room, start, end, idle } = storeOf(part, dt);
  const power = (v.heatPump[t] = model.bounded(0, part.powerMw));
  const heat = (v.heat[t] = model.bounded(0, room));
  injection.push([power, -1]);
  const before: Terms = t === 0 ? [] : [[v.heat[t - 1], -1]];
  model.equal([[heat, keep], [power, -dt * part.cop[t]], ...before], idle(t) + (t === 0 ? start : 0));
  // The session leaves it as warm as it found it, or as is asked for, where full power can do that.
  if (t === hours - 1 && reached(part, { hours, dt }) >= end) model.lessEqual([[heat, -1]], -end);
}

/** Heat at the end with the pump at full power whenever there is room. */
function reached(part: HeatPump, { hours, dt }: Span): number {
  const { keep, room, start, idle } = storeOf(part, dt);
  let heat = start;
  for (let t = 0; t < hours; t++) heat = Math.min(room, (heat + idle(t) + dt * part.cop[t] * part.powerMw) / keep);
  return heat;
}

/** Goes through the periods with the least and the most heat that there can be in the store. */
function faults(part: HeatPump, { hours, dt }: Span): Fault[] {
  const { lowC, highC, initialC, finalC = lowC, powerMw, storeMwhPerC, cop, aroundC } = part;
  if (lowC >= highC) return [{ field: "lowC", value: lowC, reason: `must be below highC = ${highC}` }];
  if (finalC > highC) return [{ field: "finalC", value: finalC, reason: `is above highC = ${highC}` }];
  if (initialC < lowC || initialC > highC)
    return [{ field: "initialC", value: initialC, reason: `is outside [${lowC}, ${highC}]` }];
  const { keep, room, start, idle } = storeOf(part, dt);
  const degrees = (heat: number): string => `${Number((lowC + heat / storeMwhPerC).toFixed(2))} °C`;
  let [low, high] = [start, start];
  for (let t = 0; t < hours; t++) {
    high = Math.min(room, (high + idle(t) + dt * cop[t] * powerMw) / keep);
    low = Math.max(0, (low + idle(t)) / keep);
    if (high < -1e-9 * room)
      return [
        { field: "powerMw", value: powerMw, reason: `cannot keep lowC = ${lowC}: ${degrees(high)} in period ${t}` },
      ];
    if (low > room * (1 + 1e-9))
      return [
        { field: `aroundC[${t}]`, value: aroundC[t], reason: `warms it to ${degrees(low)}, above highC = ${highC}` },
      ];
  }
  return [];
}

/** A thermostat: as warm as at the start, as far as its power and the band allow. */
function unplannedMw(part: HeatPump, { hours, dt }: Span): number[] {
  const { keep, start, idle } = storeOf(part, dt);
  let heat = start;
  return Array.from({ length: hours }, (_, t) => {
    const wanted = (keep * start - heat - idle(t)) / (dt * part.cop[t]);
    const mw = Math.min(part.powerMw, Math.max(0, wanted));
    heat = (heat + idle(t) + dt * part.cop[t] * mw) / keep;
    return -mw;
  });
}
