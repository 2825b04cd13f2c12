import { acSweep } from "../grid/acSweep.ts";
import {
  branchFlows,
  busInjections,
  squaredVoltages,
  type BusInjections,
  type Network,
  type Tightening,
} from "../market/formulation/network.ts";
import { UNITS, type ClearingResult } from "../market/result/clearingResult.ts";
import { positionsWh } from "../market/result/verify.ts";
import type { Market } from "../market/scenario/market.ts";

/** Tightening takes off what the linear model gets wrong, over a few passes; it is believed up to this many times. */
const MOST = 2;
/** p.u. and share of the rating: the slack that tightening itself leaves. */
const SLACK = 1e-4;

/** By how much the AC sweep of the posted point is beyond limits: p.u., and loading above 1; nothing below 0. */
export type AcBeyond = { readonly voltagePu: number; readonly loading: number };

/** undefined: the sweep does not converge, and no tightening is known to help. */
export function acBeyond(market: Market, network: Network, result: ClearingResult): AcBeyond | undefined {
  const { feeder } = market.scenario;
  const positions = positionsWh(result);
  let [voltagePu, loading] = [0, 0];
  for (let t = 0; t < market.hours; t++) {
    const mw = positions[t].map((wh) => wh / UNITS / market.dt);
    const mvar = result.reactiveVar.map((row) => row[t] / UNITS);
    const injected = busInjections(network, t, mw, mvar);
    const ac = acSweep(feeder, network.topology, injected.mw, injected.mvar);
    if (!ac.converged) return undefined;
    feeder.buses.forEach(({ vMinPu, vMaxPu }, b) => {
      if (b > 0) voltagePu = Math.max(voltagePu, ac.voltagePu[b] - vMaxPu, vMinPu - ac.voltagePu[b]);
    });
    for (const share of ac.loading) loading = Math.max(loading, share - 1);
  }
  return { voltagePu, loading };
}

/**
 * Limits may be cleared tighter than they are, so that the AC sweep passes: by what the linear model gets wrong at the
 * posted point and no more. Whoever tightens without need makes the optimum of a smaller market look like that of this
 * one. Says by how much, where it is too much.
 */
export function unneededTightening(
  market: Market,
  network: Network,
  result: ClearingResult,
  { voltagePu, ratingShare }: Tightening,
): string | undefined {
  if (voltagePu === 0 && ratingShare === 0) return undefined;
  const { feeder } = market.scenario;
  const positions = positionsWh(result);
  let [voltageError, ratingError] = [0, 0];
  for (let t = 0; t < market.hours; t++) {
    const [mw, mvar] = [
      positions[t].map((wh) => wh / UNITS / market.dt),
      result.reactiveVar.map((row) => row[t] / UNITS),
    ];
    const { mw: p, mvar: q } = busInjections(network, t, mw, mvar);
    const standing = network.standing[t] as BusInjections | undefined;
    const flowP = branchFlows(network, mw, undefined, undefined, standing?.mw);
    const flowQ = branchFlows(network, mvar, undefined, undefined, standing?.mvar);
    const linear = squaredVoltages(network, flowP, flowQ);
    const ac = acSweep(feeder, network.topology, p, q);
    for (let b = 1; b < network.buses; b++)
      voltageError = Math.max(voltageError, Math.abs(ac.voltagePu[b] - Math.sqrt(linear[b])));
    feeder.branches.forEach(({ ratingMva }, l) => {
      if (ratingMva === null) return;
      const miss = (fp: number, fq: number): number => Math.hypot(fp - flowP[l], fq - flowQ[l]) / ratingMva;
      ratingError = Math.max(
        ratingError,
        miss(ac.flowMw[l], ac.flowMvar[l]),
        miss(ac.arrivingMw[l], ac.arrivingMvar[l]),
      );
    });
  }
  if (voltagePu > MOST * voltageError + SLACK)
    return `${voltagePu} p.u. for a linear model that is off by ${voltageError.toExponential(2)}`;
  if (ratingShare > MOST * ratingError + SLACK)
    return `${ratingShare} of every rating for a linear model that is off by ${ratingError.toExponential(2)}`;
  return undefined;
}
