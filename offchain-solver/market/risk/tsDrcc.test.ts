import { expect } from "chai";
import fc from "fast-check";
import { ConicModel } from "../../numerics/conicModel.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { normalCdf, normalQuantile, halfWidthOf } from "../scenario/market.ts";
import { limitSet, projectLimit, supportOf } from "./limitSet.ts";
import { addTwoSided, requiredHalfWidth, worstCaseViolation } from "./tsDrcc.ts";

const METHODS = ["ts-drcc", "bonferroni", "gaussian"] as const;
const unit = fc.double({ min: 0, max: 1, noNaN: true });

describe("two-sided chance constraints", () => {
  it("give the worst-case violations of the literature's check values", () => {
    for (const [m, s, expected] of [
      [0.247, 0.176, 0.0518],
      [0.413, 0.122, 0.0414],
      [0.564, 0.549, 0.6195],
      [0.654, 0.334, 0.4824],
    ])
      expect(worstCaseViolation(m, s, 1)).to.be.closeTo(expected, 5e-5);
  });

  it("need exactly the half width at which the worst case is eps", () => {
    fc.assert(
      fc.property(
        unit,
        fc.double({ min: 1e-3, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 0.3, noNaN: true }),
        (m, s, epsilon) => {
          const T = requiredHalfWidth(m, s, { method: "ts-drcc", epsilon, halfWidth: 0 });
          expect(worstCaseViolation(m, s, T)).to.be.closeTo(epsilon, 1e-9);
          expect(worstCaseViolation(m, s, T * 0.999)).to.be.greaterThan(epsilon);
        },
      ),
    );
  });

  it("have a cone form that agrees with the closed form", () => {
    fc.assert(
      fc.property(unit, fc.double({ min: 0.01, max: 1, noNaN: true }), fc.constantFrom(...METHODS), (m, s, method) => {
        const level = { method, epsilon: 0.05, halfWidth: halfWidthOf(method, 0.05, 0), meanRadius: 0, stdRadius: 0 };
        const model = new ConicModel();
        const T = model.add();
        model.linear(T, 1);
        addTwoSided(
          model,
          {
            centre: { terms: [], constant: m },
            spread: [{ terms: [], constant: s }],
            coefficients: [],
            lower: { terms: [[T, -1]], constant: 0 },
            upper: { terms: [[T, 1]], constant: 0 },
          },
          level,
        );
        expect(clarabelSolver(model.build()).x[T]).to.be.closeTo(requiredHalfWidth(m, s, level), 1e-6);
      }),
      { numRuns: 40 },
    );
  });

  it("ask for 28.4 % less than Bonferroni at eps = .05", () => {
    const [ts, bonferroni, gaussian] = METHODS.map((method) => halfWidthOf(method, 0.05, 0));
    expect(ts).to.be.closeTo(4.472, 1e-3);
    expect(bonferroni).to.be.closeTo(6.245, 1e-3);
    expect(gaussian).to.be.closeTo(1.95996, 1e-5);
    expect(1 - ts / bonferroni).to.be.closeTo(0.284, 5e-4);
  });

  it("take normal quantiles from a distribution function that is right in the tail", () => {
    expect(normalCdf(1)).to.be.closeTo(0.8413447460685429, 1e-14);
    expect(normalCdf(3)).to.be.closeTo(0.9986501019683699, 1e-14);
    expect(normalQuantile(0.975)).to.be.closeTo(1.959963984540054, 1e-12);
  });
});

describe("the set of one limit", () => {
  const point = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 });
  for (const method of METHODS) {
    const level = { method, epsilon: 0.05, halfWidth: halfWidthOf(method, 0.05, 0) };
    const set = limitSet(1.3, method, level.epsilon, level.halfWidth);
    const excessOf = (w: ArrayLike<number>): number =>
      requiredHalfWidth(Math.abs(w[0]), Math.hypot(w[1], w[2], w[3]), level) - 1.3;
    const jacobian = () => ({ mm: 0, ms: 0, sm: 0, ss: 0, across: 0, inside: true });

    it(`projects on it, ${method}: inside, and no nearer point by the obtuse angle test`, () => {
      fc.assert(
        fc.property(point, point, (raw, other) => {
          const w = Float64Array.from(raw);
          const projected = new Float64Array(4);
          projectLimit(set, w, { offset: 0, size: 4 }, projected, jacobian());
          expect(excessOf(projected)).to.be.at.most(1e-9);
          const q = new Float64Array(4);
          projectLimit(set, Float64Array.from(other), { offset: 0, size: 4 }, q, jacobian());
          let angle = 0;
          for (let r = 0; r < 4; r++) angle += (w[r] - projected[r]) * (q[r] - projected[r]);
          expect(angle).to.be.at.most(1e-9);
        }),
      );
    });

    it(`has a support function that no point of it exceeds and its projection attains, ${method}`, () => {
      fc.assert(
        fc.property(point, (raw) => {
          const w = Float64Array.from(raw);
          const projected = new Float64Array(4);
          projectLimit(set, w, { offset: 0, size: 4 }, projected, jacobian());
          const normal = Array.from(w, (v, r) => v - projected[r]);
          const attained = normal.reduce((sum, v, r) => sum + v * projected[r], 0);
          expect(supportOf(set, normal)).to.be.closeTo(attained, 1e-9);
        }),
      );
    });
  }
});
