/** A prosumer's devices in one hour: variables, limits and costs (docs/model.md). Powers in MW, energies in MWh. */
import type { Terms } from "../../numerics/conicModel.ts";
import type { Battery } from "../scenario/scenario.ts";
import type { Hour, Term } from "./hour.ts";

export function addGenerator(hour: Hour): void {
  const { model, market, prosumer, variables: v, t } = hour;
  const { generator } = prosumer;
  if (!generator) return;
  const { dt } = market;
  const p = (v.generator[t] = model.add());
  model.square(p, 2 * generator.costA * dt);
  model.linear(p, generator.costB * dt);
  hour.injection.push([p, 1]);
  hour.emissions.push([p, generator.emissionTPerMwh * dt]);
  const up: Terms = hour.answers ? [[(v.generatorUp[t] = model.bounded(0, Infinity)), 1]] : [];
  const down: Terms = hour.answers ? [[(v.generatorDown[t] = model.bounded(0, Infinity)), 1]] : [];
  model.lessEqual([[p, 1], ...up], generator.maxMw);
  model.lessEqual([[p, -1], ...down], -generator.minMw);
  if (t > 0) addRamps(hour, p, generator.rampMwPerHour * dt);
}

function addRamps({ model, variables, t }: Hour, p: number, most: number): void {
  const before = variables.generator[t - 1];
  for (const sign of [1, -1]) {
    const change: Terms = [
      [p, sign],
      [before, -sign],
    ];
    model.lessEqual(change, most);
  }
}

export function addRenewable({ model, prosumer, variables, injection, t }: Hour): void {
  const { renewable } = prosumer;
  if (!renewable || !(renewable.forecastMw[t] > 0)) return;
  const w = (variables.renewable[t] = model.bounded(0, renewable.forecastMw[t]));
  injection.push([w, 1]);
}

/** One way through a battery: its part of the injection, MW per MW, and of the stored energy, MWh per MW. */
type Side = { readonly power: number; readonly out: number; readonly stores: number };

export function addBattery(hour: Hour): void {
  const { model, market, prosumer, variables: v, t } = hour;
  const { battery } = prosumer;
  if (!battery) return;
  const sides = addSides(hour, battery);
  for (const { power } of sides) model.linear(power, battery.wearPerMwh * market.dt);
  const stored = (v.stored[t] = model.add());
  hour.injection.push(...sides.map(({ power, out }): Term => [power, out]));
  const flow: Terms = [[stored, 1], ...sides.map(({ power, stores }): Term => [power, -stores])];
  if (t === 0) model.equal(flow, battery.initialMwh);
  else model.equal([...flow, [v.stored[t - 1], -1]], 0);
  if (hour.answers) addBookableStorage(hour, battery, sides, stored);
  else addStorageLimits(hour, battery, stored);
}

function addSides({ model, market, variables: v, t }: Hour, battery: Battery): Side[] {
  const way = battery.direction?.[t] ?? "either";
  const sides: Side[] = [];
  if (way !== "discharge") {
    const power = (v.charge[t] = model.bounded(0, battery.powerMw));
    sides.push({ power, out: -1, stores: battery.efficiency * market.dt });
  }
  if (way !== "charge") {
    const power = (v.discharge[t] = model.bounded(0, battery.powerMw));
    sides.push({ power, out: 1, stores: -market.dt / battery.efficiency });
  }
  return sides;
}

/** The session leaves a battery at least as full as it found it. */
function addStorageLimits({ model, market, t }: Hour, battery: Battery, stored: number): void {
  const last = t === market.hours - 1;
  model.lessEqual([[stored, -1]], -(last ? Math.max(battery.minMwh, battery.initialMwh) : battery.minMwh));
  model.lessEqual([[stored, 1]], battery.maxMwh);
}

/** Power and stored energy have room for what is booked, up and down. */
function addBookableStorage(hour: Hour, battery: Battery, sides: readonly Side[], stored: number): void {
  const { model, market, variables: v, t } = hour;
  const { dt } = market;
  const up = (v.batteryUp[t] = model.bounded(0, Infinity));
  const down = (v.batteryDown[t] = model.bounded(0, Infinity));
  model.lessEqual([[up, 1], ...sides.map(({ power, out }): Term => [power, out])], battery.powerMw);
  model.lessEqual([[down, 1], ...sides.map(({ power, out }): Term => [power, -out])], battery.powerMw);
  const emptied: Terms = [
    [stored, -1],
    [up, dt / battery.efficiency],
  ];
  model.lessEqual(emptied, -battery.minMwh);
  const filled: Terms = [
    [stored, 1],
    [down, battery.efficiency * dt],
  ];
  model.lessEqual(filled, battery.maxMwh);
  if (t === market.hours - 1) model.lessEqual([[stored, -1]], -battery.initialMwh);
}

/** Load that may be moved within the session; in a single hour there is nowhere to move it. */
export function addFlexibleLoad(hour: Hour): void {
  const { model, market, prosumer, variables, t } = hour;
  const { load } = prosumer;
  const most = load.flexibleShare * load.fixedMw[t];
  if (!(most > 0 && market.hours > 1)) return;
  const shifted = (variables.flexible[t] = model.bounded(-most, most));
  model.square(shifted, load.discomfort * market.dt);
  hour.injection.push([shifted, -1]);
  hour.shifted.push([shifted, 1]);
  hour.drawn.push([shifted, load.mvarPerMw]);
}
