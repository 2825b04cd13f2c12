import { acSweep } from "../grid/acSweep.ts";
import type { Market } from "../market/scenario/market.ts";
import {
  busInjections,
  FACET_COS,
  FACET_SIN,
  NO_TIGHTENING,
  riskLevel,
  type Network,
  type Tightening,
} from "../market/formulation/network.ts";
import { MOST_TIGHTENINGS, tighter, TIGHTENING_SLACK } from "../market/formulation/tightening.ts";
import { exposureOf, momentsOf } from "../market/risk/exposure.ts";
import { requiredHalfWidth } from "../market/risk/tsDrcc.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import type { Solution } from "../market/result/solution.ts";
import { clear, type ClearedSession, type ClearOptions } from "./clear.ts";
import { factorFor, heldOutErrors } from "./outOfSample/violations.ts";

/** What LinDistFlow got wrong on a cleared day, against the full AC sweep. All are maxima over the hours. */
export type AcMargin = {
  /** Only then are there figures; without, they are NaN and nothing passes. */
  readonly converged: boolean;
  /** LinDistFlow against AC: voltage magnitude, p.u.; apparent power at the more loaded end, MVA. */
  readonly voltageErrorPu: number;
  readonly flowErrorMva: number;
  /** Forecast point beyond the limits themselves: p.u., and loading above 1. At most 0: the sweep passes. */
  readonly voltageBeyondPu: number;
  readonly loadingBeyond: number;
  /**
   * What the AC state lacks of the margin that the chance constraints ask for: p.u., share of the rating. At most 0:
   * nothing eaten.
   */
  readonly voltageEatenPu: number;
  readonly ratingEaten: number;
};

const UNKNOWN: AcMargin = {
  converged: false,
  voltageErrorPu: NaN,
  flowErrorMva: NaN,
  voltageBeyondPu: NaN,
  loadingBeyond: NaN,
  voltageEatenPu: NaN,
  ratingEaten: NaN,
};

/** Measures a cleared point against the limits of `network`, which are the real ones, not tightened. */
export function acMargin(market: Market, network: Network, solution: Solution): AcMargin {
  const { feeder } = market.scenario;
  let [voltageErrorPu, flowErrorMva] = [0, 0];
  let [voltageBeyondPu, loadingBeyond, voltageEatenPu, ratingEaten] = [-1, -1, -1, -1];
  for (let t = 0; t < market.hours; t++) {
    const hour = exposureOf(market, network, solution, t);
    const factor = market.settings.networkRisk ? factorFor(market, t, hour.columns) : [];
    const level = riskLevel(market, t);
    // What is posted; schedules meet it to the clearing's tolerance.
    const injected = busInjections(network, t, solution.injectionMw[t], solution.injectionMvar[t]);
    const ac = acSweep(feeder, network.topology, injected.mw, injected.mvar);
    if (!ac.converged) return UNKNOWN;
    const busAt = (bus: number): number => network.topology.indexOfBus.get(bus) as number;
    for (const limit of hour.limits) {
      if (limit.id.kind === "booking") continue;
      const { s } = momentsOf(hour, limit, factor);
      const size = market.settings.networkRisk
        ? Math.abs(limit.scale) * Math.sqrt(hour.modes[limit.mode].reduce((sum, a) => sum + a * a, 0))
        : 0;
      const [middle, T] = [(limit.upper + limit.lower) / 2, (limit.upper - limit.lower) / 2];
      const lacks = (centre: number): number =>
        requiredHalfWidth(Math.abs(centre - middle) + level.meanRadius * size, s + level.stdRadius * size, level) - T;
      if (limit.id.kind === "voltage") {
        const bus = busAt(limit.id.bus);
        const v = ac.voltagePu[bus];
        voltageErrorPu = Math.max(voltageErrorPu, Math.abs(v - Math.sqrt(limit.centre)));
        const { vMinPu, vMaxPu } = feeder.buses[bus];
        voltageBeyondPu = Math.max(voltageBeyondPu, v - vMaxPu, vMinPu - v);
        voltageEatenPu = Math.max(voltageEatenPu, lacks(v * v) / (2 * vMinPu));
      } else {
        const l = network.topology.branchTo[busAt(limit.id.to)];
        const [c, d] = [FACET_COS[limit.id.facet], FACET_SIN[limit.id.facet]];
        const ends = [c * ac.flowMw[l] + d * ac.flowMvar[l], c * ac.arrivingMw[l] + d * ac.arrivingMvar[l]];
        flowErrorMva = Math.max(flowErrorMva, ...ends.map((f) => Math.abs(f - limit.centre)));
        ratingEaten = Math.max(ratingEaten, ...ends.map((f) => lacks(f) / T));
        loadingBeyond = Math.max(loadingBeyond, ac.loading[l] - 1);
      }
    }
  }
  return {
    converged: true,
    voltageErrorPu,
    flowErrorMva,
    voltageBeyondPu,
    loadingBeyond,
    voltageEatenPu,
    ratingEaten,
  };
}

