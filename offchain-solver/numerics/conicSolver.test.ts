import { readFileSync } from "node:fs";
import { expect } from "chai";
import { ConicModel } from "./conicModel.ts";
import { clarabelSolver } from "./clarabelNode.ts";
import { solveLoosening, type ConicProblem, type ConicSolution, type ConicSolver, type Csc } from "./conicSolver.ts";

function stuckProjection(): ConicProblem {
  const file = new URL("../../test/scenarios/stuckProjection.json", import.meta.url);
  type Lists = { colPtr: number[]; rowIdx: number[]; values: number[] };
  type Read = Pick<ConicProblem, "variables" | "rows" | "cones"> & { q: number[]; b: number[]; P: Lists; A: Lists };
  const { q, b, P, A, ...rest } = JSON.parse(readFileSync(file, "utf8")) as Read;
  const csc = ({ colPtr, rowIdx, values }: Lists): Csc => ({
    colPtr: Uint32Array.from(colPtr),
    rowIdx: Uint32Array.from(rowIdx),
    values: Float64Array.from(values),
  });
  return { ...rest, constant: 0.5, q: Float64Array.from(q), b: Float64Array.from(b), P: csc(P), A: csc(A) };
}

describe("a conic solver that stalls", () => {
  const model = new ConicModel();
  const x = model.add();
  model.square(x, 2);
  model.equal([[x, 1]], 3);
  const problem = model.build();

  /** Clarabel, but stalled wherever more than `reach` is asked of it. */
  const stalling =
    (reach: number, status: ConicSolution["status"], asked: number[]): ConicSolver =>
    (given, settings = {}) => {
      asked.push(settings.tolerance ?? 0);
      const result = clarabelSolver(given, settings);
      return (settings.tolerance ?? 0) < reach ? { ...result, status } : result;
    };

  it("is asked for less until it arrives, with a point in hand or without", () => {
    for (const status of ["failed", "almost solved"] as const) {
      const asked: number[] = [];
      const result = solveLoosening(stalling(5e-9, status, asked), problem, 1e-10, 1e-6);
      expect(result.status).to.equal("solved");
      expect(result.x[0]).to.be.closeTo(3, 1e-6);
      expect(asked).to.have.length(3);
    }
  });

  it("is not asked for less than the loosest tolerance, nor again once it knows", () => {
    const asked: number[] = [];
    expect(solveLoosening(stalling(1, "almost solved", asked), problem, 1e-9, 1e-7).status).to.equal("almost solved");
    expect(asked).to.have.length(3);
    const sure: number[] = [];
    expect(solveLoosening(stalling(1, "infeasible", sure), problem, 1e-9, 1e-7).status).to.equal("infeasible");
    expect(sure).to.have.length(1);
  });

  it("that finds no point at any tolerance is asked in other scales", () => {
    // A projection on limits of a street that Clarabel gives up after three steps.
    const stuck = stuckProjection();
    expect(clarabelSolver(stuck, { tolerance: 1e-9 }).status).to.equal("failed");
    const { status, x, dual, objective } = solveLoosening(clarabelSolver, stuck, 1e-10, 1e-7);
    expect(status).to.equal("solved");
    // Stationary, P x + q + A'z = 0, and worth what its point is worth.
    const times = ({ colPtr, rowIdx, values }: Csc, k: number, of: Float64Array): number => {
      let sum = 0;
      for (let e = colPtr[k]; e < colPtr[k + 1]; e++) sum += values[e] * of[rowIdx[e]];
      return sum;
    };
    let worth = 0.5;
    for (let k = 0; k < stuck.variables; k++) {
      expect(times(stuck.P, k, x) + stuck.q[k] + times(stuck.A, k, dual)).to.be.closeTo(0, 1e-8);
      worth += x[k] * (times(stuck.P, k, x) / 2 + stuck.q[k]);
    }
    expect(objective).to.be.closeTo(worth, 1e-9);
  });
});
