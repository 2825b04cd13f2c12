import { errorMwOf, errorParts } from "../../market/scenario/errorParts.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { Exposure, HourExposure } from "../../market/risk/exposure.ts";
import type { Draw } from "./distributions.ts";

/** Beyond a limit by less than this, in its own unit (MW, MVA, squared p.u.), is solver noise. */
export const TOLERANCE = 1e-5;

/** A share of draws with its 95 % interval. */
export type Estimate = { readonly probability: number; readonly low: number; readonly high: number };

/**
 * Draws [draw][component] flat, with the length of the longest: limits that it cannot reach need no look at the rest.
 */
export type Sample = {
  readonly values: Float64Array;
  readonly width: number;
  readonly draws: number;
  readonly reach: number;
};

export function sampleOf(values: Float64Array, width: number): Sample {
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
export function violations(
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
      columns.map((i) => errorMwOf(errorParts(market.prosumers[i]), sample)),
    ),
  );
}

export function sampled(draw: Draw, rows: number, draws: number): Sample {
  const values = new Float64Array(draws * rows);
  for (let d = 0; d < draws; d++) draw(values.subarray(d * rows, (d + 1) * rows));
  return sampleOf(values, rows);
}

/** Modes per unit of zeta, where xi = F'zeta. */
export function onFactor(hour: HourExposure, factor: readonly Float64Array[]): Float64Array[] {
  return hour.modes.map((mode) =>
    Float64Array.from(factor, (row) => {
      let sum = 0;
      for (let c = 0; c < row.length; c++) sum += row[c] * mode[c];
      return sum;
    }),
  );
}

/** One hour at a cleared point: its limits, the fitted errors, and those of the held-out days. */
export type Look = {
  readonly hour: number;
  readonly exposure: HourExposure;
  /** [row][column] of the fitted factor, MW. */
  readonly factor: readonly Float64Array[];
  readonly real: Sample;
};

export function lookAt(market: Market, hour: number, exposure: HourExposure): Look {
  const { columns } = exposure;
  const real = sampleOf(heldOutErrors(market, hour, columns), columns.length);
  return { hour, exposure, factor: factorFor(market, hour, columns), real };
}
