import type { Market } from "../market/scenario/market.ts";
import { solutionFrom, unitsOf } from "../market/scenario/perUnit.ts";
import { readSchedule, type Solution } from "../market/result/solution.ts";
import type { ConsensusResult } from "./consensus.ts";
import type { LimitMultiplier } from "./areaProjection.ts";
import type { ProsumerState } from "./prosumerAgent.ts";

export type Cleared = {
  readonly solution: Solution;
  /** f(y) + rho u'(y - z), $: the Lagrangian at the final iterate, of which regrets measure the distance to the dual. */
  readonly objective: number;
  /** [prosumer] what its own best response could still gain at these prices, $. They add up to the duality gap: the operator's own is zero, u being normal to its set at z. */
  readonly regrets: Float64Array;
  /** The operator's binding limits with what they cost, $ per p.u.^2 or MVA of each image component (centre, then spread). */
  readonly limits: readonly (LimitMultiplier & { readonly hour: number })[];
};

/** Linear price that prosumer's copies see: rho u per component. */
function pricesOf(state: ProsumerState): Float64Array {
  return state.u.map((u, c) => state.settings.rho[state.layout.commodity[c]] * u);
}

/**
 * Puts the agents' final iterates together, out of the market's units, in which a period is one: quantities from the feasible copy z, devices
 * from y, prices rho u.
 */
export function assemble(market: Market, result: ConsensusResult): Cleared {
  const { hours, pairs } = market;
  const units = unitsOf(market);
  const money = units.mw * units.hours;
  const n = market.prosumers.length;
  const energyMw = pairs.map(() => new Float64Array(hours));
  const energyPrice = pairs.map(() => new Float64Array(hours));
  const carbonT = new Float64Array(pairs.length);
  const carbonPrice = new Float64Array(pairs.length);
  const slots = (): Float64Array[] => market.shares.map((s) => new Float64Array(s.length));
  const [shareMw, sharePrice, shareCharge] = [slots(), slots(), slots()];
  const byHour = (): Float64Array[] => Array.from({ length: hours }, () => new Float64Array(n));
  const [nodalPrice, nodalReactivePrice, injectionMw, injectionMvar] = [byHour(), byHour(), byHour(), byHour()];
  const priceMu = new Float64Array(n);
  let objective = 0;
  const regrets = new Float64Array(n);
  const schedules = result.prosumers.map((state, i) => {
    const { layout, problem, z } = state;
    const price = pricesOf(state);
    const stride = hours + 1;
    layout.pairs.forEach((pair, k) => {
      if (layout.signs[k] < 0) return;
      for (let t = 0; t < hours; t++) {
        energyMw[pair][t] = z[k * stride + t];
        // Selling costs rho u, so the price that makes it worthwhile is its negative; both sides hold the same.
        energyPrice[pair][t] = -price[k * stride + t];
      }
      carbonT[pair] = z[k * stride + hours];
      carbonPrice[pair] = -price[k * stride + hours];
    });
    for (let t = 0; t < hours; t++) {
      injectionMw[t][i] = z[layout.gridStart + t];
      injectionMvar[t][i] = z[layout.gridStart + hours + t];
      nodalPrice[t][i] = price[layout.gridStart + t];
      nodalReactivePrice[t][i] = price[layout.gridStart + hours + t];
    }
    layout.copies.forEach((copy, k) => {
      const value = price[layout.copiesStart + k];
      shareMw[copy.hour][copy.slot] = Math.max(0, z[layout.copiesStart + k]);
      if (copy.role !== "own") sharePrice[copy.hour][copy.slot] += (copy.role === "buyer" ? value : -value) / 2;
      shareCharge[copy.hour][copy.slot] += value;
    });
    const mine = layout.pairs.length;
    for (let k = 0; k < mine; k++) priceMu[i] -= price[k * stride + hours] / mine;
    let value = problem.cost();
    for (let c = 0; c < layout.size; c++) value += price[c] * problem.y[c];
    const best = problem.bestResponse(price);
    regrets[i] = best ? (value - best.value) * money : Infinity;
    // Without partners there is no price to agree on: its own, from desk and devices.
    if (mine === 0 && best) priceMu[i] = best.allowancePrice;
    objective += value;
    for (let c = 0; c < layout.size; c++) objective -= price[c] * z[c];
    return readSchedule(problem.variables, problem.x);
  });
  return {
    solution: solutionFrom(units, {
      schedules,
      injectionMw,
      injectionMvar,
      energyMw,
      energyPrice,
      shareMw,
      sharePrice,
      shareCharge,
      carbonT,
      carbonPrice,
      nodalPrice,
      nodalReactivePrice,
      priceMu,
    }),
    objective: objective * money,
    regrets,
    limits: result.operator.hours.flatMap((hour, t) =>
      hour.multipliers.map(({ limit, multiplier }) => ({
        hour: t,
        limit,
        multiplier: multiplier.map((m) => m * (limit < market.scenario.feeder.buses.length ? money : units.hours)),
      })),
    ),
  };
}
