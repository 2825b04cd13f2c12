import { expect } from "chai";
import fc from "fast-check";
import { bootstrapRadii, hourMoments } from "./moments.ts";
import { seeded } from "./prng.ts";
import { cholesky, eigen, solveLower, spectralNorm, squareRoot } from "./symmetric.ts";
import type { Matrix } from "./symmetric.ts";

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
const transpose = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j]));
const close = (a: Matrix, b: Matrix, tolerance: number): void =>
  a.forEach((row, i) => row.forEach((x, j) => expect(x).to.be.closeTo(b[i][j], tolerance)));

/** B B' of a random matrix with fewer or more columns than rows: some have full rank, some do not. */
const semidefinite = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }))
  .chain(([n, k]) =>
    fc.array(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: k, maxLength: k }), {
      minLength: n,
      maxLength: n,
    }),
  )
  .map((b) => product(b, transpose(b)).map((row) => row.map((x) => x / 100)));

describe("symmetric matrices", () => {
  it("eigenvectors are orthonormal and give the matrix back", () => {
    fc.assert(
      fc.property(semidefinite, (matrix) => {
        const { values, vectors } = eigen(matrix);
        const n = matrix.length;
        close(product(transpose(vectors), vectors), identity(n), 1e-12);
        const diagonal = values.map((value, i) => values.map((_, j) => (i === j ? value : 0)));
        close(product(product(vectors, diagonal), transpose(vectors)), matrix, 1e-10);
      }),
    );
  });

  it("root and Cholesky factor square to the matrix, singular or not", () => {
    fc.assert(
      fc.property(semidefinite, (matrix) => {
        const root = squareRoot(matrix);
        close(product(root, root), matrix, 1e-8);
        const lower = cholesky(matrix);
        close(product(lower, transpose(lower)), matrix, 1e-7);
      }),
    );
  });

  it("solveLower finds z with L z = b where there is one", () => {
    fc.assert(
      fc.property(
        semidefinite,
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 8, maxLength: 8 }),
        (matrix, w) => {
          const lower = cholesky(matrix);
          const b = lower.map((row) => row.reduce((sum, x, k) => sum + x * w[k], 0));
          const z = solveLower(lower, b);
          lower.forEach((row, i) => expect(row.reduce((sum, x, k) => sum + x * z[k], 0)).to.be.closeTo(b[i], 1e-6));
        },
      ),
    );
  });

  it("spectral norm of a diagonal is its largest entry", () => {
    expect(spectralNorm([[2, 0], [0, -3]])).to.be.closeTo(3, 1e-14); // prettier-ignore
    expect(spectralNorm([])).to.equal(0);
  });
});

const identity = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => +(i === j)));

describe("moments of forecast errors", () => {
  const random = seeded(7);
  const noise = (): number => random() + random() + random() - 1.5;
  /** Sources 0 and 1 err together, 2 alone, 3 hardly at all. */
  const samples = Array.from({ length: 32 }, () => {
    const common = noise();
    return [0.2 * common, 0.1 * common + 0.05 * noise(), 0.1 * noise(), 0.0005 * noise()];
  });
  /** The last errs with two sources: panels and a load. */
  const uncertain = [
    [{ ratingMw: 2, source: 1 }],
    [{ ratingMw: 0.5, source: 0 }],
    [{ ratingMw: 1, source: 3 }],
    [
      { ratingMw: 3, source: 1 },
      { ratingMw: 0.7, source: 2 },
    ],
  ];
  /** MW of everybody's error, what is too small for an answer left out. */
  const errorsOf = (sample: readonly number[]): number[] =>
    uncertain.map((parts) =>
      parts.reduce((sum, { ratingMw, source }) => sum + (source === 3 ? 0 : ratingMw * sample[source]), 0),
    );

  it("F'F is the sample covariance of the renewables' errors in MW", () => {
    const { factor } = hourMoments(samples, uncertain);
    const errors = samples.map(errorsOf);
    const mean = uncertain.map((_, j) => errors.reduce((sum, row) => sum + row[j], 0) / errors.length);
    const covariance = uncertain.map((_, a) =>
      uncertain.map((__, b) => errors.reduce((sum, row) => sum + (row[a] - mean[a]) * (row[b] - mean[b]), 0) / 31),
    );
    // Source 3 errs by less than 0.4 % of its rating: its column is empty, there is nothing to answer.
    expect(covariance[2]).to.deep.equal([0, 0, 0, 0]);
    close(product(transpose(factor), factor), covariance, 1e-12);
    expect(factor).to.have.length(3);
  });

  it("the robust radius is the norm within which every sample lies, and is reached", () => {
    const { factor, robustRadius } = hourMoments(samples, uncertain);
    // Largest |a'xi| / norm(F a) over weights a never exceeds it.
    const steps = seeded(3);
    let reached = 0;
    for (let k = 0; k < 3000; k++) {
      const a = uncertain.map(() => steps() - 0.5);
      const norm = Math.sqrt(factor.reduce((sum, row) => sum + row.reduce((dot, f, j) => dot + f * a[j], 0) ** 2, 0));
      for (const sample of samples) {
        const active = errorsOf(sample).reduce((dot, mw, j) => dot + a[j] * mw, 0);
        reached = Math.max(reached, Math.abs(active) / norm);
      }
    }
    expect(reached).to.be.at.most(robustRadius + 1e-9);
    expect(reached).to.be.at.least(0.98 * robustRadius);
  });

  it("an hour in which nothing errs has no factor and no radius", () => {
    const calm = samples.map(() => [0, 0, 0, 0]);
    expect(hourMoments(calm, uncertain)).to.deep.equal({ factor: [], robustRadius: 0 });
    expect(bootstrapRadii(calm, uncertain, 50, seeded(1))).to.deep.equal({ mean: 0, std: 0 });
  });

  it("bootstrap radii repeat with the seed and shrink with the number of samples", () => {
    const few = bootstrapRadii(samples, uncertain, 300, seeded(1));
    expect(bootstrapRadii(samples, uncertain, 300, seeded(1))).to.deep.equal(few);
    const fourfold = Array.from({ length: 4 }, () => samples).flat();
    const many = bootstrapRadii(fourfold, uncertain, 300, seeded(1));
    expect(many.mean / few.mean).to.be.within(0.35, 0.65);
    expect(many.std / few.std).to.be.within(0.3, 0.75);
  });
});
