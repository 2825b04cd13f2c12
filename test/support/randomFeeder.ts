import fc from "fast-check";
import type { Feeder } from "../../offchain-solver/grid/feeder.ts";

/**
 * Random radial feeders of 2 to 40 buses with shuffled bus numbers and rows; light loads, so that the AC sweep
 * converges.
 */
export const randomFeeder: fc.Arbitrary<Feeder> = fc
  .integer({ min: 2, max: 40 })
  .chain((n) =>
    fc.record({
      parents: fc.tuple(...Array.from({ length: n - 1 }, (_, i) => fc.nat({ max: i }))),
      impedances: fc.array(fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 })), { minLength: n - 1, maxLength: n - 1 }),
      loads: fc.array(fc.tuple(fc.nat({ max: 30 }), fc.integer({ min: -10, max: 20 })), { minLength: n, maxLength: n }),
      numbers: fc.shuffledSubarray(
        Array.from({ length: n }, (_, i) => 3 * i + 1),
        { minLength: n, maxLength: n },
      ),
      rows: fc.shuffledSubarray(
        Array.from({ length: n - 1 }, (_, i) => i),
        { minLength: n - 1, maxLength: n - 1 },
      ),
    }),
  )
  .map(({ parents, impedances, loads, numbers, rows }) => ({
    name: "random",
    source: "made up for a test",
    baseMva: 1,
    baseKv: 12.66,
    buses: numbers.map((bus, i) => ({
      bus,
      loadMw: loads[i][0] / 1000,
      loadMvar: loads[i][1] / 1000,
      vMinPu: 0.9,
      vMaxPu: 1.1,
    })),
    branches: rows.map((k) => ({
      from: numbers[parents[k]],
      to: numbers[k + 1],
      rPu: impedances[k][0] / 1000,
      xPu: impedances[k][1] / 1000,
      ratingMva: k % 3 === 0 ? null : 1,
    })),
  }));
