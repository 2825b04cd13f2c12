import { expect } from "chai";
import fc from "fast-check";
import { clarabelSolver } from "./clarabelNode.ts";
import { ConicModel } from "./conicModel.ts";
import { addLimitCurvature, isHeld, layOutLimit, limitSlots, productsOf, projectOnDual } from "./limitCone.ts";
import { SparseLdl } from "./sparseLdl.ts";
import { WarmConic } from "./warmConic.ts";

const EPSILON = 0.05;
const SIZE = 4;
const coordinate = fc.integer({ min: -3000, max: 3000 }).map((k) => k / 1000);
const point = fc.array(coordinate, { minLength: SIZE, maxLength: SIZE }).map((p) => Float64Array.from(p));

/** Rows that are the variables themselves. */
const cone = layOutLimit(
  0,
  EPSILON,
  Array.from({ length: SIZE }, (_, r) => [[r, 1] as const]),
);

function projected(probe: Float64Array): Float64Array {
  const out = new Float64Array(SIZE);
  projectOnDual(cone, probe, out);
  return out;
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, k) => sum + x * b[k], 0);
const minus = (a: Float64Array, b: Float64Array): Float64Array => a.map((x, k) => x - b[k]);

/** The worst case over all distributions is at most eps: asked another way, by the closed form of the violation. */
function keepsPromise(T: number, m: number, s: number): boolean {
  if (T < m) return false;
  if (s === 0) return true;
  const worst = s * s <= m * (T - m) ? (s * s) / (s * s + (T - m) * (T - m)) : (s * s + m * m) / (T * T);
  return worst <= EPSILON * (1 + 1e-9);
}

describe("the cone of a two-sided limit", () => {
  it("is what keeps the promise", () => {
    fc.assert(
      fc.property(point, ([T, m, a, b]) => {
        const s = Math.hypot(a, b);
        const held = isHeld(cone, Float64Array.of(-T, -m, -a, -b), 0);
        if (held) expect(keepsPromise(T * (1 + 1e-9) + 1e-12, Math.abs(m), s)).to.equal(true);
        else expect(keepsPromise(T * (1 - 1e-9) - 1e-12, Math.abs(m), s)).to.equal(false);
      }),
      { numRuns: 2000 },
    );
  });

  it("splits every point into one of the dual and one of the cone, at right angles", () => {
    fc.assert(
      fc.property(point, point, (probe, other) => {
        const dual = projected(probe);
        // What is left over is in the cone, turned about: rows are handed over as Ax - b.
        const rest = minus(probe, dual);
        expect(isHeld(cone, rest, 1e-9)).to.equal(true);
        expect(dot(dual, rest)).to.be.closeTo(0, 1e-9);
        // In the dual: at no point of the cone does it pull outwards.
        const member = minus(other, projected(other)).map((x) => -x);
        expect(dot(dual, member)).to.be.at.least(-1e-9);
      }),
      { numRuns: 2000 },
    );
  });

  it("has the curvature of its projection", () => {
    const pairs: [number, number][] = [];
    for (let a = 0; a < SIZE; a++) for (let b = 0; b < a; b++) pairs.push([a, b]);
    const matrix = new SparseLdl(SIZE, pairs);
    const buffer = (): Float64Array => new Float64Array(SIZE);
    const to = {
      values: matrix.values,
      slots: limitSlots(cone, matrix),
      products: productsOf(cone),
      along: buffer(),
      across: buffer(),
      spread: buffer(),
    };
    let smooth = 0;
    fc.assert(
      fc.property(point, (probe) => {
        matrix.values.fill(0);
        addLimitCurvature(cone, probe, 1, to);
        const h = 1e-6;
        for (let b = 0; b < SIZE; b++) {
          const step = (by: number): Float64Array => projected(probe.map((x, k) => (k === b ? x + by : x)));
          const ahead = minus(step(h), projected(probe)).map((x) => x / h);
          const behind = minus(projected(probe), step(-h)).map((x) => x / h);
          // Between two parts of the boundary it has two slopes.
          if (Math.sqrt(dot(minus(ahead, behind), minus(ahead, behind))) > 1e-4) continue;
          smooth++;
          for (let a = 0; a < SIZE; a++)
            expect(matrix.values[matrix.slot(a, b)]).to.be.closeTo((ahead[a] + behind[a]) / 2, 2e-4);
        }
      }),
      { numRuns: 500 },
    );
    expect(smooth).to.be.above(1000);
  });
});

