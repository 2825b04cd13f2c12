import { ownedBy } from "../devices/devices.ts";
import type { Market } from "../scenario/market.ts";
import type { Schedule, Solution } from "./solution.ts";

/**
 * What a schedule costs its owner over the horizon, $: devices (fuel, wear, discomfort, reactive, booking), without any
 * trade.
 */
export function deviceCost(market: Market, i: number, s: Schedule): number {
  const { reserveUpPerMw, reserveDownPerMw } = market.prosumers[i];
  const owned = ownedBy(market.prosumers[i]);
  let total = 0;
  for (let t = 0; t < market.hours; t++) {
    for (const { device, part } of owned) total += device.cost?.(part, s, t) ?? 0;
    total += (market.regularisation.reactive / 2) * s.reactiveMvar[t] * s.reactiveMvar[t];
    total += reserveUpPerMw * s.reserveUpMw[t] + reserveDownPerMw * s.reserveDownMw[t];
  }
  return total * market.dt;
}

/** The part of the objective that makes trades unique, $: kappa e^2, r^2 and c^2 over both sides. Nobody is paid it. */
export function uniquenessCost(market: Market, { energyMw, shareMw, carbonT }: Solution): number {
  const { trade: kappa, allowances } = market.regularisation;
  let total = 0;
  for (const pair of energyMw) for (const mw of pair) total += kappa * mw * mw * market.dt;
  market.shares.forEach((slots, t) =>
    slots.forEach(({ seller, buyer }, s) => {
      if (seller !== buyer) total += kappa * shareMw[t][s] * shareMw[t][s] * market.dt;
    }),
  );
  for (const t of carbonT) total += allowances * t * t;
  return total;
}

/** Emissions of a schedule, tCO2: own generation and what it imports. */
export function emissionsT(market: Market, i: number, s: Schedule): number {
  const owned = ownedBy(market.prosumers[i]);
  let total = 0;
  for (let t = 0; t < market.hours; t++) {
    const own = owned.reduce((sum, { device, part }) => sum + (device.emission?.(part, s, t) ?? 0), 0);
    total += own + market.scenario.carbon.gridTPerMwh[t] * s.importMw[t];
  }
  return total * market.dt;
}
