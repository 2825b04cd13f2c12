import type { Method } from "../../clearing/acceleration/acceleration.ts";
import { runConsensus } from "../../clearing/consensus.ts";
import type { Message } from "../../clearing/message.ts";
import { DEFAULT_RHO, DEFAULT_SETTINGS, MEMORY, type Residual } from "../../clearing/settings.ts";
import { createMarket, defaultSettings } from "../../market/market.ts";
import { createNetwork } from "../../market/network.ts";
import { memoryTransport } from "../../net/memoryTransport.ts";
import { clarabelSolver } from "../../numerics/conicSolver.ts";
import { lineFigure, scatterFigure, type Series } from "../figures.ts";
import { liveLine } from "../output.ts";
import { scenarioOf, type Cell, type Experiment } from "./common.ts";

/** Every way to iterate; the over-relaxed one is plain with a longer step. */
export const WAYS = [
  { name: "plain", method: "admm", relaxation: 1 },
  { name: "over-relaxed 1.6", method: "admm", relaxation: 1.6 },
  { name: "gsa, one ratio", method: "gsa1", relaxation: 1 },
  { name: "gsa, several ratios", method: "gsa", relaxation: 1 },
  { name: "anderson", method: "anderson", relaxation: 1 },
] as const satisfies readonly { name: string; method: Method; relaxation: number }[];
type Way = (typeof WAYS)[number];

/** Nine multiples of the default penalties, each the root of two times the one before. */
export const RHO_SCALES = [1 / 4, Math.SQRT1_2 / 2, 1 / 2, Math.SQRT1_2, 1, Math.SQRT2, 2, 2 * Math.SQRT2, 4] as const;

export type ConvergenceOptions = {
  readonly feeders?: readonly { readonly name: string; readonly scan: boolean }[];
  readonly hours?: number;
  readonly maxIterations?: number;
};

type Run = {
  readonly feeder: string;
  readonly hours: number;
  readonly way: string;
  readonly rhoScale: number;
  readonly status: string;
  readonly iterations: number;
  readonly rejected: number;
  readonly residuals: readonly Residual[];
};

/** What both have to fall below one for: the residual that is further from its tolerance. */
const worse = ({ primal, dual }: Residual): number => Math.max(primal, dual);

/** A few hundred points are all that a curve can show: the largest residual of every stretch of iterations. */
export function envelope(residuals: readonly Residual[], points = 300): [number, number][] {
  const stretch = Math.max(1, Math.ceil(residuals.length / points));
  const curve: [number, number][] = [];
  for (let k = 0; k < residuals.length; k += stretch)
    curve.push([Math.min(k + stretch, residuals.length), Math.max(...residuals.slice(k, k + stretch).map(worse))]);
  return curve;
}

const said = ({ status, iterations, rejected }: Run): string =>
  status === "solved"
    ? `${iterations}${rejected > 0 ? ` (${rejected} rejected)` : ""}`
    : `not within ${iterations}${rejected > 0 ? ` (${rejected} rejected)` : ""}`;

