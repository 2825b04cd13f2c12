import { excess } from "../../market/result/excess.ts";
import { periodName } from "../../market/scenario/market.ts";
import { exposureOf, limitLabel, wilson } from "../../market/risk/exposure.ts";
import { acHeldOut, acMargin, passes } from "../../simulation/acMargin.ts";
import { outOfSample, whereOf } from "../../simulation/outOfSample/monteCarlo.ts";
import { intervalFigure, type Interval } from "../../report/figures.ts";
import {
  DRAWS,
  PROMISE,
  SEED,
  moved,
  scenarioOf,
  solve,
  worstOf,
  type Cell,
  type Experiment,
  type Solved,
} from "./common.ts";
import type { Horizon } from "./common.ts";

const VARIANTS = [
  { name: "no limits", settings: { network: false } },
  { name: "forecast point", settings: { network: true, networkRisk: false } },
  { name: "chance constraints", settings: { network: true, networkRisk: true } },
] as const;
const NOISE = 1e-6;

/** Limits that the forecast point itself breaks in LinDistFlow: how many hour-limits, and the worst. */
function atForecast({ market, network, solution }: Solved): { count: number; where: string; by: number } {
  let [count, where, by] = [0, "none", 0];
  for (let t = 0; t < market.hours; t++)
    for (const { id, centre, lower, upper } of exposureOf(market, network, solution, t).limits) {
      if (id.kind === "booking") continue;
      const over = Math.max(centre - upper, lower - centre);
      if (over <= NOISE) continue;
      count++;
      if (over > by) [where, by] = [`${periodName(market, t)}, ${limitLabel(id)}`, over];
    }
  return { count, where, by };
}

/** Largest excess half width over all limits and hours as the clearing itself measures it. */
function worstExcess({ market, network, solution }: Solved): number {
  let worst = -Infinity;
  for (let t = 0; t < market.hours; t++) {
    const gap = excess(market, network, t, {
      p: solution.schedules.map((s) => s.pMw[t]),
      q: solution.schedules.map((s) => s.qMvar[t]),
      shares: solution.shareMw[t],
    });
    for (const g of gap) if (g > worst) worst = g;
  }
  return worst;
}

type Variant = (typeof VARIANTS)[number];

/** One feeder's day cleared by one notion of the network, and what became of the feeder. */
type Measured = ReturnType<typeof measure>;

function measure(feeder: string, { name, settings }: Variant, solved: Solved) {
  const { market, network, solution } = solved;
  const held = outOfSample(market, network, solution, DRAWS, SEED);
  const grid = moved(held).filter((row) => row.limit.kind !== "booking");
  const worst = worstOf(grid);
  return {
    feeder,
    name,
    bounded: settings.network,
    objective: solved.objective,
    point: atForecast(solved),
    most: worst?.violation.heldOut.probability ?? 0,
    at: worst ? whereOf(worst) : "",
    above: grid.filter((row) => row.heldOutDays > market.settings.epsilon * held.heldOutDays).length,
    gap: settings.network && settings.networkRisk ? worstExcess(solved) : NaN,
    ac: acMargin(market, network, solution),
    real: acHeldOut(market, network, solution),
  };
}

function intervalOf({ feeder, name, real }: Measured): Interval {
  const { probability, low, high } = wilson(real.beyond, real.states);
  return { group: name, series: feeder, value: 100 * probability, low: 100 * low, high: 100 * high };
}

const rowOf = ({ feeder, name, objective, point, most, at, above, gap, ac, real }: Measured): Cell[] => [
  feeder,
  name,
  "solved",
  objective,
  point.count,
  point.where,
  point.by,
  most,
  at,
  above,
  gap,
  ac.voltageErrorPu,
  ac.flowErrorMva,
  ac.voltageBeyondPu,
  ac.loadingBeyond,
  ac.voltageEatenPu,
  ac.ratingEaten,
  real.states,
  real.beyond,
  real.loadingBeyond,
  real.voltageBeyondPu,
];

function textOf({ feeder, name, bounded, objective, point, most, at, above, gap, ac, real }: Measured): string {
  const broken =
    point.count === 0
      ? "no limit broken at the forecast"
      : `${point.count} hour-limits broken at the forecast, worst ${point.where} by ${point.by.toFixed(4)} MVA or p.u.²`;
  const margin = `AC sweep of the forecast: LinDistFlow off by ${ac.voltageErrorPu.toFixed(4)} p.u. and ${ac.flowErrorMva.toFixed(4)} MVA, highest loading ${(100 * (1 + ac.loadingBeyond)).toFixed(1)} %, nearest voltage limit ${(-ac.voltageBeyondPu).toFixed(4)} p.u. away`;
  const short = `short of ${Math.max(ac.voltageEatenPu, 0).toFixed(4)} p.u. and ${(100 * Math.max(ac.ratingEaten, 0)).toFixed(2)} % of a rating`;
  const kept = bounded ? `, margin ${passes(ac) ? "kept" : short}` : "";
  const worst = most > 0 ? `, worst ${at} in ${(100 * most).toFixed(1)} % of draws` : "";
  const beyond = `In AC ${real.beyond} of ${real.states} held-out hours go beyond a limit, by up to ${(100 * real.loadingBeyond).toFixed(1)} % of a rating and ${real.voltageBeyondPu.toFixed(4)} p.u.`;
  const excess = Number.isNaN(gap)
    ? ""
    : ` Largest excess half width of any chance constraint: ${gap.toExponential(1)}.`;
  return `**${feeder}, ${name}** ($${objective.toFixed(2)}): ${broken}; held-out, ${above} hour-limits above eps${worst}. ${margin}${kept}. ${beyond}${excess}`;
}

/**
 * What happens to the feeder when the market does not know it, knows it at the forecast, or knows it under uncertainty.
 */
export function networkExperiment({ hours }: Horizon = {}): Experiment {
  const rows: Cell[][] = [];
  const text: string[] = [];
  const intervals: Interval[] = [];
  for (const feeder of ["ieee15", "ieee141"]) {
    const scenario = scenarioOf(feeder, hours);
    for (const variant of VARIANTS) {
      const solved = solve(scenario, variant.settings);
      if (typeof solved === "string") {
        rows.push([feeder, variant.name, solved]);
        continue;
      }
      const measured = measure(feeder, variant, solved);
      intervals.push(intervalOf(measured));
      rows.push(rowOf(measured));
      text.push(textOf(measured));
    }
  }
  return {
    title: "What the network limits are for",
    header:
      "feeder,limits,status,costUsd,brokenAtForecast,worstAtForecast,worstAtForecastBy,worstHeldOut,worstHeldOutAt,aboveEpsilon,worstExcess,acVoltageErrorPu,acFlowErrorMva,acVoltageBeyondPu,acLoadingBeyond,acVoltageEatenPu,acRatingEaten,acHeldOutHours,acHeldOutBeyond,acHeldOutLoadingBeyond,acHeldOutVoltageBeyondPu".split(
        ",",
      ),
    rows,
    figures: {
      "": intervalFigure(
        {
          title: "Held-out hours beyond a voltage or line limit, full AC",
          x: "what the market knows of the network",
          y: "hours of held-out days, %",
        },
        intervals,
      ),
    },
    text: [
      `Central method, ts-drcc, eps .05: ${PROMISE}. Both feeders, 24 h. A sweep counts as beyond at 1e-4 p.u. or .1 % of a rating; constraints whose fitted errors cancel are left out of the held-out count (see the report of \`clear --monte-carlo\`).`,
      ...text,
    ],
  };
}