/** Squares only. */
const costAt = ({ P, q }: ReturnType<ConicModel["build"]>, x: Float64Array): number =>
  q.reduce((sum, linear, v) => sum + linear * x[v] + 0.5 * P.values[v] * x[v] * x[v], 0);

describe("a program with limits", () => {
  /** Two answers share what two limits leave, one of which has room. */
  function program(room: number): ConicModel {
    const model = new ConicModel();
    const [x, y, centre] = [model.bounded(0, 5), model.bounded(0, 5), model.bounded(-1, 1)];
    for (const [k, variable] of [x, y, centre].entries()) model.square(variable, 0.5 + k);
    for (const half of [1, room])
      model.limit(
        [
          { terms: [], constant: half },
          { terms: [[centre, 1]], constant: 0.1 },
          {
            terms: [
              [x, 0.3],
              [y, 0.1],
            ],
            constant: 0,
          },
          { terms: [[y, 0.4]], constant: 0 },
        ],
        EPSILON,
      );
    return model;
  }

  it("has one optimum, written out or not, asleep or awake", () => {
    let gaveUp = 0;
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 3, noNaN: true }),
        fc.array(fc.double({ min: -6, max: 2, noNaN: true }), { minLength: 9, maxLength: 9 }),
        (room, linear) => {
          const problem = program(room).build();
          const warm = new WarmConic(problem);
          for (let k = 0; k < 3; k++) {
            problem.q.set(linear.slice(3 * k, 3 * k + 3));
            const twin = clarabelSolver(problem, { tolerance: 1e-10 });
            expect(twin.status).to.equal("solved");
            // It may give up (the caller then asks the conic solver), but seldom.
            if (!warm.solve(1e-10, 1e-8)) {
              gaveUp++;
              warm.start(twin.x, twin.dual);
            }
            // A flat objective leaves the interior solver a hundred times as far off in x.
            expect(costAt(problem, warm.x)).to.be.closeTo(costAt(problem, twin.x), 1e-8);
            for (let v = 0; v < 3; v++) expect(warm.x[v]).to.be.closeTo(twin.x[v], 1e-4);
            // Multipliers of both add up to the same pull where they differ: stationarity by the twin's own.
            const g = Float64Array.from(problem.q);
            const { A, P } = problem;
            for (let c = 0; c < 3; c++) {
              for (let e = A.colPtr[c]; e < A.colPtr[c + 1]; e++) g[c] += A.values[e] * twin.dual[A.rowIdx[e]];
              for (let e = P.colPtr[c]; e < P.colPtr[c + 1]; e++) g[c] += P.values[e] * twin.x[P.rowIdx[e]];
              expect(g[c]).to.be.closeTo(0, 1e-6);
            }
          }
        },
      ),
      { numRuns: 100, seed: 23 },
    );
    expect(gaveUp).to.be.below(15);
  });

  it("never wakes a limit that no answer can break", () => {
    const problem = program(20).build();
    const warm = new WarmConic(problem);
    problem.q.set([-3, -3, 1]);
    expect(warm.solve(1e-10, 1e-8)).to.equal(true);
    expect([...warm.awake]).to.deep.equal([1, 0]);
  });

  it("takes a limit up again that has been left aside", () => {
    const problem = program(1.5).build();
    const warm = new WarmConic(problem);
    for (const pull of [-3, ...new Array<number>(8).fill(2), -3]) {
      problem.q.set([pull, pull, 0]);
      expect(warm.solve(1e-10, 1e-8)).to.equal(true);
      const twin = clarabelSolver(problem, { tolerance: 1e-10 });
      for (let v = 0; v < 3; v++) expect(warm.x[v]).to.be.closeTo(twin.x[v], 1e-4);
    }
  });
});
