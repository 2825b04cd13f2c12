/** Held-out days played through at a cleared point: what answering their errors does to the devices that answer. */
import type { CentralResult } from "../../clearing/central.ts";
import type { Periods } from "../../market/formulation/jointDeviation.ts";
import { errorMwOf, errorParts } from "../../market/scenario/errorParts.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { DeviceAnswers, Schedule } from "../../market/result/solution.ts";
import { deviationsOf } from "./deviations.ts";

/** Beyond a limit by less, MW or MWh, is solver noise. */
export const REPLAY_TOLERANCE = 1e-5;

/** Which limit of a device an answer takes it beyond. */
export const REPLAYED = ["stored energy", "battery power", "generator power", "ramp"] as const;
export type Replayed = (typeof REPLAYED)[number];

/** How often a limit was met with an answer in the way, and how often it was broken; the worst by name. */
export type Tally = {
  readonly looked: number;
  readonly broken: number;
  /** [prosumer id, period, day, MW or MWh beyond], absent where nothing is broken. */
  readonly worst?: readonly [prosumer: number, period: number, day: number, beyond: number] | undefined;
};

/** A prosumer's cleared day and what its devices answer in it, by the variable of what they book. */
export type Answering = { readonly schedule: Schedule; readonly answers: DeviceAnswers };

export type Central = Extract<CentralResult, { readonly status: "solved" }>;

/**
 * What every prosumer's devices answer. Booked by the hour a share is not shared among devices, so whoever owns two
 * that can answer is left out: nobody knows which one would.
 */
export function answeringOf(market: Market, { solution, answers }: Pick<Central, "solution" | "answers">): Answering[] {
  return solution.schedules.map((schedule, i) => {
    if (market.joint !== undefined) return { schedule, answers: answers[i] };
    const { generator, battery } = market.prosumers[i];
    const only = generator === undefined ? "batteryUp" : battery === undefined ? "generatorUp" : undefined;
    const sold = market.shares.map((slots, t) =>
      slots.flatMap(({ seller, buyer }, s) =>
        seller === i ? [{ buyer, mw: Math.max(0, solution.shareMw[t][s]) }] : [],
      ),
    );
    const devices: DeviceAnswers = new Map(only === undefined ? [] : [[only, sold]]);
    return { schedule, answers: devices };
  });
}

/** [period] MW that a device answers on a day with these errors, [period][prosumer] MW. */
export function responseOf(market: Market, answered: DeviceAnswers, device: string, errors: readonly Float64Array[]) {
  const periods = answered.get(device) ?? [];
  return Float64Array.from({ length: market.hours }, (_, t) =>
    (periods[t] ?? []).reduce(
      (sum, { buyer, mw }) => sum - (mw / (market.halfWidth[t] * market.sigma[t][buyer])) * errors[t][buyer],
      0,
    ),
  );
}

/** Which days: those that the moments were fitted on, or those that were held out. */
export type Days = "fitErrors" | "testErrors";

/** Errors of one day, [period][prosumer] MW. */
export function errorsOf(market: Market, days: Days, day: number): Float64Array[] {
  const samples = market.scenario.uncertainty[days];
  return Array.from({ length: market.hours }, (_, t) =>
    Float64Array.from(market.prosumers, (prosumer) => errorMwOf(errorParts(prosumer), samples[t][day])),
  );
}

/**
 * Called for every limit that is met with an answer in the way: prosumer's index, MW or MWh beyond it, and what says
 * how unusual the answers were (`deviationsOf`).
 */
export type Seen = (
  limit: Replayed,
  prosumer: number,
  t: number,
  beyond: number,
  deviations: () => number | undefined,
) => void;

/** One day played through with every battery's true losses; see `replay`. */
export function playDay(
  market: Market,
  parties: readonly Answering[],
  errors: readonly Float64Array[],
  reclear: number,
  seen: Seen,
): void {
  parties.forEach((party, i) => {
    const play: Play = {
      errors,
      reclear,
      seen: (limit, t, beyond, device, periods) =>
        seen(limit, i, t, beyond, () => deviationsOf(market, party, device, errors, periods)),
    };
    playBattery(market, i, party, play);
    playGenerator(market, i, party, play);
  });
}

export type Tallies = Record<Replayed, Tally>;

