import type { AccelerationSettings, Method } from "./acceleration/acceleration.ts";
import { COMMODITIES } from "./layout.ts";

/** How the distributed clearing runs; the same for every agent of a session. */
export type Settings = {
  /** Penalty per commodity in the order of COMMODITIES, $/unit^2. */
  readonly rho: Float64Array;
  /** 1 plain, up to 1.6 over-relaxed. */
  readonly relaxation: number;
  readonly acceleration: AccelerationSettings;
  readonly maxIterations: number;
  /** Stopping rule of market-model section 6, per commodity in its own unit. */
  readonly tolerance: {
    readonly primalAbsolute: number;
    readonly primalRelative: number;
    readonly dualAbsolute: number;
    readonly dualRelative: number;
  };
};

/**
 * Energy, allowances, reserve, active, reactive. A compromise over risk methods and feeders: allowances low, because across a sparse
 * trade graph they have tonnes to move against a price band of a few dollars; reactive low, because its cost is nearly flat.
 */
export const DEFAULT_RHO = Float64Array.from([500, 20, 200, 50, 5]);

/** Increments that every method combines. */
export const MEMORY: Readonly<Record<Method, number>> = { admm: 0, gsa1: 2, gsa: 12, anderson: 15 };

export const DEFAULT_SETTINGS: Settings = {
  rho: DEFAULT_RHO,
  relaxation: 1,
  acceleration: { method: "anderson", memory: MEMORY.anderson, decay: 1e6 },
  maxIterations: 20_000,
  tolerance: { primalAbsolute: 1e-6, primalRelative: 1e-5, dualAbsolute: 1e-4, dualRelative: 1e-5 },
};

export type Residual = { readonly primal: number; readonly dual: number };

/**
 * Largest ratio of residual to tolerance over the commodities: solved when both are at most one.
 * norm(y-z) <= sqrt(n) abs + rel max(norm y, norm z);  norm(rho (z - z_prev)) <= sqrt(n) abs + rel norm(rho u).
 */
export function residualRatios(sums: Float64Array, settings: Settings): Residual {
  const { tolerance } = settings;
  let primal = 0;
  let dual = 0;
  for (let c = 0; c < COMMODITIES.length; c++) {
    const [n, y, z, gap, change, price] = sums.subarray(6 * c, 6 * c + 6);
    if (n === 0) continue;
    const primalBound =
      Math.sqrt(n) * tolerance.primalAbsolute + tolerance.primalRelative * Math.max(Math.sqrt(y), Math.sqrt(z));
    const dualBound = Math.sqrt(n) * tolerance.dualAbsolute + tolerance.dualRelative * Math.sqrt(price);
    primal = Math.max(primal, Math.sqrt(gap) / primalBound);
    dual = Math.max(dual, Math.sqrt(change) / dualBound);
  }
  return { primal, dual };
}
