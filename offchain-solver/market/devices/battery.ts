import * as z from "zod";
import type { Terms } from "../../numerics/conicModel.ts";
import { nonnegative, SMALLEST } from "../../grid/feeder.ts";
import type { Answer, Draft, Hour, Term } from "../formulation/hour.ts";
import { addDeviation, JointDeviation } from "../formulation/jointDeviation.ts";
import { holdWithin } from "../formulation/sustained.ts";
import { HAIR, type Device, type Stretch } from "./device.ts";

/** Battery: power limit each way, energy window, one-way efficiency, wear $/MWh on charge plus discharge. */
const BatterySchema = z.strictObject({
  powerMw: nonnegative,
  minMwh: nonnegative,
  maxMwh: nonnegative,
  initialMwh: nonnegative,
  /** Stored at the end of the session, at least; absent: `initialMwh`. */
  finalMwh: nonnegative.optional(),
  efficiency: z.number().positive().min(SMALLEST).max(1),
  wearPerMwh: nonnegative,
  /** Which way it may run, per period; absent: either. Never both at once, whatever the price. */
  direction: z.array(z.enum(["either", "charge", "discharge"])).optional(),
});

type Battery = z.infer<typeof BatterySchema>;

export const battery: Device<
  typeof BatterySchema,
  "charge" | "discharge" | "stored" | "batteryUp" | "batteryDown",
  "chargeMw" | "dischargeMw" | "storedMwh"
> = {
  schema: BatterySchema,
  dimensions: {
    powerMw: "power",
    minMwh: "energy",
    maxMwh: "energy",
    initialMwh: "energy",
    finalMwh: "energy",
    wearPerMwh: "price",
  },
  courses: { direction: "held" },
  hourly: ["charge", "discharge", "stored", "batteryUp", "batteryDown"],
  plan: {
    chargeMw: { variable: "charge", unit: "mw", positive: true },
    dischargeMw: { variable: "discharge", unit: "mw", positive: true },
    storedMwh: { variable: "stored", unit: "mwh" },
  },
  add,
  cost: ({ wearPerMwh }, { chargeMw, dischargeMw }, t) => wearPerMwh * (chargeMw[t] + dischargeMw[t]),
  reserve: { up: "batteryUp", down: "batteryDown", mostMw: ({ powerMw }) => powerMw, sustains, sustain },
  rating: ({ powerMw }) => ({ sizeMw: powerMw, drawsMw: powerMw, feedsMw: powerMw }),
  faults({ minMwh, maxMwh, initialMwh, finalMwh = minMwh }) {
    if (minMwh > maxMwh) return [{ field: "minMwh", value: minMwh, reason: `is above maxMwh = ${maxMwh}` }];
    if (finalMwh > maxMwh) return [{ field: "finalMwh", value: finalMwh, reason: `is above maxMwh = ${maxMwh}` }];
    if (initialMwh >= minMwh && initialMwh <= maxMwh) return [];
    return [{ field: "initialMwh", value: initialMwh, reason: `is outside [${minMwh}, ${maxMwh}]` }];
  },
  flows: (_, { chargeMw, dischargeMw }, t) => [
    ["battery", dischargeMw[t]],
    ["battery", -chargeMw[t]],
  ],
  picture: ({ minMwh, maxMwh, initialMwh }, { storedMwh }) => ({
    title: "Your battery",
    colour: "battery",
    unit: "energy",
    label: "stored at the end of the period",
    line: Array.from(storedMwh),
    low: Array.from(storedMwh, () => minMwh),
    high: Array.from(storedMwh, () => maxMwh),
    start: initialMwh,
    limits: "it is not emptied further, and holds no more",
  }),
  after: (_, { storedMwh }) => storedMwh[storedMwh.length - 1],
  between,
};

/** One way through a battery: its part of the injection, MW per MW, and of the stored energy, MWh per MW. */
type Side = { readonly power: number; readonly out: number; readonly stores: number };

function add(hour: Hour, part: Battery): void {
  const { model, market, variables: v, t } = hour;
  const sides = addSides(hour, part);
  for (const { power } of sides) model.linear(power, part.wearPerMwh * market.dt);
  const stored = (v.stored[t] = model.add());
  hour.injection.push(...sides.map(({ power, out }): Term => [power, out]));
  const flow: Terms = [[stored, 1], ...sides.map(({ power, stores }): Term => [power, -stores])];
  if (t === 0) model.equal(flow, part.initialMwh);
  else model.equal([...flow, [v.stored[t - 1], -1]], 0);
  const answers = hour.answers && (!market.joint || sustains(part));
  if (answers) addBookablePower(hour, part, sides);
  if (answers && !market.joint) addBookableEnergy(hour, part, stored);
  else addStorageLimits(hour, part, stored);
}

