/** Compressed sparse columns: column j holds rows rowIdx[colPtr[j] .. colPtr[j+1]). */
export type Csc = {
  readonly colPtr: Uint32Array;
  readonly rowIdx: Uint32Array;
  readonly values: Float64Array;
};

/** A cone of so many rows: half width, offset, spread. */
export type LimitSpec = { readonly size: number; readonly epsilon: number };

/**
 * minimise (1/2) x'Px + q'x + constant  subject to  Ax + s = b,
 * s in {0}^zero x R+^nonneg x SOC(soc[0]) x ... x limits[0] x ...
 * `P` holds the upper triangle only.
 */
export type ConicProblem = {
  readonly variables: number;
  readonly rows: number;
  readonly P: Csc;
  readonly q: Float64Array;
  readonly A: Csc;
  readonly b: Float64Array;
  readonly constant: number;
  readonly cones: {
    readonly zero: number;
    readonly nonneg: number;
    readonly soc: readonly number[];
    /** Two-sided limits, see limitCone.ts; the last rows. A solver that knows no such cone has them written out. */
    readonly limits?: readonly LimitSpec[];
  };
};

/**
 * `dual` z satisfies Px + q + A'z = 0, z in the dual cone: z of `a'x <= b` is the decrease of the optimum per unit of
 * b.
 */
export type ConicSolution = {
  readonly status: "solved" | "almost solved" | "infeasible" | "unbounded" | "failed";
  readonly x: Float64Array;
  readonly dual: Float64Array;
  readonly objective: number;
  readonly iterations: number;
};

export type ConicSettings = { readonly tolerance?: number; readonly maxIterations?: number };
export type ConicSolver = (problem: ConicProblem, settings?: ConicSettings) => ConicSolution;

/** Other scales of an objective, where a solver finds no point in its own: powers of two, so exact. */
const SCALES = [16, 1 / 16];

/**
 * Solves to `tolerance` or, where the solver stalls short of it, to the first of the next powers of ten up to `loosest`
 * that it reaches. A stalled solver may hand a point back ("almost solved") or none ("failed"): neither says anything
 * of the problem. Where it has none at any tolerance its first steps went astray, and it is asked in other scales.
 */
export function solveLoosening(
  solver: ConicSolver,
  problem: ConicProblem,
  tolerance: number,
  loosest: number,
): ConicSolution {
  const own = loosened(solver, problem, tolerance, loosest);
  if (own.status !== "failed") return own;
  for (const scale of SCALES) {
    const { status, x, dual, objective, iterations } = loosened(solver, scaled(problem, scale), tolerance, loosest);
    if (status === "failed") continue;
    return { status, x, dual: dual.map((value) => value / scale), objective: objective / scale, iterations };
  }
  return own;
}

const scaled = ({ P, q, constant, ...rest }: ConicProblem, scale: number): ConicProblem => ({
  ...rest,
  P: { ...P, values: P.values.map((value) => value * scale) },
  q: q.map((value) => value * scale),
  constant: constant * scale,
});

function loosened(solver: ConicSolver, problem: ConicProblem, tolerance: number, loosest: number): ConicSolution {
  let result = solver(problem, { tolerance });
  for (let goal = tolerance * 10; isStalled(result) && goal <= loosest * 1.5; goal *= 10)
    result = solver(problem, { tolerance: goal });
  return result;
}

export const isStalled = ({ status }: ConicSolution): boolean => status === "failed" || status === "almost solved";
