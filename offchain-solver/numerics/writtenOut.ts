import type { ConicProblem, ConicSolution, LimitSpec } from "./conicSolver.ts";
import { toCsc } from "./conicModel.ts";

/**
 * A program for solvers that know linear rows and second-order cones only: every limit (T, m, a) is written out with
 * two variables of its own, abs(m) <= y + pi, norm(y, a) <= root (T - pi), 0 <= pi <= T, y >= 0 (Xie and Ahmed 2018).
 * They stand behind the program's own variables.
 */
export function writtenOut(problem: ConicProblem): ConicProblem {
  const { cones, variables: n, q, P, b } = problem;
  const limits = cones.limits ?? [];
  if (limits.length === 0) return problem;
  const lists = rowLists(problem);
  const linear = cones.zero + cones.nonneg;
  const first = linear + cones.soc.reduce((sum, size) => sum + size, 0);
  const rows: Row[] = [];
  for (let r = 0; r < linear; r++) rows.push({ entries: lists[r], rhs: b[r] });
  const round: Row[] = [];
  for (let r = linear; r < first; r++) round.push({ entries: lists[r], rhs: b[r] });
  forEachLimit(problem, (at, { size, epsilon }, k) => {
    const [y, pi] = [n + 2 * k, n + 2 * k + 1];
    const [half, offset] = [lists[at], lists[at + 1]];
    const root = Math.sqrt(epsilon);
    rows.push(
      { entries: [...half, [pi, 1]], rhs: b[at] },
      { entries: [...scaled(offset, -1), [y, -1], [pi, -1]], rhs: -b[at + 1] },
      { entries: [...offset, [y, -1], [pi, -1]], rhs: b[at + 1] },
      { entries: [[y, -1]], rhs: 0 },
      { entries: [[pi, -1]], rhs: 0 },
    );
    round.push({ entries: [...scaled(half, root), [pi, root]], rhs: root * b[at] }, { entries: [[y, -1]], rhs: 0 });
    for (let r = at + 2; r < at + size; r++) round.push({ entries: lists[r], rhs: b[r] });
  });
  const all = [...rows, ...round];
  const variables = n + 2 * limits.length;
  const colPtr = new Uint32Array(variables + 1).fill(P.colPtr[n]);
  colPtr.set(P.colPtr);
  const padded = new Float64Array(variables);
  padded.set(q);
  return {
    ...problem,
    variables,
    rows: all.length,
    P: { ...P, colPtr },
    q: padded,
    A: toCsc(
      all.flatMap(({ entries }, r) => entries.map(([c, value]) => [r, c, value] as const)),
      variables,
    ),
    b: Float64Array.from(all, ({ rhs }) => rhs),
    cones: {
      zero: cones.zero,
      nonneg: cones.nonneg + 5 * limits.length,
      soc: [...cones.soc, ...limits.map(({ size }) => size)],
    },
  };
}

/** The solution of a program from that of it written out. */
export function foldedBack(problem: ConicProblem, solution: ConicSolution): ConicSolution {
  const { cones, variables, rows } = problem;
  const limits = cones.limits ?? [];
  if (limits.length === 0 || solution.x.length === 0) return solution;
  const dual = new Float64Array(rows);
  const linear = cones.zero + cones.nonneg;
  const soc = cones.soc.reduce((sum, size) => sum + size, 0);
  const wide = linear + 5 * limits.length;
  dual.set(solution.dual.subarray(0, linear));
  dual.set(solution.dual.subarray(wide, wide + soc), linear);
  forEachLimit(problem, (at, { size, epsilon }, k) => {
    const sides = linear + 5 * k;
    const cone = wide + at - linear;
    dual[at] = solution.dual[sides] + Math.sqrt(epsilon) * solution.dual[cone];
    dual[at + 1] = solution.dual[sides + 2] - solution.dual[sides + 1];
    for (let r = 2; r < size; r++) dual[at + r] = solution.dual[cone + r];
  });
  return { ...solution, x: solution.x.slice(0, variables), dual };
}

type Entries = readonly (readonly [variable: number, value: number])[];
type Row = { readonly entries: Entries; readonly rhs: number };

const scaled = (entries: Entries, by: number): Entries => entries.map(([c, value]) => [c, by * value] as const);

function forEachLimit({ cones }: ConicProblem, visit: (at: number, limit: LimitSpec, k: number) => void): void {
  let at = cones.zero + cones.nonneg + cones.soc.reduce((sum, size) => sum + size, 0);
  (cones.limits ?? []).forEach((limit, k) => {
    visit(at, limit, k);
    at += limit.size;
  });
}

/** [row] its entries. */
export function rowLists({ A, variables, rows }: ConicProblem): [number, number][][] {
  const lists: [number, number][][] = Array.from({ length: rows }, () => []);
  for (let c = 0; c < variables; c++)
    for (let k = A.colPtr[c]; k < A.colPtr[c + 1]; k++) lists[A.rowIdx[k]].push([c, A.values[k]]);
  return lists;
}
