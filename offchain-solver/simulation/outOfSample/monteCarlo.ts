import type { Market } from "../../market/scenario/market.ts";
import type { Network } from "../../market/formulation/network.ts";
import {
  exposureOf,
  limitLabel,
  momentsOf,
  wilson,
  type Exposure,
  type HourExposure,
} from "../../market/risk/exposure.ts";
import { worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import type { Solution } from "../../market/result/solution.ts";
import { seeded } from "../../scenarios/prng.ts";
import { along, drawOf, extremal, SHAPES, type Draw } from "./distributions.ts";

/** Beyond a limit by less than this, in its own unit (MW, MVA, squared p.u.), is solver noise. */
export const TOLERANCE = 1e-5;
/** Binding constraints of a kind, those with the largest deviation, that the adversary is let loose on. */
const ADVERSARIES = 6;
/** An adversary needs something to move: least deviation over half width. */
const LEAST_DEVIATION = 1e-2;

export const SOURCES = ["heldOut", ...SHAPES] as const;
export type SourceName = (typeof SOURCES)[number];

export type Estimate = { readonly probability: number; readonly low: number; readonly high: number };

export type LimitReport = {
  readonly hour: number;
  readonly limit: Exposure["id"];
  /** Centre and deviation for the fitted moments over the half width: 1 and 0 is a limit met exactly. */
  readonly offset: number;
  readonly deviation: number;
  /** Largest violation over all distributions with the fitted moments. */
  readonly worstCase: number;
  readonly violation: Readonly<Record<SourceName, Estimate>>;
  /** Held-out days beyond the limit; what the drawing with replacement converges to. */
  readonly heldOutDays: number;
};

export type OutOfSample = {
  readonly draws: number;
  readonly seed: number;
  readonly epsilon: number;
  readonly tolerance: number;
  readonly heldOutDays: number;
  readonly limits: readonly LimitReport[];
  /** Any limit broken: in an hour (mean over hours), and anywhere in the day. eps promises neither. */
  readonly joint: Readonly<Record<SourceName, { readonly hour: Estimate; readonly day: Estimate }>>;
  readonly adversarial: readonly {
    readonly hour: number;
    readonly limit: Exposure["id"];
    readonly expected: number;
    readonly violation: Estimate;
  }[];
  /** Limits whose held-out violation is above eps, each with what the held-out days did differently. */
  readonly aboveEpsilon: readonly { readonly hour: number; readonly limit: Exposure["id"]; readonly why: string }[];
};

/**
 * Draws [draw][component] flat, with the length of the longest: limits that it cannot reach need no look at the rest.
 */
type Sample = { readonly values: Float64Array; readonly width: number; readonly draws: number; readonly reach: number };

function sampleOf(values: Float64Array, width: number): Sample {
  const draws = width > 0 ? values.length / width : 0;
  let longest = 0;
  for (let d = 0; d < draws; d++) {
    let square = 0;
    for (let c = d * width; c < (d + 1) * width; c++) square += values[c] * values[c];
    longest = Math.max(longest, square);
  }
  return { values, width, draws, reach: Math.sqrt(longest) };
}

/** Calls `beyond` for every limit and draw that breaks it; `modes` act on the sample's components. */
function violations(
  limits: readonly Exposure[],
  modes: readonly Float64Array[],
  { values, width, draws, reach }: Sample,
  beyond: (limit: number, draw: number, excess: number) => void,
): void {
  const at = new Float64Array(draws);
  let mode = -1;
  limits.forEach((limit, k) => {
    const a = modes[limit.mode];
    const { scale, centre, lower, upper } = limit;
    let square = 0;
    for (let c = 0; c < width; c++) square += a[c] * a[c];
    const furthest = Math.abs(scale) * Math.sqrt(square) * reach;
    if (centre + furthest <= upper + TOLERANCE && centre - furthest >= lower - TOLERANCE) return;
    if (mode !== limit.mode) {
      mode = limit.mode;
      for (let d = 0; d < draws; d++) {
        let sum = 0;
        for (let c = 0; c < width; c++) sum += a[c] * values[d * width + c];
        at[d] = sum;
      }
    }
    for (let d = 0; d < draws; d++) {
      const value = centre + scale * at[d];
      const excess = Math.max(value - upper, lower - value);
      if (excess > TOLERANCE) beyond(k, d, excess);
    }
  });
}

/** [row][column] of the fitted factor for the exposure's columns. */
export function factorFor(market: Market, hour: number, columns: readonly number[]): Float64Array[] {
  const { uncertain, factor } = market.scenario.uncertainty;
  const place = columns.map((i) => uncertain.indexOf(market.prosumers[i].id));
  return factor[hour].map((row) => Float64Array.from(place, (c) => (c < 0 ? 0 : row[c])));
}

/** Held-out errors of one hour, MW: [day][column] flat. */
export function heldOutErrors(market: Market, hour: number, columns: readonly number[]): Float64Array {
  return Float64Array.from(
    market.scenario.uncertainty.testErrors[hour].flatMap((sample) =>
      columns.map((i) => {
        const { renewable } = market.prosumers[i];
        return renewable ? renewable.ratingMw * sample[renewable.source] : 0;
      }),
    ),
  );
}

function sampled(draw: Draw, rows: number, draws: number): Sample {
  const values = new Float64Array(draws * rows);
  for (let d = 0; d < draws; d++) draw(values.subarray(d * rows, (d + 1) * rows));
  return sampleOf(values, rows);
}

/** Modes per unit of zeta, where xi = F'zeta. */
function onFactor(hour: HourExposure, factor: readonly Float64Array[]): Float64Array[] {
  return hour.modes.map((mode) =>
    Float64Array.from(factor, (row) => {
      let sum = 0;
      for (let c = 0; c < row.length; c++) sum += row[c] * mode[c];
      return sum;
    }),
  );
}

/**
 * How often each two-sided constraint of a cleared day is broken: by errors drawn from the held-out days (whole days,
 * so that hours keep together), by four shapes with the fitted moments, and by the extremal law of the constraints that
 * bind.
 */
export function outOfSample(
  market: Market,
  network: Network,
  solution: Solution,
  draws: number,
  seed: number,
): OutOfSample {
  const { epsilon } = market.settings;
  const random = seeded(seed);
  const days = market.scenario.uncertainty.testErrors[0].length;
  const drawnDay = Int32Array.from({ length: draws }, () => Math.floor(random() * days));
  const timesDrawn = new Int32Array(days);
  for (const day of drawnDay) timesDrawn[day]++;
  const shapes = SHAPES.map((shape) => drawOf(shape, random));
  const anyDay = Object.fromEntries(SOURCES.map((s) => [s, new Uint8Array(s === "heldOut" ? days : draws)]));
  const anyHour = Object.fromEntries(SOURCES.map((s) => [s, 0]));
  const limits: LimitReport[] = [];
  const aboveEpsilon: { hour: number; limit: Exposure["id"]; why: string }[] = [];
  const targets: Target[] = [];

  for (let t = 0; t < market.hours; t++) {
    const hour = exposureOf(market, network, solution, t);
    const factor = factorFor(market, t, hour.columns);
    const real = sampleOf(heldOutErrors(market, t, hour.columns), hour.columns.length);
    const modes = onFactor(hour, factor);
    const byDay = new Int32Array(hour.limits.length);
    // A day counts as often as it was drawn.
    const tally = (
      source: SourceName,
      effects: readonly Float64Array[],
      sample: Sample,
      weight?: Int32Array,
    ): Int32Array => {
      const hits = new Int32Array(hour.limits.length);
      const any = new Uint8Array(sample.draws);
      violations(hour.limits, effects, sample, (limit, d) => {
        hits[limit] += weight ? weight[d] : 1;
        if (weight) byDay[limit]++;
        any[d] = 1;
      });
      any.forEach((hit, d) => {
        anyHour[source] += hit * (weight ? weight[d] : 1);
        anyDay[source][d] |= hit;
      });
      return hits;
    };
    const hits: Record<string, Int32Array> = { heldOut: tally("heldOut", hour.modes, real, timesDrawn) };
    SHAPES.forEach((shape, k) => {
      hits[shape] = tally(shape, modes, sampled(shapes[k], factor.length, draws));
    });

    hour.limits.forEach((limit, k) => {
      const { offset, s, T: half } = momentsOf(hour, limit, factor);
      // Nothing is booked where nothing is answered: a limit of no width is as wide as what does not count as a
      // violation.
      const T = Math.max(half, TOLERANCE);
      const worst = worstCaseViolation(Math.abs(offset), s, Math.max(T, Math.abs(offset) + TOLERANCE));
      if (s === 0 && SOURCES.every((source) => hits[source][k] === 0)) return;
      if (s > LEAST_DEVIATION * T && worst > 0.9 * epsilon && worst < 1.1 * epsilon)
        targets.push({ hour: t, exposure: hour, limit, deviation: s / T });
      limits.push({
        hour: t,
        limit: limit.id,
        offset: offset / T,
        deviation: s / T,
        worstCase: worst,
        violation: Object.fromEntries(
          SOURCES.map((source) => [source, wilson(hits[source][k], draws)]),
        ) as LimitReport["violation"],
        heldOutDays: byDay[k],
      });
      if (byDay[k] / days > epsilon)
        aboveEpsilon.push({ hour: t, limit: limit.id, why: explain(hour, limit, factor, real, byDay[k], epsilon) });
    });
  }
  const joint = Object.fromEntries(
    SOURCES.map((source) => [
      source,
      {
        hour: wilson(anyHour[source], draws * market.hours),
        day: wilson(
          anyDay[source].reduce((sum, hit, d) => sum + hit * (source === "heldOut" ? timesDrawn[d] : 1), 0),
          draws,
        ),
      },
    ]),
  ) as OutOfSample["joint"];
  const adversarial = [true, false].flatMap((booking) =>
    targets
      .filter(({ limit }) => (limit.id.kind === "booking") === booking)
      .sort((a, b) => b.deviation - a.deviation)
      .slice(0, ADVERSARIES)
      .map((target, k) => attack(market, target, draws, (seed + 1 + k + (booking ? 0 : ADVERSARIES)) >>> 0)),
  );
  return {
    draws,
    seed,
    epsilon,
    tolerance: TOLERANCE,
    heldOutDays: days,
    limits,
    joint,
    adversarial,
    aboveEpsilon,
  };
}

type Target = {
  readonly hour: number;
  readonly exposure: HourExposure;
  readonly limit: Exposure;
  readonly deviation: number;
};

/** The law that breaks this constraint most often among all with the fitted moments, drawn and counted. */
function attack(market: Market, { hour, exposure, limit }: Target, draws: number, seed: number) {
  const random = seeded(seed);
  const factor = factorFor(market, hour, exposure.columns);
  const { offset, s, T: half, direction } = momentsOf(exposure, limit, factor);
  const T = Math.max(half, TOLERANCE);
  // Twice the tolerance beyond the limit, so that the mass put there is counted.
  const law = extremal(offset, s, T + 2 * TOLERANCE, random);
  const sample = sampled(along(direction, law.draw, random), factor.length, draws);
  let hits = 0;
  violations([limit], onFactor(exposure, factor), sample, () => hits++);
  return { hour, limit: limit.id, expected: law.violation, violation: wilson(hits, draws) };
}

/** What the held-out days did to a constraint that the fitted moments did not foresee. */
function explain(
  hour: HourExposure,
  limit: Exposure,
  factor: readonly Float64Array[],
  real: Sample,
  hits: number,
  epsilon: number,
): string {
  const { offset, s, T } = momentsOf(hour, limit, factor);
  const days = real.draws;
  let worst = 0;
  violations([limit], hour.modes, real, (_, __, excess) => (worst = Math.max(worst, excess)));
  const { low, high } = wilson(hits, days);
  const unit = limit.id.kind === "voltage" ? "p.u.^2" : limit.id.kind === "line" ? "MVA" : "MW";
  const found = `${hits} of ${days} days, 95 % interval ${(100 * low).toFixed(1)}-${(100 * high).toFixed(1)} %, by at most ${worst.toFixed(5)} ${unit}`;
  // What is left when errors too small to need an answer stay out.
  const answered = hour.modes[limit.mode].map((a, c) => (factor.some((row) => row[c] !== 0) ? a : 0));
  let left = 0;
  violations([{ ...limit, mode: 0 }], [answered], real, () => left++);
  if (left / days <= epsilon)
    return `${found}: errors below .4 % of the rating, which by the model nobody answers, on a limit met with equality; ${left} days without them`;
  const values = Array.from({ length: days }, (_, d) =>
    answered.reduce((sum, a, c) => sum + limit.scale * a * real.values[d * real.width + c], 0),
  );
  const mean = values.reduce((a, b) => a + b, 0) / days;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / (days - 1));
  const percent = (x: number): string => `${((100 * x) / T).toFixed(1)} %`;
  const moved = `mean ${percent(mean)} and deviation ${percent(sd)} of the half width in the held-out weeks, 0 and ${percent(s)} in the fitted ones`;
  const promise = worstCaseViolation(Math.abs(offset + mean), sd, T);
  return promise > epsilon * 1.0001
    ? `${found}: ${moved}; at the held-out moments the limit promises only ${(100 * promise).toFixed(1)} %`
    : `${found}: ${moved}; inside the promise, so chance in few days`;
}

/** "hour 12, line 3-4 facet 0" */
export function whereOf({ hour, limit }: { hour: number; limit: Exposure["id"] }): string {
  return `hour ${hour}, ${limitLabel(limit)}`;
}
