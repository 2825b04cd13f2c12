import type { Prosumer, Scenario } from "../scenario/scenario.ts";
import type { Schedule } from "./solution.ts";

/**
 * Power both ways at once, MW, and energy beyond the battery, MWh, up to which it is solver noise: the units of
 * settlement.
 */
const NOISE = 1e-6;

/**
 * The schedule with every battery running one way in each period. At any net power that loses less energy, so the
 * battery is fuller: where it still fits, with the reserve that is booked, the positions stand and the schedule is as
 * cheap or cheaper. Where it does not (a full battery that is paid for wasting energy), `both` names the periods, and
 * the schedule is as it was.
 */
export function oneWay(
  prosumer: Prosumer,
  schedule: Schedule,
  dt: number,
): { readonly schedule: Schedule; readonly both: readonly number[] } {
  const { battery, generator } = prosumer;
  if (battery === undefined) return { schedule, both: [] };
  const net = schedule.dischargeMw.map((discharge, t) => discharge - schedule.chargeMw[t]);
  const chargeMw = net.map((mw) => Math.max(0, -mw));
  const dischargeMw = net.map((mw) => Math.max(0, mw));
  const storedMwh = new Float64Array(net.length);
  let stored = battery.initialMwh;
  let beyond = 0;
  for (let t = 0; t < net.length; t++) {
    stored += dt * (battery.efficiency * chargeMw[t] - dischargeMw[t] / battery.efficiency);
    // Booking costs the same in either device, so the generator's room counts first.
    const elsewhere = generator ? Math.max(0, schedule.generatorMw[t] - generator.minMw) : 0;
    const oneHour = battery.efficiency * dt * Math.max(0, schedule.reserveDownMw[t] - elsewhere);
    const booked = schedule.band?.aboveMwh[t] ?? oneHour;
    beyond = Math.max(beyond, stored + booked - battery.maxMwh);
    storedMwh[t] = Math.min(battery.maxMwh, Math.max(battery.minMwh, stored));
  }
  const both = Array.from(net.keys()).filter((t) => Math.min(schedule.chargeMw[t], schedule.dischargeMw[t]) > NOISE);
  if (both.length > 0 && beyond > NOISE) return { schedule, both };
  return { schedule: { ...schedule, chargeMw, dischargeMw, storedMwh }, both: [] };
}

/** Where which battery runs both ways: prosumer index and periods. */
export type BothWays = readonly { readonly index: number; readonly periods: readonly number[] }[];

/**
 * The scenario with those batteries held to the way that they run on balance, in those periods or (`always`) in all.
 */
export function heldOneWay(
  scenario: Scenario,
  schedules: readonly Schedule[],
  bothWays: BothWays,
  always: boolean,
): Scenario {
  const prosumers = [...scenario.prosumers];
  for (const { index, periods } of bothWays) {
    const prosumer = prosumers[index];
    const { chargeMw, dischargeMw } = schedules[index];
    const held = new Set(always ? chargeMw.keys() : periods);
    const direction = Array.from(chargeMw, (charge, t) => {
      const before = prosumer.battery?.direction?.[t] ?? "either";
      if (before !== "either" || !held.has(t)) return before;
      return dischargeMw[t] > charge ? "discharge" : "charge";
    });
    if (prosumer.battery) prosumers[index] = { ...prosumer, battery: { ...prosumer.battery, direction } };
  }
  return { ...scenario, prosumers };
}
