/**
 * What the devices of a cleared session do when its day has come: renewables give what the day brings, generators and
 * batteries what was planned and what is called of them as far as they can, loads what was forecast. A simulation of
 * homes; what meters of real ones say comes from files and messages.
 */
import type { ClearingResult } from "../market/result/clearingResult.ts";
import type { Solution } from "../market/result/solution.ts";
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

/** `actualMw` of whoever has a renewable must be there. */
export function devicesOf(market: Market, { schedules }: Solution, result: ClearingResult): DeviceDay {
  const { prosumers, dt } = market;
  const wh = (mw: number): number => Math.round(mw * dt * WH) + 0;
  const planned = schedules.map(({ renewableMw }) => Array.from(renewableMw, wh));
  const given = prosumers.map((one, i) => Array.from(schedules[i].renewableMw, (mw, t) => wh(outcomeMw(one, mw, t))));
  const errors = given.map((row, i) => row.map((value, t) => value - planned[i][t]));
  const calls = callsOf(result, needsOf(market), errors);
  const homes = prosumers.map((one, i) => {
    const s = schedules[i];
    const response = new Responder(one, dt);
    const metered: number[] = [];
    let grams = 0;
    for (let t = 0; t < market.hours; t++) {
      const asked = (calls.given[i][t] + calls.own[i][t]) / (dt * WH);
      const { generatorMw, batteryMw } = response.period(s.generatorMw[t], s.dischargeMw[t] - s.chargeMw[t], asked);
      grams += generatorMw * dt * (one.generator?.emissionTPerMwh ?? 0) * WH;
      // All else is as planned.
      const moved = generatorMw - s.generatorMw[t] + batteryMw - (s.dischargeMw[t] - s.chargeMw[t]);
      metered.push(wh(s.pMw[t] + moved) + errors[i][t]);
    }
    return { metered, grams: Math.ceil(grams - 1e-6) };
  });
  return {
    meteredWh: homes.map(({ metered }) => metered),
    renewableWh: given,
    plannedWh: planned,
    generatorG: homes.map(({ grams }) => grams),
  };
}

/** The day of a home that took no part: its load as forecast and all that its renewable gave; nothing was planned. */
export function standingDay(prosumer: Prosumer, { hours, periodHours }: Scenario): DeviceDay {
  const wh = (mw: number): number => Math.round(mw * periodHours * WH) + 0;
  const given = Array.from({ length: hours }, (__, t) =>
    wh(outcomeMw(prosumer, prosumer.renewable?.forecastMw[t] ?? 0, t)),
  );
  const metered = given.map((value, t) => value - wh(prosumer.load.fixedMw[t]));
  return { meteredWh: [metered], renewableWh: [given], plannedWh: [given], generatorG: [0] };
}

/** A renewable that was planned to give `mw` of its forecast gives that and the whole error of the forecast. */
function outcomeMw({ renewable, id }: Prosumer, mw: number, t: number): number {
  if (renewable === undefined) return 0;
  if (renewable.actualMw === undefined) throw new Error(`prosumer ${id}: nobody knows yet what the day brought`);
  return Math.max(0, mw + renewable.actualMw[t] - renewable.forecastMw[t]);
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
