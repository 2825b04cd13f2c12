import { expect } from "chai";
import fc from "fast-check";
import { ConicModel } from "../numerics/conicModel.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { addTwoSided } from "../market/risk/tsDrcc.ts";
import { LimitProjection, limitSet } from "./limitProjection.ts";

const SIZE = 6;
const ROWS = 4;
const value = fc.double({ min: -1, max: 1, noNaN: true });
const list = (length: number): fc.Arbitrary<number[]> => fc.array(value, { minLength: length, maxLength: length });

/**
 * Sizes of an image's rows: alike, or as on a long feeder at dusk, where some errors hardly reach the limit and some
 * are rounding.
 */
const SCALES = { alike: [1, 1, 1, 1], "badly scaled": [1, 1e-1, 3e-3, 1e-15] } as const;

describe("limitProjection", () => {
  for (const [method, scale] of [
    ["ts-drcc", "alike"],
    ["gaussian", "alike"],
    ["ts-drcc", "badly scaled"],
    ["gaussian", "badly scaled"],
  ] as const)
    it(`projects on random ${method} limits as Clarabel does, rows ${scale}`, () => {
      const level = { method, epsilon: 0.1, halfWidth: 1.64, meanRadius: 0, stdRadius: 0 };
      let settledCount = 0;
      fc.assert(
        fc.property(
          list(2 * ROWS * SIZE),
          list(2 * ROWS),
          list(SIZE),
          list(SIZE),
          (entries, constants, target, skew) => {
            const weights = Float64Array.from(skew, (s) => 1.5 + s);
            const images = [0, 1].map((l) => ({
              rows: Array.from({ length: ROWS }, (_, r) =>
                Float64Array.from(
                  entries.slice((l * ROWS + r) * SIZE, (l * ROWS + r + 1) * SIZE),
                  (entry) => SCALES[scale][r] * entry,
                ),
              ),
              // Small constants: the origin lies inside, so the limits never contradict each other.
              constant: Float64Array.from(
                constants.slice(l * ROWS, (l + 1) * ROWS),
                (c, r) => 0.05 * SCALES[scale][r] * c,
              ),
              set: limitSet(0.5, method, level.epsilon, level.halfWidth),
            }));
            const x = new Float64Array(SIZE);

            if (!new LimitProjection(images, weights).project(Float64Array.from(target), x)) return;
            settledCount++;
            const model = new ConicModel();
            model.add(SIZE);
            weights.forEach((w, k) => {
              model.square(k, w);
              model.linear(k, -w * target[k]);
            });
            for (const { rows, constant } of images) {
              const [centre, ...spread] = rows.map((row, r) => ({
                terms: [...row].map((c, k) => [k, c] as const),
                constant: constant[r],
              }));
              addTwoSided(
                model,
                {
                  centre,
                  spread,
                  coefficients: [],
                  lower: { terms: [], constant: -0.5 },
                  upper: { terms: [], constant: 0.5 },
                },
                level,
              );
            }
            const exact = clarabelSolver(model.build(), { tolerance: 1e-10 });
            if (exact.status !== "solved") return;
            for (let k = 0; k < SIZE; k++) expect(x[k]).to.be.closeTo(exact.x[k], 1e-5);
          },
        ),
        { numRuns: 100, seed: 4 },
      );
      expect(settledCount).to.equal(100);
    });
});
