/**
 * The one adapter of Node's on the lowest floor: whoever solves is handed a `ConicSolver`, so a browser may hand over
 * its own.
 */
import { createRequire } from "node:module";
import type * as Clarabel from "clarabel-wasm-nodejs";
import type { ConicSolution, ConicSolver } from "./conicSolver.ts";
import { foldedBack, writtenOut } from "./writtenOut.ts";

/**
 * Clarabel's own package is in no registry: it comes inside `cvxjs`, which links to it. Looked up from there, what is
 * declared is what is used, wherever an installer puts the link.
 */
const { solve: clarabel } = createRequire(import.meta.resolve("cvxjs"))("clarabel-wasm-nodejs") as typeof Clarabel;

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

/**
 * Clarabel (interior point, homogeneous embedding; Goulart and Chen 2024) through its wasm build: same bits on every
 * engine.
 */
export const clarabelSolver: ConicSolver = (whole, settings = {}) => {
  const problem = writtenOut(whole);
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
  return foldedBack(whole, {
    status: STATUS[result.status] ?? (result.x ? "almost solved" : "failed"),
    x: Float64Array.from(result.x ?? []),
    dual: Float64Array.from(result.z ?? []),
    objective: result.obj_val + problem.constant,
    iterations: result.iterations,
  });
};
