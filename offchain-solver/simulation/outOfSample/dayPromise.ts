/** A promise for the whole day: the eps of single limits at which so few days break any limit (docs/model.md). */
import { solveCentral } from "../../clearing/central.ts";
import { createNetwork, type Network } from "../../market/formulation/network.ts";
import { exposureOf, momentsOf } from "../../market/risk/exposure.ts";
import { worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import { createMarket, type Market, type MarketSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { leaveDaysOut } from "../../scenarios/leaveDaysOut.ts";
import { soldBy, type ClearOptions } from "../clear.ts";
import { blockBootstrap } from "./blockBootstrap.ts";
import { answeringOf, errorsOf, playDay, REPLAY_TOLERANCE, type Central, type Days } from "./replay.ts";
import { factorFor } from "./violations.ts";

/** Accepted violation of a single limit, from what promises least. */
const EPSILONS = [
  0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.025, 0.02, 0.015, 0.0125, 0.01, 0.0075, 0.005, 0.003, 0.002, 0.001,
];

/** Days on which a limit of the network was broken, one of a device that answers, and any at all. */
export type BrokenDays = {
  readonly network: number;
  readonly devices: number;
  readonly any: number;
  readonly days: number;
};

/** [day][period] whether a limit of the network, or one of a device that answers, was broken. */
export type BrokenPeriods = { readonly network: readonly boolean[][]; readonly devices: readonly boolean[][] };

/** The market that is promised for; absent: with trade, energy and reserve at once. */
export type Promised = MarketSettings & Partial<Pick<ClearOptions, "trade" | "reserve">>;

/**
 * Plays days through at a cleared point. What errors below the threshold move a flow by (nobody answers them) is no
 * break: beyond a network limit counts from the sum of those errors on. Limits of a network that the market does not
 * know do not count.
 */
export function brokenPeriods(
  market: Market,
  network: Network,
  result: Pick<Central, "solution" | "answers">,
  days: Days,
): BrokenPeriods {
  // Ramps and stored energy are promised only where reserve has to last.
  const parties = market.joint ? answeringOf(market, result) : [];
  const exposures = Array.from({ length: market.hours }, (_, t) => exposureOf(market, network, result.solution, t));
  const sustain = market.joint?.sustain ?? 1;
  const count = market.scenario.uncertainty[days][0].length;
  const none = (): boolean[][] => Array.from({ length: count }, () => new Array<boolean>(market.hours).fill(false));
  const [grid, devices] = [none(), none()];
  for (let day = 0; day < count; day++) {
    const errors = errorsOf(market, days, day);
    playDay(market, parties, errors, sustain, (_limit, _prosumer, t, beyond) => {
      devices[day][t] ||= beyond > REPLAY_TOLERANCE;
    });
    exposures.forEach(({ columns, modes, limits }, t) => {
      const unanswered = columns.reduce(
        (sum, i) => sum + (market.error[t][i].length === 0 ? Math.abs(errors[t][i]) : 0),
        0,
      );
      const moved = modes.map((mode) => mode.reduce((sum, a, c) => sum + a * errors[t][columns[c]], 0));
      for (const { id, mode, scale, centre, lower, upper } of limits) {
        const value = centre + scale * moved[mode];
        const beyond = Math.max(value - upper, lower - value);
        if (id.kind === "booking") devices[day][t] ||= beyond > REPLAY_TOLERANCE;
        else if (market.settings.network) grid[day][t] ||= beyond > REPLAY_TOLERANCE + unanswered;
      }
    });
  }
  return { network: grid, devices };
}

/** Days with a broken limit in any period. */
export function brokenDays(
  market: Market,
  network: Network,
  result: Pick<Central, "solution" | "answers">,
  days: Days,
): BrokenDays {
  return daysOf(brokenPeriods(market, network, result, days));
}

function daysOf(broken: BrokenPeriods): BrokenDays {
  const count = (of: (day: number) => boolean): number => broken.network.filter((_, day) => of(day)).length;
  const any = (periods: readonly boolean[]): boolean => periods.some(Boolean);
  return {
    network: count((day) => any(broken.network[day])),
    devices: count((day) => any(broken.devices[day])),
    any: count((day) => any(broken.network[day]) || any(broken.devices[day])),
    days: broken.network.length,
  };
}

/** The eps found, and how many days it breaks. */
export type Calibrated = {
  readonly epsilon: number;
  readonly objective: number;
  /** Days that the moments were fitted on. */
  readonly fitted: BrokenDays;
  /**
   * Each fitted day played through with the moments of those that are left without it and its neighbours: what eps is
   * chosen by.
   */
  readonly leftOut: BrokenDays;
  /** Days that nothing was chosen by. */
  readonly heldOut: BrokenDays;
  /** [day][period] of those. */
  readonly heldOutPeriods: BrokenPeriods;
};

const BOOTSTRAPPED = { days: 10_000, seed: 1 } as const;

/** Held-out days put together anew by blocks of hours, played through at the optimum of one eps. */
export function bootstrapped(scenario: Scenario, settings: Promised, epsilon: number): BrokenDays | undefined {
  const cleared = clearedAt(scenario, settings, epsilon);
  if (cleared === undefined) return undefined;
  const { market, network, result } = cleared;
  const anew = { ...market, scenario: blockBootstrap(market.scenario, BOOTSTRAPPED.days, BOOTSTRAPPED.seed) };
  return brokenDays(anew, network, result, "testErrors");
}

type Cleared = { readonly market: Market; readonly network: Network; readonly result: Central };

/** Cleared by the central twin at one eps; undefined where that has no solution. */
function clearedAt(scenario: Scenario, settings: Promised, epsilon: number): Cleared | undefined {
  const { trade = true, reserve = "joint", ...market } = { ...settings, epsilon };
  if (!trade) return solved(createMarket({ ...scenario, pairs: [] }, market));
  if (reserve === "joint") return solved(createMarket(scenario, market));
  const energy = solved(createMarket(scenario, { ...market, risk: "deterministic" }));
  return energy && solved(createMarket(scenario, market, soldBy(scenario, energy.result.solution)));
}

function solved(market: Market): Cleared | undefined {
  const network = createNetwork(market);
  const result = solveCentral(market, market.settings.network ? network : undefined, clarabelSolver);
  return result.status === "solved" ? { market, network, result } : undefined;
}

/** Fitted days are left out so many times, a stretch of neighbours each time: errors of neighbours are alike. */
const STRETCHES = 4;

/** Every fitted day as one that was left out; undefined where a stretch leaves too little to clear with. */
function leftOutDays(scenario: Scenario, settings: Promised, epsilon: number): BrokenDays | undefined {
  const count = scenario.uncertainty.fitErrors[0].length;
  let all: BrokenDays = { network: 0, devices: 0, any: 0, days: 0 };
  for (let k = 0; k < STRETCHES; k++) {
    const [from, to] = [k, k + 1].map((edge) => Math.round((edge * count) / STRETCHES));
    if (from === to) continue;
    const cleared = clearedAt(leaveDaysOut(scenario, from, to), settings, epsilon);
    if (cleared === undefined) return undefined;
    const { network, devices, any, days } = brokenDays(cleared.market, cleared.network, cleared.result, "testErrors");
    all = {
      network: all.network + network,
      devices: all.devices + devices,
      any: all.any + any,
      days: all.days + days,
    };
  }
  return all;
}

/** What one eps promises; undefined where it has no solution, with all fitted days or with those left. */
export function atEpsilon(scenario: Scenario, settings: Promised, epsilon: number): Calibrated | undefined {
  const cleared = clearedAt(scenario, settings, epsilon);
  const leftOut = cleared && leftOutDays(scenario, settings, epsilon);
  if (cleared === undefined || leftOut === undefined) return undefined;
  const { market, network, result } = cleared;
  const heldOutPeriods = brokenPeriods(market, network, result, "testErrors");
  return {
    epsilon,
    objective: result.objective,
    fitted: brokenDays(market, network, result, "fitErrors"),
    leftOut,
    heldOut: daysOf(heldOutPeriods),
    heldOutPeriods,
  };
}

/**
 * The largest of a list of eps at which at most `share` of the fitted days, each left out in turn, break a limit: found
 * by halving the list, as if a smaller eps never broke more. Days that a solution was fitted on flatter it. It holds
 * for days like those, not for every distribution; radii of the comparators that know no eps make every eps the same.
 * @returns undefined where no eps is small enough and has a solution
 */
export function calibrate(
  scenario: Scenario,
  settings: Promised,
  share: number,
  observe: (epsilon: number, found: Calibrated | undefined) => void = () => {},
): Calibrated | undefined {
  let best: Calibrated | undefined;
  let [low, high] = [0, EPSILONS.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = atEpsilon(scenario, settings, EPSILONS[middle]);
    observe(EPSILONS[middle], found);
    if (found && found.leftOut.any <= share * found.leftOut.days) {
      best = found;
      high = middle - 1;
    } else if (found) low = middle + 1;
    // Tighter limits than those without a solution have none either.
    else high = middle - 1;
  }
  return best;
}

/**
 * Beyond a limit by less, MW, MVA or squared p.u., is no break, as in `brokenDays`: where errors cancel a limit may be
 * met with equality, and the worst case would jump from 0 to 1 on solver noise.
 */
const SLACK = REPLAY_TOLERANCE;

/**
 * At most the probability that any limit of the day is broken, over every distribution with the fitted moments: the
 * worst cases of all bookings and network limits added up (Boole), whether they bind or not, capped at 1. What binds
 * counts eps, what does not its own worst case in closed form, which is next to nothing for most. Errors too small to
 * be answered are beside it, and so is what answers do to ramps and stored energy, and a network that the market does
 * not know.
 */
export function dayBound({ market, network, result }: Cleared): number {
  let sum = 0;
  for (let t = 0; t < market.hours; t++) {
    const exposure = exposureOf(market, network, result.solution, t);
    const factor = factorFor(market, t, exposure.columns);
    for (const limit of exposure.limits) {
      if (limit.id.kind !== "booking" && !market.settings.network) continue;
      const { offset, s, T } = momentsOf(exposure, limit, factor);
      sum += worstCaseViolation(Math.abs(offset), s, T + SLACK);
    }
  }
  return Math.min(1, sum);
}

export type Bounded = { readonly epsilon: number; readonly objective: number; readonly bound: number };

/**
 * The cheapest of a list of eps whose bound for the day is at most `share`, and the least bound that any of them
 * reaches. Looked for from the largest eps down, since costs rise that way; the least bound is known only where none
 * was small enough.
 */
export function boundDay(
  scenario: Scenario,
  settings: Promised,
  share: number,
  observe: (epsilon: number, found: Bounded | undefined) => void = () => {},
): { readonly found: Bounded | undefined; readonly least: Bounded | undefined } {
  let least: Bounded | undefined;
  for (const epsilon of EPSILONS) {
    const cleared = clearedAt(scenario, settings, epsilon);
    const bounded = cleared && { epsilon, objective: cleared.result.objective, bound: dayBound(cleared) };
    observe(epsilon, bounded);
    if (bounded === undefined) break;
    if (least === undefined || bounded.bound < least.bound) least = bounded;
    if (bounded.bound <= share) return { found: bounded, least };
  }
  return { found: undefined, least };
}
