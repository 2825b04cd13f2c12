import type { AccelerationSettings, Method } from "./acceleration/acceleration.ts";
import type { Market } from "../market/scenario/market.ts";
import { allowanceLevel } from "../market/scenario/perUnit.ts";
import { ALLOWANCES, COMMODITIES } from "../market/result/commodities.ts";
import { SUMS } from "./layout.ts";

/** How the distributed clearing runs; the same for every agent of a session. */
export type Settings = {
  /** Penalty per commodity in the order of COMMODITIES, $/unit^2. */
  readonly rho: Float64Array;
  /** 1 plain, up to 1.6 over-relaxed. */
  readonly relaxation: number;
  readonly acceleration: AccelerationSettings;
  readonly maxIterations: number;
  /** How long an agent waits for the messages of one iteration before it gives the session up. */
  readonly patienceMs: number;
  /** Stopping rule of market-model section 6, per commodity in its own unit. */
  readonly tolerance: {
    readonly primalAbsolute: number;
    readonly primalRelative: number;
    readonly dualAbsolute: number;
    readonly dualRelative: number;
  };
};

/**
 * Energy, allowances, reserve, active, reactive: a compromise over risk methods, found by search; reactive low, its
 * cost is nearly flat.
 */
export const DEFAULT_RHO = Float64Array.from([1000, 420, 240, 140, 14]);

/** Increments that every method combines. */
export const MEMORY: Readonly<Record<Method, number>> = { admm: 0, gsa1: 2, gsa: 12, anderson: 15 };

export const DEFAULT_SETTINGS: Settings = {
  rho: DEFAULT_RHO,
  relaxation: 1,
  acceleration: {
    method: "anderson",
    memory: MEMORY.anderson,
    decay: 1e6,
    vanishing: { start: 10, keeps: 0.95 },
  },
  maxIterations: 20_000,
  patienceMs: 120_000,
  tolerance: { primalAbsolute: 1e-6, primalRelative: 1e-5, dualAbsolute: 1e-4, dualRelative: 1e-5 },
};

/**
 * The settings as this session's agents use them. In a sparse trade graph what is traded passes through several hands,
 * so every rho falls, to two thirds where one pair in nine may trade; most of all that of allowances (tonnes against a
 * price band of a few dollars), with the root of that share on top. Found by search on both feeders. What an allowance
 * is worth beside energy, and how much is traded of it, are the market's own: see `allowanceLevel`.
 *
 * A nearby warm start's extra term pulls towards a share of what was traded, half of it where everybody may trade with
 * everybody and nearly all where few may: there pulling towards nothing leaves the residual of the 141-bus day forty
 * times larger after ten evaluations, and pulling towards all of it stops where a change opens a face (decision 0010).
 */
export function forTradeGraph(settings: Settings, market: Pick<Market, "pairs" | "prosumers" | "scenario">): Settings {
  const n = market.prosumers.length;
  const density = n > 1 ? (2 * market.pairs.length) / (n * (n - 1)) : 1;
  const rho = Float64Array.from(settings.rho);
  if (density > 0) {
    const root = Math.sqrt(density);
    for (let c = 0; c < rho.length; c++) rho[c] *= (1 + root) / 2;
    rho[ALLOWANCES] *= root;
  }
  rho[ALLOWANCES] *= allowanceLevel(market.scenario);
  const vanishing = { ...settings.acceleration.vanishing, centre: 1 - density / 2 };
  return { ...settings, rho, acceleration: { ...settings.acceleration, vanishing } };
}

/**
 * The settings of a session that starts from where an earlier one ended; `firstResidual` is that of the last cold one.
 */
export function startedFrom(settings: Settings, firstResidual: number): Settings {
  const { acceleration } = settings;
  const vanishing = { ...acceleration.vanishing, reference: firstResidual };
  return { ...settings, acceleration: { ...acceleration, vanishing } };
}

export type Residual = { readonly primal: number; readonly dual: number };

/**
 * [commodity] ratio of residual to tolerance.
 * norm(y - z) <= sqrt(n) abs + rel max(norm y, norm z);  norm(rho (y - z)) <= sqrt(n) abs + rel norm(rho u).
 *
 * The second is the dual residual as this order of steps has it: u is normal to Z at z exactly, and y is optimal for
 * the prices rho (u + y - z), so rho (y - z) is what the two prices differ by (while an extra regularisation vanishes,
 * y - 2 z + Proj(v) stands for y - z there). The textbook's rho (z - z_prev) belongs to the order y, z, u; in plain
 * iterations it is never larger (projections do not expand), and after an extrapolation it measures the leap only.
 */
export function residualsOf(sums: Float64Array, { tolerance }: Settings): Residual[] {
  return COMMODITIES.map((_, c) => {
    const [n, y, z, gap, change, price] = sums.subarray(SUMS * c, SUMS * (c + 1));
    if (n === 0) return { primal: 0, dual: 0 };
    const primalBound =
      Math.sqrt(n) * tolerance.primalAbsolute + tolerance.primalRelative * Math.max(Math.sqrt(y), Math.sqrt(z));
    const dualBound = Math.sqrt(n) * tolerance.dualAbsolute + tolerance.dualRelative * Math.sqrt(price);
    return { primal: Math.sqrt(gap) / primalBound, dual: Math.sqrt(change) / dualBound };
  });
}

/** Largest ratio of residual to tolerance over the commodities: solved when both are at most one. */
export const residualRatios = (sums: Float64Array, settings: Settings): Residual =>
  largestOf(residualsOf(sums, settings));

export function largestOf(residuals: readonly Residual[]): Residual {
  return {
    primal: residuals.reduce((most, { primal }) => Math.max(most, primal), 0),
    dual: residuals.reduce((most, { dual }) => Math.max(most, dual), 0),
  };
}
