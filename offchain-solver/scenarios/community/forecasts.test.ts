import { expect } from "chai";
import { meanKw } from "./forecasts.ts";
import type { MeterSeries } from "./meterSeries.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 5, 1);

const every = (minutes: number, ...kw: number[]): MeterSeries => ({
  file: "meter.csv",
  column: "load",
  startMs: START_MS,
  stepMs: minutes * MINUTE_MS,
  kw: Float64Array.from(kw),
  lines: new Int32Array(kw.length),
});
const means = (series: MeterSeries, minutes: number, count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, t) =>
    meanKw(series, START_MS + (from + t * minutes) * MINUTE_MS, minutes * MINUTE_MS),
  );

describe("the mean power of a market's period", () => {
  it("is that of the intervals in it, and of an hour in all its quarters", () => {
    expect(means(every(15, 1, 2, 3, 6), 60, 1)).to.deep.equal([3]);
    expect(means(every(60, 0.3, 7), 15, 8)).to.deep.equal([0.3, 0.3, 0.3, 0.3, 7, 7, 7, 7]);
  });

  const crossing: readonly (readonly [name: string, series: MeterSeries, minutes: number, mean: number[]])[] = [
    ["10 minutes in quarter-hours", every(10, 3, 6, 0), 15, [4, 2]],
    ["20 minutes in half-hours", every(20, 3, 6, 0), 30, [4, 2]],
    ["20 minutes in quarter-hours", every(20, 3, 6, 0), 15, [3, 5, 4, 0]],
  ];
  for (const [name, series, minutes, expected] of crossing)
    it(`keeps the energy of ${name}`, () => {
      means(series, minutes, expected.length).forEach((kw, t) => expect(kw).to.be.closeTo(expected[t], 1e-12));
    });

  it("is of both hours where the clock is half an hour off them", () => {
    expect(means(every(60, 1, 3, 7), 60, 2, 30)).to.deep.equal([2, 5]);
  });

  it("is unknown where a part of it is", () => {
    expect(means(every(10, 3, NaN, 0), 15, 3)).to.deep.equal([NaN, NaN, NaN]);
    expect(means(every(60, 1, 3), 60, 3, -30)).to.deep.equal([NaN, 2, NaN]);
  });
});