function addSides({ model, market, variables: v, t }: Hour, part: Battery): Side[] {
  const way = part.direction?.[t] ?? "either";
  const sides: Side[] = [];
  if (way !== "discharge") {
    const power = (v.charge[t] = model.bounded(0, part.powerMw));
    sides.push({ power, out: -1, stores: part.efficiency * market.dt });
  }
  if (way !== "charge") {
    const power = (v.discharge[t] = model.bounded(0, part.powerMw));
    sides.push({ power, out: 1, stores: -market.dt / part.efficiency });
  }
  return sides;
}

/** What it has to hold at the end of the session: as much as it began with, unless something else is asked for. */
const finalOf = ({ minMwh, initialMwh, finalMwh = initialMwh }: Battery): number => Math.max(minMwh, finalMwh);

function between(
  part: Battery,
  { storedMwh }: { readonly storedMwh: ArrayLike<number> },
  { from, to }: Stretch,
): Partial<Battery> {
  const { minMwh, maxMwh, initialMwh } = part;
  const within = (mwh: number): number => Math.min(maxMwh, Math.max(minMwh, mwh));
  return {
    initialMwh: from === 0 ? initialMwh : within(storedMwh[from - 1]),
    finalMwh: to === storedMwh.length ? finalOf(part) : within(storedMwh[to - 1] - HAIR * (maxMwh - minMwh)),
  };
}

function addStorageLimits({ model, market, t }: Hour, part: Battery, stored: number): void {
  const last = t === market.hours - 1;
  model.lessEqual([[stored, -1]], -(last ? finalOf(part) : part.minMwh));
  model.lessEqual([[stored, 1]], part.maxMwh);
}

/** Power has room for what is booked, up and down. */
function addBookablePower({ model, variables: v, t }: Hour, part: Battery, sides: readonly Side[]): void {
  const up = (v.batteryUp[t] = model.bounded(0, Infinity));
  const down = (v.batteryDown[t] = model.bounded(0, Infinity));
  model.lessEqual([[up, 1], ...sides.map(({ power, out }): Term => [power, out])], part.powerMw);
  model.lessEqual([[down, 1], ...sides.map(({ power, out }): Term => [power, -out])], part.powerMw);
}

/** Stored energy has room for one period of all that is booked: no promise for longer. */
function addBookableEnergy({ model, market, variables: v, t }: Hour, part: Battery, stored: number): void {
  const { dt } = market;
  const emptied: Terms = [
    [stored, -1],
    [v.batteryUp[t], dt / part.efficiency],
  ];
  model.lessEqual(emptied, -part.minMwh);
  const filled: Terms = [
    [stored, 1],
    [v.batteryDown[t], part.efficiency * dt],
  ];
  model.lessEqual(filled, part.maxMwh);
  if (t === market.hours - 1) model.lessEqual([[stored, -1]], -finalOf(part));
}

function sustains({ minMwh, maxMwh }: Battery): boolean {
  return maxMwh > minMwh;
}

/**
 * Stored energy less what the answers of the last periods took out, within [min, max]: two-sided over the joint law of
 * those periods, back to when the market was last cleared. Answers go in and out with losses, of which the expectation
 * at most, (1/eta - eta)/2 deviations, is taken off the lower side.
 */
function sustain(draft: Draft, part: Battery, answered: readonly (readonly Answer[])[]): void {
  const { market, variables: v } = draft;
  const { dt, hours, joint } = market;
  const { efficiency, minMwh, maxMwh } = part;
  const deviation = new JointDeviation(draft, answered, dt / efficiency);
  const lossPerMw = ((1 / efficiency - efficiency) / 2) * dt;
  const lost = answered.map((answers, t): Term[] =>
    lossPerMw > 0 && answers.length > 0 ? [[addDeviation(draft, answers, t), lossPerMw]] : [],
  );
  for (let t = 0; t < hours; t++) {
    const from = Math.max(0, t - joint!.sustain + 1);
    holdWithin(draft, t, {
      centre: { terms: [[v.stored[t], 1]], constant: 0 },
      spread: deviation.rows(from, t),
      lower: { terms: lost.slice(from, t + 1).flat(), constant: minMwh },
      upper: { terms: [], constant: maxMwh },
    });
  }
}
