import { expect } from "chai";
import fc from "fast-check";
import { ConicModel } from "./conicModel.ts";
import { clarabelSolver } from "./clarabelNode.ts";
import { SparseLdl } from "./sparseLdl.ts";
import { WarmConic } from "./warmConic.ts";

const unit = fc.double({ min: -1, max: 1, noNaN: true });

describe("sparseLdl", () => {
  it("solves random quasi-definite systems", () => {
    fc.assert(
      fc.property(
        fc.array(unit, { minLength: 36, maxLength: 36 }),
        fc.array(unit, { minLength: 6, maxLength: 6 }),
        (m, b) => {
          // Four positive pivots, two negative ones; a third of the coupling is left out.
          const value = (i: number, j: number): number =>
            i === j ? (i < 4 ? 6 : -6) : (i + j) % 3 === 0 ? 0 : m[i * 6 + j];
          const entries: [number, number][] = [];
          for (let j = 0; j < 6; j++) for (let i = 0; i < j; i++) if (value(i, j) !== 0) entries.push([i, j]);
          const ldl = new SparseLdl(6, entries);
          for (let i = 0; i < 6; i++) ldl.values[ldl.slot(i, i)] = value(i, i);
          for (const [i, j] of entries) ldl.values[ldl.slot(j, i)] = value(i, j);
          expect(ldl.factor()).to.equal(true);
          const x = Float64Array.from(b);
          ldl.solve(x);
          for (let i = 0; i < 6; i++) {
            let sum = 0;
            for (let j = 0; j < 6; j++) sum += value(Math.min(i, j), Math.max(i, j)) * x[j];
            expect(sum).to.be.closeTo(b[i], 1e-12);
          }
        },
      ),
    );
  });
});

/** A small programme with a sum, bounds, a coupling row and a cone; one variable has no curvature. */
function programme(radius: number, cap: number): ReturnType<ConicModel["build"]> {
  const model = new ConicModel();
  const x = Array.from({ length: 5 }, () => model.bounded(-1, 1));
  const t = model.bounded(0, Infinity);
  x.forEach((k, i) => model.square(k, 1 + i));
  model.linear(t, 1);
  model.equal(
    [
      [x[0], 1],
      [x[1], 1],
      [x[2], -1],
    ],
    0.1,
  );
  model.lessEqual(
    [
      [x[3], 1],
      [x[4], 1],
      [t, 0.5],
    ],
    cap,
  );
  model.cone([
    { terms: [[t, radius]], constant: 0.2 },
    {
      terms: [
        [x[0], 1],
        [x[3], 0.5],
      ],
      constant: 0,
    },
    { terms: [[x[4], 1]], constant: 0.1 },
  ]);
  return model.build();
}

