import { uncertainParts } from "../../market/scenario/errorParts.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { outOfSample, type LimitReport } from "../../simulation/outOfSample/monteCarlo.ts";
import { bootstrapRadii, NEGLIGIBLE_SIGMA } from "../../scenarios/moments.ts";
import { seeded } from "../../scenarios/prng.ts";
import { scatterFigure, type Series } from "../../report/figures.ts";
import { DRAWS, PROMISE, SEED, moved, scenarioOf, solve, type Cell, type Experiment } from "./common.ts";
import type { Horizon } from "./common.ts";

const SIZES = [4, 6, 8, 12, 16, 24, 32];
const RESAMPLES = 100;

/**
 * The scenario with moments fitted on its last `size` samples: F is their centred deviations over sqrt(size - 1), which
 * needs no full rank. Sources that err less than the threshold in these samples get a zero column, as when a scenario
 * is resolved.
 */
export function refitted(scenario: Scenario, size: number, radii: boolean): Scenario {
  const { fitErrors } = scenario.uncertainty;
  const random = seeded(SEED);
  const parts = uncertainParts(scenario);
  const samples = fitErrors.map((hour) => hour.slice(-size));
  const factor = samples.map((hour) => {
    const sources = hour[0].map((_, s) => {
      const mean = hour.reduce((sum, sample) => sum + sample[s], 0) / size;
      const column = hour.map((sample) => (sample[s] - mean) / Math.sqrt(size - 1));
      const deviation = Math.sqrt(column.reduce((sum, x) => sum + x * x, 0));
      return deviation > NEGLIGIBLE_SIGMA ? column : column.map(() => 0);
    });
    return hour.map((_, r) =>
      parts.map((own) => own.reduce((sum, { ratingMw, source }) => sum + ratingMw * sources[source][r], 0)),
    );
  });
  const bounds = samples.map((hour) => (radii ? bootstrapRadii(hour, parts, RESAMPLES, random) : { mean: 0, std: 0 }));
  return {
    ...scenario,
    risk: { ...scenario.risk, meanRadius: bounds.map((b) => b.mean), stdRadius: bounds.map((b) => b.std) },
    uncertainty: { ...scenario.uncertainty, factor },
  };
}

const VARIANTS = [
  { name: "15 bus, bookings, as fitted", feeder: "ieee15", hours: 24, networkRisk: false, radii: false },
  { name: "15 bus, bookings, bootstrap radii", feeder: "ieee15", hours: 24, networkRisk: false, radii: true },
  { name: "15 bus, and network, as fitted", feeder: "ieee15", hours: 24, networkRisk: true, radii: false },
  { name: "141 bus, and network, as fitted", feeder: "ieee141", hours: 6, networkRisk: true, radii: false },
] as const;

/** Held-out violation and cost against how many days the moments were fitted on. */
export function dataSizeExperiment({ hours: most = Infinity }: Horizon = {}): Experiment {
  const rows: Cell[][] = [];
  const text: string[] = [];
  const [violation, cost]: [Series[], Series[]] = [[], []];
  for (const { name, feeder, hours, networkRisk, radii } of VARIANTS) {
    const scenario = scenarioOf(feeder, Math.min(hours, most));
    const points: [number, number][] = [];
    const costs: [number, number][] = [];
    const said: string[] = [];
    for (const size of SIZES) {
      const solved = solve(refitted(scenario, size, radii), { networkRisk });
      if (typeof solved === "string") {
        rows.push([name, feeder, hours, size, solved]);
        continue;
      }
      const o = outOfSample(solved.market, solved.network, solved.solution, DRAWS, SEED);
      const held: readonly LimitReport[] = moved(o).filter((row) => networkRisk || row.limit.kind === "booking");
      const booked = held.filter((row) => row.limit.kind === "booking");
      const mean = booked.reduce((sum, row) => sum + row.violation.heldOut.probability, 0) / booked.length;
      const worst = Math.max(...held.map((row) => row.violation.heldOut.probability));
      const above = held.filter((row) => row.heldOutDays > solved.market.settings.epsilon * o.heldOutDays).length;
      rows.push([name, feeder, hours, size, "solved", solved.objective, mean, worst, above, held.length]);
      points.push([size, 100 * mean]);
      costs.push([size, solved.objective]);
      if (size === SIZES[0] || size === 12 || size === SIZES[SIZES.length - 1])
        said.push(
          `${size} samples $${solved.objective.toFixed(2)}, mean ${(100 * mean).toFixed(2)} %, worst ${(100 * worst).toFixed(1)} %, ${above} of ${held.length} above eps`,
        );
    }
    violation.push({ name, points });
    const last = costs[costs.length - 1]?.[1] ?? NaN;
    cost.push({ name, points: costs.map(([size, value]) => [size, (100 * value) / last]) });
    text.push(`**${name}:** ${said.length > 0 ? said.join("; ") : "infeasible throughout"}.`);
  }
  const x = "days the moments were fitted on";
  return {
    title: "How much data the moments need",
    header:
      "variant,feeder,hours,samples,status,costUsd,meanBookingViolation,worstViolation,aboveEpsilon,constraints".split(
        ",",
      ),
    rows,
    figures: {
      "": scatterFigure(
        {
          title: "Bookings broken by held-out days, mean over bookings",
          x,
          y: "held-out draws beyond, %",
        },
        violation,
        { yZero: true },
        { joined: true },
      ),
      "-cost": scatterFigure(
        { title: "Cost against that with all 32 days", x, y: "cost, % of that with 32 days" },
        cost,
        {},
        { joined: true },
      ),
    },
    text: [
      `Central method, ts-drcc, eps .05: ${PROMISE}. ieee15 24 h, ieee141 its first 6 hours (night and dawn). Moments from the last n of the 32 fitting days; the forecast stays debiased by all of them. Radii: bootstrap 95 % quantiles of ${RESAMPLES} resamples of the same n days, on bookings alone: with the network under risk too they leave nothing feasible in daylight, from hour 8 on, as few days bound a covariance of 16 sources badly.`,
      ...text,
    ],
  };
}