/** Tallies of nothing yet, and what adds to them: how far beyond a limit [prosumer id, period, day] was. */
export function tallying(): {
  readonly tallies: Tallies;
  readonly count: (limit: Replayed, beyond: number, at: readonly [number, number, number]) => void;
} {
  const tallies = Object.fromEntries(REPLAYED.map((limit) => [limit, { looked: 0, broken: 0 }])) as Tallies;
  const count = (limit: Replayed, beyond: number, at: readonly [number, number, number]): void => {
    const { looked, broken, worst } = tallies[limit];
    const worse = beyond > REPLAY_TOLERANCE && beyond > (worst?.[3] ?? 0);
    const named = worse ? ([...at, beyond] as const) : worst;
    tallies[limit] = {
      looked: looked + 1,
      broken: broken + (beyond > REPLAY_TOLERANCE ? 1 : 0),
      ...(named && { worst: named }),
    };
  };
  return { tallies, count };
}

/**
 * Every held-out day played through. `reclear`: after so many periods the market is
 * taken to be cleared again, from where the batteries are, and to bring them back to plan by its own trades; what they
 * are off by is counted from there.
 */
export function replay(market: Market, parties: readonly Answering[], reclear: number): Tallies {
  const { tallies, count } = tallying();
  const days = market.scenario.uncertainty.testErrors[0].length;
  for (let day = 0; day < days; day++) {
    playDay(market, parties, errorsOf(market, "testErrors", day), reclear, (limit, i, t, beyond) =>
      count(limit, beyond, [market.prosumers[i].id, t, day]),
    );
  }
  return tallies;
}

type Play = {
  readonly errors: readonly Float64Array[];
  readonly reclear: number;
  /** `periods`: whose answers have moved the device, and by how much per MW. */
  readonly seen: (limit: Replayed, t: number, beyond: number, device: string, periods: Periods) => void;
};

/** What an answer of one period does to a device's power, and two of them to its ramp. */
export const ofPower = (t: number): Periods => ({ from: t, to: t, perMw: () => 1 });
export const ofRamp = (t: number): Periods => ({
  from: Math.max(0, t - 1),
  to: t,
  perMw: (at) => (at === t ? 1 : -1),
});

export const beyondOf = (value: number, low: number, high: number): number => Math.max(value - high, low - value);

function playBattery(market: Market, i: number, { schedule, answers }: Answering, { errors, reclear, seen }: Play) {
  const { battery } = market.prosumers[i];
  if (!battery) return;
  const { chargeMw, dischargeMw, storedMwh } = schedule;
  const response = responseOf(market, answers, "batteryUp", errors);
  const { efficiency, minMwh, maxMwh, powerMw } = battery;
  const out = (mw: number): number => (mw > 0 ? mw / efficiency : mw * efficiency) * market.dt;
  const perMw = (): number => market.dt / efficiency;
  let [off, moved] = [0, false];
  for (let t = 0; t < market.hours; t++) {
    if (t % reclear === 0) [off, moved] = [0, false];
    const since: Periods = { from: t - (t % reclear), to: t, perMw };
    const planned = dischargeMw[t] - chargeMw[t];
    off -= out(planned + response[t]) - out(planned);
    moved ||= response[t] !== 0;
    if (response[t] !== 0)
      seen("battery power", t, beyondOf(planned + response[t], -powerMw, powerMw), "batteryUp", ofPower(t));
    if (moved) seen("stored energy", t, beyondOf(storedMwh[t] + off, minMwh, maxMwh), "batteryUp", since);
  }
}

function playGenerator(market: Market, i: number, { schedule, answers }: Answering, { errors, seen }: Play) {
  const { generator } = market.prosumers[i];
  if (!generator) return;
  const response = responseOf(market, answers, "generatorUp", errors);
  const output = schedule.generatorMw.map((mw, t) => mw + response[t]);
  const most = generator.rampMwPerHour * market.dt;
  for (let t = 0; t < market.hours; t++) {
    if (response[t] !== 0)
      seen("generator power", t, beyondOf(output[t], generator.minMw, generator.maxMw), "generatorUp", ofPower(t));
    const before = t > 0 ? output[t - 1] : generator.initialMw;
    if (before !== undefined && (response[t] !== 0 || (t > 0 && response[t - 1] !== 0)))
      seen("ramp", t, beyondOf(output[t] - before, -most, most), "generatorUp", ofRamp(t));
  }
}
