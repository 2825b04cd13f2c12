import { expect } from "chai";
import { createAcceleration, depthOf, nextWeights } from "./acceleration.ts";
import type { Method } from "./acceleration.ts";

/** Steps of one residual each that the price has to walk, as plain iterations do it. */
const WAY = 400;

/**
 * A price that walks by one an evaluation until an offer answers, and two others that swing about it and die away
 * slowly, so that no two residuals are one vector. Evaluations until the residual is small.
 */
function evaluations(method: Method, memory: number): number {
  const settings = { method, memory, decay: 1e6, vanishing: { start: 0, keeps: 1 } };
  const state = createAcceleration(settings);
  const histories = { images: [] as number[][], residuals: [] as number[][] };
  const [turn, keeps] = [0.7, 0.97];
  let v = [0, 3, 0];
  for (let k = 1; k < 3000; k++) {
    const [price, a, b] = v;
    const step = Math.max(-1, Math.min(1, 0.5 * (WAY - price)));
    const image = [
      price + step,
      keeps * (a * Math.cos(turn) - b * Math.sin(turn)) + 0.02 * Math.cos(k * k),
      keeps * (a * Math.sin(turn) + b * Math.cos(turn)),
    ];
    histories.images.unshift(image);
    histories.residuals.unshift(image.map((w, i) => w - v[i]));
    const [newest] = histories.residuals;
    if (Math.abs(WAY - price) < 0.1) return k;
    const row = new Float64Array(depthOf(settings));
    histories.residuals
      .slice(0, row.length)
      .forEach((r, j) => (row[j] = r.reduce((sum, value, i) => sum + value * newest[i], 0)));
    const weights = nextWeights(state, row);
    v = v.map((_, i) => weights.reduce((sum, w, age) => sum + (w === 0 ? 0 : w * histories.images[age][i]), 0));
  }
  return Infinity;
}

describe("a price that walks", () => {
  it("is walked on with, not back to the middle of its way", () => {
    const plain = evaluations("admm", 0);
    expect(plain).to.be.within(WAY, WAY + 10);
    expect(evaluations("anderson", 15), "anderson").to.be.below(plain / 2);
    expect(evaluations("gsa", 12), "gsa").to.be.below(plain / 2);
  });
});