/** Residuals against iterations for every method, and iterations against rho. */
export function convergenceExperiment(options: ConvergenceOptions = {}): Experiment {
  const feeders = options.feeders ?? [
    { name: "ieee15", scan: true },
    { name: "ieee141", scan: true },
  ];
  const hours = options.hours ?? 24;
  const maxIterations = options.maxIterations ?? 6000;
  const line = liveLine();
  const runs: Run[] = [];
  const text: string[] = [];
  const figures: Record<string, string> = {};
  for (const { name: feeder, scan } of feeders) {
    const scenario = scenarioOf(feeder, hours);
    const market = createMarket(scenario, defaultSettings(scenario));
    const network = createNetwork(market);
    const run = (way: Way, rhoScale: number): Run => {
      const result = runConsensus(
        market,
        network,
        {
          ...DEFAULT_SETTINGS,
          rho: DEFAULT_RHO.map((r) => r * rhoScale),
          relaxation: way.relaxation,
          maxIterations,
          acceleration: { ...DEFAULT_SETTINGS.acceleration, method: way.method, memory: MEMORY[way.method] },
        },
        clarabelSolver,
        memoryTransport<Message>(),
        {
          observe: (k, { primal, dual }) =>
            line.show(
              `${feeder} ${hours} h, ${way.name}, rho x ${rhoScale.toFixed(2)}: iteration ${k}  residual/tolerance: primal ${primal.toExponential(1)}  dual ${dual.toExponential(1)}`,
            ),
        },
      );
      const { status, iterations, rejected, residuals } = result;
      const one: Run = { feeder, hours, way: way.name, rhoScale, status, iterations, rejected, residuals };
      runs.push(one);
      return one;
    };
    const atDefault = WAYS.map((way) => run(way, 1));
    text.push(
      `**${feeder}, ${hours} h, default rho:** ${atDefault.map((one) => `${one.way} ${said(one)}`).join(", ")} iterations.`,
    );
    figures[feeder === feeders[0].name ? "" : `-${feeder}`] = lineFigure(
      {
        title: `${feeder}, ${hours} h: residuals, default rho`,
        x: "iteration",
        y: "larger residual over its tolerance",
      },
      atDefault.map((one): Series => ({
        name: one.status === "solved" ? one.way : `${one.way} (not within ${maxIterations})`,
        points: envelope(one.residuals),
        dashed: one.status !== "solved",
      })),
      { yLog: true },
      [{ at: 1, name: "stopping rule" }],
    );
    if (!scan) continue;
    const series = [WAYS[0], WAYS[3], WAYS[4]].map((way): { name: string; runs: Run[] } => ({
      name: way.name,
      runs: RHO_SCALES.map((scale) => (scale === 1 ? atDefault[WAYS.indexOf(way)] : run(way, scale))),
    }));
    const best = (list: readonly Run[]): Run | undefined =>
      list.filter(({ status }) => status === "solved").sort((a, b) => a.iterations - b.iterations)[0];
    text.push(
      `**${feeder}, ${hours} h, nine multiples of the default rho:** ${series
        .map(({ name, runs: list }) => {
          const least = best(list);
          const missed = list.filter(({ status }) => status !== "solved").length;
          return `${name} ${least ? `${least.iterations} iterations at its best (x ${least.rhoScale.toFixed(2)})` : "at none"}${missed > 0 ? `, ${missed} of 9 not within ${maxIterations}` : ""}`;
        })
        .join("; ")}.`,
    );
    figures[`-rho-${feeder}`] = scatterFigure(
      {
        title: `${feeder}, ${hours} h: iterations against rho (on the top edge: not within ${maxIterations})`,
        x: "multiple of the default rho",
        y: "iterations",
      },
      series.map(({ name, runs: list }) => ({
        name,
        points: list.map((one) => [one.rhoScale, one.iterations] as const),
      })),
      { xLog: true, yLog: true },
      { joined: true },
    );
  }
  line.end();
  return {
    title: "How the methods converge",
    header: "feeder,hours,method,rhoScale,status,iterations,rejected,primalOverTolerance,dualOverTolerance".split(","),
    rows: runs.map((r): Cell[] => {
      const last = r.residuals[r.residuals.length - 1];
      return [r.feeder, r.hours, r.way, r.rhoScale, r.status, r.iterations, r.rejected, last.primal, last.dual];
    }),
    json: {
      rho: [...DEFAULT_RHO],
      maxIterations,
      runs: runs.map(({ residuals, ...one }) => ({ ...one, largerResidual: envelope(residuals) })),
    },
    figures,
    text: [
      `ts-drcc, eps .05, from a cold start, to the stopping rule of residuals alone (\`clear\` goes on where the regrets ask for more). Iterations are evaluations: those of extrapolated points that were thrown away count. At most ${maxIterations} iterations; what does not stop by then is shown as such. Curves are upper envelopes.`,
      ...text,
    ],
  };
}
