/** A promise for the whole day: the eps of single limits at which so few days break any limit (docs/model.md). */
import { solveCentral } from "../../clearing/central.ts";
import { createNetwork, type Network } from "../../market/formulation/network.ts";
import { exposureOf } from "../../market/risk/exposure.ts";
import { createMarket, type Market, type MarketSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { answeringOf, errorsOf, playDay, REPLAY_TOLERANCE, type Central, type Days } from "./replay.ts";

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

/**
 * Plays days through at a cleared point. What errors below the threshold move a flow by (nobody answers them) is no
 * break: beyond a network limit counts from the sum of those errors on.
 */
export function brokenDays(market: Market, network: Network, result: Central, days: Days): BrokenDays {
  // Ramps and stored energy are promised only where reserve has to last.
  const parties = market.joint ? answeringOf(market, result) : [];
  const exposures = Array.from({ length: market.hours }, (_, t) => exposureOf(market, network, result.solution, t));
  const sustain = market.joint?.sustain ?? 1;
  const count = market.scenario.uncertainty[days][0].length;
  const broken = { network: 0, devices: 0, any: 0 };
  for (let day = 0; day < count; day++) {
    const errors = errorsOf(market, days, day);
    let [grid, devices] = [false, false];
    playDay(market, parties, errors, sustain, (_limit, _prosumer, _t, beyond) => {
      devices ||= beyond > REPLAY_TOLERANCE;
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
        if (id.kind === "booking") devices ||= beyond > REPLAY_TOLERANCE;
        else grid ||= beyond > REPLAY_TOLERANCE + unanswered;
      }
    });
    if (grid) broken.network++;
    if (devices) broken.devices++;
    if (grid || devices) broken.any++;
  }
  return { ...broken, days: count };
}

/** The eps found, and how many days it breaks: fitted ones, which it was chosen by, and held-out ones, which not. */
export type Calibrated = {
  readonly epsilon: number;
  readonly objective: number;
  readonly fitted: BrokenDays;
  readonly heldOut: BrokenDays;
};

/** Cleared by the central twin at one eps; undefined where that has no solution. */
export function atEpsilon(scenario: Scenario, settings: MarketSettings, epsilon: number): Calibrated | undefined {
  const market = createMarket(scenario, { ...settings, epsilon });
  const network = createNetwork(market);
  const result = solveCentral(market, settings.network ? network : undefined, clarabelSolver);
  if (result.status !== "solved") return undefined;
  return {
    epsilon,
    objective: result.objective,
    fitted: brokenDays(market, network, result, "fitErrors"),
    heldOut: brokenDays(market, network, result, "testErrors"),
  };
}

/**
 * The largest of a list of eps at which at most `share` of the fitted days break a limit: found by halving the list,
 * since a smaller eps never breaks more. It holds for those days, not for every distribution; radii of the comparators
 * that know no eps make every eps the same.
 * @returns undefined where no eps is small enough and has a solution
 */
export function calibrate(
  scenario: Scenario,
  settings: MarketSettings,
  share: number,
  observe: (epsilon: number, found: Calibrated | undefined) => void = () => {},
): Calibrated | undefined {
  let best: Calibrated | undefined;
  let [low, high] = [0, EPSILONS.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = atEpsilon(scenario, settings, EPSILONS[middle]);
    observe(EPSILONS[middle], found);
    if (found && found.fitted.any <= share * found.fitted.days) {
      best = found;
      high = middle - 1;
    } else if (found) low = middle + 1;
    // Tighter limits than those without a solution have none either.
    else high = middle - 1;
  }
  return best;
}
