/**
 * What the devices of a cleared session do when its day has come: renewables give what the day brings, generators and
 * batteries what was planned and what is called of them as far as they can, loads what the day brings where that is
 * known and what was forecast otherwise. A simulation of homes; what meters of real ones say comes from files and
 * messages.
 */
import { ownedBy } from "../market/devices/devices.ts";
import type { ClearingResult } from "../market/result/clearingResult.ts";
import type { Schedule, Solution } from "../market/result/solution.ts";
import type { Market } from "../market/scenario/market.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { callsOf, type PerPeriod } from "./calls.ts";

const WH = 1e6;

/** [participant][period], and grams over the session. */
export type DeviceDay = {
  readonly meteredWh: PerPeriod;
  readonly renewableWh: PerPeriod;
  /** What its renewables had been planned to give. */
  readonly plannedWh: PerPeriod;
  /** What its generator emitted. */
  readonly generatorG: readonly number[];
};

/** What answers the whole error, W: [period][participant], the same for all who have the frozen terms. */
export const needsOf = ({ halfWidth, sigma }: Market): number[][] =>
  sigma.map((hour, t) => Array.from(hour, (deviation) => Math.round(halfWidth[t] * deviation * WH)));

/** What a home's renewables had been planned to give, and gave: [period] Wh. */
export type Generated = { readonly plannedWh: readonly number[]; readonly renewableWh: readonly number[] };

/** Whole Wh that its renewables are planned to give: what it commits to, and is measured against. */
export const plannedBy = ({ renewableMw }: Pick<Schedule, "renewableMw">, dt: number): number[] =>
  Array.from(renewableMw, whIn(dt));

/** `actualMw` must be there where it has a renewable. */
export function generatedBy(one: Prosumer, schedule: Pick<Schedule, "renewableMw">, dt: number): Generated {
  const renewableWh = Array.from(schedule.renewableMw, (mw, t) => whIn(dt)(outcomeMw(one, mw, t)));
  return { plannedWh: plannedBy(schedule, dt), renewableWh };
}

/**
 * What a home's meter reads, and what its generator emits, where it is called for `askedWh` [period] beyond its plan:
 * generator and battery answer as far as they can, all else is as planned, but for a load that is known to have been
 * another.
 */
export function answeredBy(
  one: Prosumer,
  schedule: Schedule,
  { plannedWh, renewableWh }: Generated,
  askedWh: readonly number[],
  dt: number,
): { readonly meteredWh: number[]; readonly generatorG: number } {
  const wh = whIn(dt);
  const response = new Responder(one, dt);
  let grams = 0;
  const meteredWh = askedWh.map((asked, t) => {
    const plan = { generatorMw: schedule.generatorMw[t], batteryMw: schedule.dischargeMw[t] - schedule.chargeMw[t] };
    const { generatorMw, batteryMw } = response.period(plan.generatorMw, plan.batteryMw, asked / (dt * WH));
    grams += generatorMw * dt * (one.generator?.emissionTPerMwh ?? 0) * WH;
    const moved = generatorMw - plan.generatorMw + batteryMw - plan.batteryMw;
    const more = moreLoadMw(one, one.load.fixedMw[t] + schedule.flexibleMw[t], t);
    return wh(schedule.pMw[t] + moved - more) + renewableWh[t] - plannedWh[t];
  });
  return { meteredWh, generatorG: Math.ceil(grams - 1e-6) };
}

const whIn =
  (dt: number) =>
  (mw: number): number =>
    Math.round(mw * dt * WH) + 0;

/** Of all homes at once. `actualMw` of whoever has a renewable must be there. */
export function devicesOf(market: Market, { schedules }: Solution, result: ClearingResult): DeviceDay {
  const { prosumers, dt } = market;
  const days = prosumers.map((one, i) => generatedBy(one, schedules[i], dt));
  const asked = askedOf(
    market,
    result,
    days.map(({ plannedWh, renewableWh }) => renewableWh.map((value, t) => value - plannedWh[t])),
  );
  const homes = prosumers.map((one, i) => answeredBy(one, schedules[i], days[i], asked[i], dt));
  return {
    meteredWh: homes.map(({ meteredWh }) => meteredWh),
    renewableWh: days.map(({ renewableWh }) => renewableWh),
    plannedWh: days.map(({ plannedWh }) => plannedWh),
    generatorG: homes.map(({ generatorG }) => generatorG),
  };
}