describe("warmConic", () => {
  it("finds Clarabel's optimum for one linear term after another", () => {
    let tried = 0;
    let gaveUp = 0;
    const q = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 2, noNaN: true }),
        fc.double({ min: 0.2, max: 1.5, noNaN: true }),
        fc.array(q, { minLength: 4, maxLength: 4 }),
        (radius, cap, terms) => {
          const problem = programme(radius, cap);
          const warm = new WarmConic(problem);
          tried++;
          for (const linear of terms) {
            problem.q.set(linear);
            const settled = warm.solve(1e-10, 1e-8);
            const exact = clarabelSolver(problem, { tolerance: 1e-10 });
            expect(exact.status).to.equal("solved");
            if (!settled) {
              warm.start(exact.x, exact.dual);
              gaveUp++;
            } else for (let k = 0; k < 5; k++) expect(warm.x[k]).to.be.closeTo(exact.x[k], 2e-6);
          }
        },
      ),
      { numRuns: 60, seed: 15 },
    );
    // It may give up (the caller then asks Clarabel), but seldom.
    expect(gaveUp).to.be.below(0.3 * 4 * tried);
  });

  it("takes curvature across variables", () => {
    const plain = programme(1, 0.6);
    // Half of what would make the first two variables' block singular (squares 1 and 2), above the diagonal.
    const across = Math.sqrt(2) / 2;
    const { colPtr, rowIdx, values } = plain.P;
    const at = colPtr[1];
    const P = {
      colPtr: colPtr.map((start, c) => (c > 1 ? start + 1 : start)),
      rowIdx: Uint32Array.from([...rowIdx.slice(0, at), 0, ...rowIdx.slice(at)]),
      values: Float64Array.from([...values.slice(0, at), across, ...values.slice(at)]),
    };
    const problem = { ...plain, P };
    let settled = 0;
    for (const linear of [
      [-3, -2, 1, -4, -5],
      [-0.4, -0.3, 0.2, -0.5, 0.1],
      [2, -1, 0.5, 1, -3],
    ]) {
      const warm = new WarmConic(problem);
      problem.q.set(linear);
      if (!warm.solve(1e-10, 1e-8)) continue;
      settled++;
      const exact = clarabelSolver(problem, { tolerance: 1e-10 });
      const without = clarabelSolver({ ...plain, q: problem.q }, { tolerance: 1e-10 });
      for (let k = 0; k < 5; k++) expect(warm.x[k]).to.be.closeTo(exact.x[k], 2e-6);
      expect(Math.abs(exact.x[0] - without.x[0])).to.be.above(1e-3);
    }
    expect(settled).to.be.at.least(2);
  });

  it("keeps the conditions of optimality", () => {
    const problem = programme(0.7, 0.4);
    const warm = new WarmConic(problem);
    problem.q.set([-3, -2, 1, -4, -5]);
    expect(warm.solve(1e-10, 1e-8)).to.equal(true);
    const { A, P, b, q, cones } = problem;
    const slack = Float64Array.from(b);
    for (let c = 0; c < problem.variables; c++) {
      let g = q[c];
      for (let k = A.colPtr[c]; k < A.colPtr[c + 1]; k++) {
        slack[A.rowIdx[k]] -= A.values[k] * warm.x[c];
        g += A.values[k] * warm.z[A.rowIdx[k]];
      }
      for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) g += P.values[k] * warm.x[P.rowIdx[k]];
      expect(Math.abs(g)).to.be.below(1e-7);
    }
    for (let r = 0; r < cones.zero; r++) expect(Math.abs(slack[r])).to.be.below(1e-9);
    for (let r = cones.zero; r < cones.zero + cones.nonneg; r++) {
      expect(slack[r]).to.be.above(-1e-9);
      expect(warm.z[r]).to.be.at.least(0);
      expect(Math.abs(slack[r] * warm.z[r])).to.be.below(1e-8);
    }
    const at = cones.zero + cones.nonneg;
    expect(Math.hypot(slack[at + 1], slack[at + 2])).to.be.below(slack[at] + 1e-9);
  });

  it("takes fewer factorisations from a near solution, and the same bits every time", () => {
    const run = (): { x: number[]; first: number; second: number } => {
      const problem = programme(0.7, 0.4);
      const warm = new WarmConic(problem);
      problem.q.set([-3, -2, 1, -4, -5]);
      warm.solve(1e-10, 1e-8);
      const first = warm.factorisations;
      problem.q[0] += 1e-3;
      warm.solve(1e-10, 1e-8);
      return { x: [...warm.x], first, second: warm.factorisations - first };
    };
    const [a, b] = [run(), run()];
    expect(a.second).to.be.below(a.first);
    expect(a.x).to.deep.equal(b.x);
  });

  it("says so when there is no solution", () => {
    const model = new ConicModel();
    const x = model.bounded(0, 1);
    model.square(x, 1);
    model.equal([[x, 1]], 3);
    expect(new WarmConic(model.build()).solve(1e-10, 1e-8)).to.equal(false);
  });
});