/**
 * The sweep of the forecast point keeps inside the limits, as an auditor will check to the last digit, and but for the
 * slack inside what the chance constraints leave of them.
 */
export const passes = (m: AcMargin): boolean =>
  m.converged &&
  Math.max(m.voltageBeyondPu, m.loadingBeyond) <= 0 &&
  Math.max(m.voltageEatenPu, m.ratingEaten) <= TIGHTENING_SLACK;

export type Tightened = {
  readonly session: ClearedSession;
  readonly tightening: Tightening;
  /** [pass] margins measured after each clearing; the last one passes unless the clearing gave up. */
  readonly measured: readonly AcMargin[];
};

/**
 * Clears, sweeps, and takes what the sweep found missing off the limits, until it passes. `real`: the limits as they
 * are.
 */
export function clearTightened(
  scenario: Parameters<typeof clear>[0],
  options: ClearOptions,
  real: (market: Market) => Network,
): Tightened {
  let tightening = NO_TIGHTENING;
  const measured: AcMargin[] = [];
  for (let pass = 1; ; pass++) {
    const session = clear(scenario, { ...options, tightening });
    if (session.outcome === undefined)
      return {
        session: {
          ...session,
          reason: `${session.reason ?? session.status} (limits tightened by ${tightening.voltagePu.toFixed(5)} p.u. and ${(100 * tightening.ratingShare).toFixed(2)} % of the rating)`,
        },
        tightening,
        measured,
      };
    const margin = acMargin(session.market, real(session.market), session.outcome.solution);
    measured.push(margin);
    if (passes(margin) || pass === MOST_TIGHTENINGS || !session.network || !margin.converged)
      return { session, tightening, measured };
    tightening = tighter(tightening, {
      voltagePu: Math.max(margin.voltageBeyondPu, margin.voltageEatenPu),
      ratingShare: Math.max(margin.loadingBeyond, margin.ratingEaten),
    });
  }
}

/**
 * Held-out days in AC: how often, and how far, realised errors take the feeder beyond its limits. Hours and days count
 * once each.
 */
export type AcHeldOut = {
  readonly states: number;
  readonly beyond: number;
  readonly voltageBeyondPu: number;
  readonly loadingBeyond: number;
};

/**
 * Sweeps every held-out day and hour with its real errors and the answers to them. Beyond: 1e-4 p.u. or 1e-3 of a
 * rating.
 */
export function acHeldOut(market: Market, network: Network, solution: Solution): AcHeldOut {
  const { feeder } = market.scenario;
  let [states, beyond, voltageBeyondPu, loadingBeyond] = [0, 0, 0, 0];
  for (let t = 0; t < market.hours; t++) {
    const hour = exposureOf(market, network, solution, t);
    const errors = heldOutErrors(market, t, hour.columns);
    const width = hour.columns.length;
    const q = solution.schedules.map((s) => s.qMvar[t]);
    const sellers = new Map(market.prosumers.map((p, i) => [p.id, i]));
    for (let d = 0; d < errors.length / width; d++) {
      const p = solution.schedules.map((s) => s.pMw[t]);
      hour.columns.forEach((i, c) => (p[i] += errors[d * width + c]));
      for (const { id, mode } of hour.limits)
        if (id.kind === "booking")
          hour.modes[mode].forEach((a, c) => (p[sellers.get(id.prosumer) as number] += a * errors[d * width + c]));
      const injected = busInjections(network, t, p, q);
      const ac = acSweep(feeder, network.topology, injected.mw, injected.mvar);
      states++;
      // Beyond what the feeder can carry at all: counted, but by no figure.
      if (!ac.converged) {
        beyond++;
        continue;
      }
      let [v, load] = [0, 0];
      feeder.buses.forEach((bus, b) => {
        if (b > 0) v = Math.max(v, ac.voltagePu[b] - bus.vMaxPu, bus.vMinPu - ac.voltagePu[b]);
      });
      ac.loading.forEach((x) => (load = Math.max(load, x - 1)));
      if (v > 1e-4 || load > 1e-3) beyond++;
      voltageBeyondPu = Math.max(voltageBeyondPu, v);
      loadingBeyond = Math.max(loadingBeyond, load);
    }
  }
  return { states, beyond, voltageBeyondPu, loadingBeyond };
}

/** `tightening` of clearing.json. */
export function tighteningRecord({ tightening, measured }: Tightened): ClearingJson["tightening"] {
  const figures = (margin: AcMargin) =>
    margin.converged
      ? margin
      : {
          converged: false,
          voltageErrorPu: null,
          flowErrorMva: null,
          voltageBeyondPu: null,
          loadingBeyond: null,
          voltageEatenPu: null,
          ratingEaten: null,
        };
  return { ...tightening, passed: passes(measured[measured.length - 1]), measured: measured.map(figures) };
}