/** [participant][period] Wh that each is called for, of others' errors and of its own: from public figures alone. */
export function askedOf(market: Market, result: ClearingResult, errorWh: PerPeriod): number[][] {
  const calls = callsOf(result, needsOf(market), errorWh);
  return calls.given.map((row, i) => row.map((value, t) => value + calls.own[i][t]));
}

/**
 * The day of a home that took no part: its load as it was, or as forecast where nobody knows, its car and heat pump as
 * nobody plans them, and all that its renewable gave.
 */
export function standingDay(prosumer: Prosumer, { hours, periodHours }: Scenario): DeviceDay {
  const wh = (mw: number): number => Math.round(mw * periodHours * WH) + 0;
  const given = Array.from({ length: hours }, (__, t) =>
    wh(outcomeMw(prosumer, prosumer.renewable?.forecastMw[t] ?? 0, t)),
  );
  const unplanned = ownedBy({ ...prosumer, renewable: undefined }).flatMap(({ device, part }) => [
    device.unplannedMw?.(part, { hours, dt: periodHours }) ?? [],
  ]);
  const metered = given.map(
    (value, t) =>
      value +
      wh(
        unplanned.reduce((sum, series) => sum + (series[t] ?? 0), 0) -
          moreLoadMw(prosumer, prosumer.load.fixedMw[t], t),
      ),
  );
  return { meteredWh: [metered], renewableWh: [given], plannedWh: [given], generatorG: [0] };
}

/** A renewable that was planned to give `mw` of its forecast gives that and the whole error of the forecast. */
function outcomeMw({ renewable, id }: Prosumer, mw: number, t: number): number {
  if (renewable === undefined) return 0;
  if (renewable.actualMw === undefined) throw new Error(`prosumer ${id}: nobody knows yet what the day brought`);
  return Math.max(0, mw + renewable.actualMw[t] - renewable.forecastMw[t]);
}

/** What a load that was to draw `mw` draws beyond that: its forecast's error, and never less than nothing in all. */
function moreLoadMw({ load: { fixedMw, actualMw } }: Prosumer, mw: number, t: number): number {
  return actualMw === undefined ? 0 : Math.max(-mw, actualMw[t] - fixedMw[t]);
}

/** One home's generator and battery over the periods, each inside its limits: the generator answers first. */
class Responder {
  readonly #prosumer: Prosumer;
  readonly #dt: number;
  #storedMwh: number;

  constructor(prosumer: Prosumer, dt: number) {
    this.#prosumer = prosumer;
    this.#dt = dt;
    this.#storedMwh = prosumer.battery?.initialMwh ?? 0;
  }

  /** MW that each gives, planned and asked for. */
  period(generatorMw: number, batteryMw: number, asked: number): { generatorMw: number; batteryMw: number } {
    const { generator } = this.#prosumer;
    const made = generator === undefined ? 0 : between(generatorMw + asked, generator.minMw, generator.maxMw);
    const left = generatorMw + asked - made;
    return { generatorMw: made, batteryMw: this.#battery(batteryMw + left) };
  }

  #battery(wantedMw: number): number {
    const { battery } = this.#prosumer;
    if (battery === undefined) return 0;
    const { powerMw, minMwh, maxMwh, efficiency } = battery;
    const room = (this.#storedMwh - maxMwh) / (efficiency * this.#dt);
    const stock = ((this.#storedMwh - minMwh) * efficiency) / this.#dt;
    const mw = between(wantedMw, Math.max(-powerMw, Math.min(0, room)), Math.min(powerMw, Math.max(0, stock)));
    this.#storedMwh -= mw > 0 ? (mw * this.#dt) / efficiency : mw * this.#dt * efficiency;
    return mw;
  }
}

const between = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
