/** The runs of the convergence experiment on one feeder, in a process of its own. Prints them as JSON. */
import { pathToFileURL } from "node:url";
import type { Method } from "../../clearing/acceleration/acceleration.ts";
import { runConsensus } from "../../clearing/consensus.ts";
import type { Message } from "../../clearing/message.ts";
import type { Residual } from "../../clearing/settings.ts";
import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import { memoryTransport } from "../../net/memoryTransport.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { liveLine } from "../../io/output.ts";
import { settingsFor } from "../../simulation/clear.ts";
import { scenarioOf } from "./common.ts";

/**
 * Every way to iterate; two of them are plain with a help that is not an acceleration: the vanishing regularisation, a
 * longer step.
 */
export const WAYS = [
  { name: "plain", method: "admm", relaxation: 1 },
  { name: "plain, vanishing regularisation", method: "admm", relaxation: 1, vanishing: true },
  { name: "over-relaxed 1.6", method: "admm", relaxation: 1.6 },
  { name: "gsa, one ratio", method: "gsa1", relaxation: 1 },
  { name: "gsa, several ratios", method: "gsa", relaxation: 1 },
  { name: "anderson", method: "anderson", relaxation: 1 },
] as const satisfies readonly { name: string; method: Method; relaxation: number; vanishing?: boolean }[];
export type Way = (typeof WAYS)[number];

/** Those whose iterations are shown against rho. */
export const SCANNED: readonly Way[] = [WAYS[0], WAYS[1], WAYS[4], WAYS[5]];

/** Nine multiples of the default penalties, each the root of two times the one before. */
export const RHO_SCALES = [1 / 4, Math.SQRT1_2 / 2, 1 / 2, Math.SQRT1_2, 1, Math.SQRT2, 2, 2 * Math.SQRT2, 4] as const;

export type ConvergenceTask = {
  readonly feeder: string;
  /** Of the runs at the default rho, and of those at every rho. */
  readonly hours: number;
  readonly scanHours: number;
  /** The accelerated methods at every rho too, not at the default one alone. */
  readonly scanAll: boolean;
  readonly maxIterations: number;
  /** Every method at the default rho, or some at every rho; both when absent. */
  readonly part?: "default" | "scan";
};

export type ConvergenceRow = {
  readonly feeder: string;
  readonly hours: number;
  readonly way: string;
  readonly rhoScale: number;
  readonly status: string;
  readonly iterations: number;
  readonly rejected: number;
  readonly last: Residual;
  /** [iteration, larger residual over its tolerance], the upper envelope of a few hundred stretches. */
  readonly curve: readonly (readonly [number, number])[];
};

/** What is drawn of a residual: the larger of its two ratios to the tolerance. */
export const larger = ({ primal, dual }: Residual): number => Math.max(primal, dual);

/**
 * A few hundred points are all that a figure can show: the larger residual at its highest in every stretch of
 * iterations.
 */
export function envelope(residuals: readonly Residual[], points = 300): [number, number][] {
  const stretch = Math.max(1, Math.ceil(residuals.length / points));
  const curve: [number, number][] = [];
  for (let k = 0; k < residuals.length; k += stretch) {
    const worst = residuals.slice(k, k + stretch).map(larger);
    curve.push([k + worst.length, Math.max(...worst)]);
  }
  return curve;
}

export function convergenceRuns({
  feeder,
  hours,
  scanHours,
  scanAll,
  maxIterations,
  part,
}: ConvergenceTask): ConvergenceRow[] {
  const line = liveLine();
  const runner = (periods: number) => {
    const scenario = scenarioOf(feeder, periods);
    const market = createMarket(scenario, defaultSettings(scenario));
    const network = createNetwork(market);
    return (way: Way, rhoScale: number): ConvergenceRow => {
      const { method, relaxation } = way;
      const settings = settingsFor(method, { rhoScale, maxIterations, relaxation, vanishing: "vanishing" in way });
      const result = runConsensus(market, network, settings, {
        solver: clarabelSolver,
        carrier: memoryTransport<Message>(),
        observe: (k, { primal, dual }) =>
          line.show(
            `${feeder} ${periods} h, ${way.name}, rho x ${rhoScale.toFixed(2)}: iteration ${k}  residual/tolerance: primal ${primal.toExponential(1)}  dual ${dual.toExponential(1)}`,
          ),
      });
      const { status, iterations, rejected, residuals } = result;
      const last = residuals[residuals.length - 1];
      const row = { feeder, hours: periods, way: way.name, rhoScale, status, iterations, rejected, last };
      return { ...row, curve: envelope(residuals) };
    };
  };
  const run = runner(hours);
  const rows = part === "scan" ? [] : WAYS.map((way) => run(way, 1));
  const scan = scanHours === hours ? run : runner(scanHours);
  for (const way of part === "default" ? [] : SCANNED)
    for (const scale of scanAll || way.method === "admm" ? RHO_SCALES : [1])
      if (scale !== 1 || scanHours !== hours) rows.push(scan(way, scale));
  line.end();
  return rows;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(convergenceRuns(JSON.parse(process.argv[2]) as ConvergenceTask)));
