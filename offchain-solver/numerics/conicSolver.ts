import { solve as clarabel } from "clarabel-wasm-nodejs";

/** Compressed sparse columns: column j holds rows rowIdx[colPtr[j] .. colPtr[j+1]). */
export type Csc = {
  readonly colPtr: Uint32Array;
  readonly rowIdx: Uint32Array;
  readonly values: Float64Array;
};

/**
 * minimise (1/2) x'Px + q'x + constant  subject to  Ax + s = b,  s in {0}^zero x R+^nonneg x SOC(soc[0]) x ...
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
  readonly cones: { readonly zero: number; readonly nonneg: number; readonly soc: readonly number[] };
};

/** `dual` z satisfies Px + q + A'z = 0, z in the dual cone: z of `a'x <= b` is the decrease of the optimum per unit of b. */
export type ConicSolution = {
  readonly status: "solved" | "almost solved" | "infeasible" | "unbounded" | "failed";
  readonly x: Float64Array;
  readonly dual: Float64Array;
  readonly objective: number;
  readonly iterations: number;
};

export type ConicSettings = { readonly tolerance?: number; readonly maxIterations?: number };
export type ConicSolver = (problem: ConicProblem, settings?: ConicSettings) => ConicSolution;

type ClarabelResult = {
  status: string;
  obj_val: number;
  x: Float64Array | number[] | null;
  z: Float64Array | number[] | null;
  iterations: number;
};

const STATUS: Record<string, ConicSolution["status"]> = {
  optimal: "solved",
  infeasible: "infeasible",
  unbounded: "unbounded",
};

/** Clarabel (interior point, homogeneous embedding; Goulart and Chen 2024) through its wasm build: same bits on every engine. */
export const clarabelSolver: ConicSolver = (problem, settings = {}) => {
  const tolerance = settings.tolerance ?? 1e-9;
  const result = clarabel(
    problem.P.colPtr,
    problem.P.rowIdx,
    problem.P.values,
    problem.q,
    problem.A.colPtr,
    problem.A.rowIdx,
    problem.A.values,
    problem.b,
    problem.variables,
    problem.rows,
    JSON.stringify({
      zero: problem.cones.zero,
      nonneg: problem.cones.nonneg,
      soc: problem.cones.soc,
      exp: 0,
      power: [],
    }),
    JSON.stringify({
      verbose: false,
      max_iter: settings.maxIterations ?? 200,
      time_limit: 1e10,
      tol_gap_abs: tolerance,
      tol_gap_rel: tolerance,
      tol_feas: tolerance,
    }),
  ) as ClarabelResult;
  return {
    status: STATUS[result.status] ?? (result.x ? "almost solved" : "failed"),
    x: Float64Array.from(result.x ?? []),
    dual: Float64Array.from(result.z ?? []),
    objective: result.obj_val + problem.constant,
    iterations: result.iterations,
  };
};

/**
 * Solves to `tolerance` or, where the solver stalls short of it, to the first of the next powers of ten up to `loosest` that it
 * reaches. A stalled solver may hand a point back ("almost solved") or none ("failed"): neither says anything of the problem.
 */
export function solveLoosening(
  solver: ConicSolver,
  problem: ConicProblem,
  tolerance: number,
  loosest: number,
): ConicSolution {
  let result = solver(problem, { tolerance });
  for (let goal = tolerance * 10; isStalled(result) && goal <= loosest * 1.5; goal *= 10)
    result = solver(problem, { tolerance: goal });
  return result;
}

export const isStalled = ({ status }: ConicSolution): boolean => status === "failed" || status === "almost solved";
