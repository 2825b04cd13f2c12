import { expect } from "chai";
import { wilson } from "../../market/risk/exposure.ts";
import { requiredHalfWidth, worstCaseViolation } from "../../market/risk/tsDrcc.ts";
import { seeded } from "../../scenarios/prng.ts";
import { along, drawOf, extremal, SHAPES } from "./distributions.ts";

const DRAWS = 100_000;

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length };
}

describe("distributions of forecast errors", () => {
  for (const shape of SHAPES)
    it(`${shape} has zero mean, unit covariance`, () => {
      const draw = drawOf(shape, seeded(3));
      const zeta = new Float64Array(2);
      const rows = Array.from({ length: DRAWS }, () => (draw(zeta), [zeta[0], zeta[1]]));
      for (const k of [0, 1]) {
        const { mean, variance } = moments(rows.map((row) => row[k]));
        expect(mean).to.be.closeTo(0, 0.02);
        expect(variance).to.be.closeTo(1, 0.05);
      }
      expect(moments(rows.map(([a, b]) => a * b)).mean).to.be.closeTo(0, 0.02);
    });

  it("attain the worst case on either side of the corner, with the promised moments", () => {
    for (const [m, s] of [
      [0.6, 0.1],
      [-0.6, 0.1],
      [0.01, 0.2],
      [-0.02, 0.22],
    ]) {
      const law = extremal(m, s, 1, seeded(5));
      const drawn = Array.from({ length: DRAWS }, () => law.draw());
      const { mean, variance } = moments(drawn);
      expect(mean).to.be.closeTo(0, 0.02);
      expect(variance).to.be.closeTo(1, 0.05);
      const hits = drawn.filter((w) => Math.abs(m + s * w) > 1 - 1e-9).length / DRAWS;
      expect(law.violation).to.be.closeTo(worstCaseViolation(Math.abs(m), s, 1), 1e-12);
      expect(hits).to.be.closeTo(law.violation, 0.004);
    }
  });

  it("attain eps where a limit is met exactly", () => {
    const T = requiredHalfWidth(0.3, 0.1, { method: "ts-drcc", epsilon: 0.05, halfWidth: 0 });
    expect(extremal(0.3, 0.1, T, seeded(1)).violation).to.be.closeTo(0.05, 1e-12);
  });

  it("run along one direction and stay normal across it", () => {
    const draw = along(Float64Array.of(3, 4), () => 2, seeded(9));
    const zeta = new Float64Array(2);
    draw(zeta);
    expect((3 * zeta[0] + 4 * zeta[1]) / 5).to.be.closeTo(2, 1e-12);
  });

  it("are read with Wilson's interval", () => {
    const { probability, low, high } = wilson(2, 28);
    expect([probability, low, high].map((x) => Number(x.toFixed(4)))).to.deep.equal([0.0714, 0.0198, 0.2265]);
    expect(wilson(0, 10).low).to.equal(0);
    expect(wilson(10, 10).high).to.equal(1);
  });
});
