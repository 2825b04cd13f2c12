import { expect } from "chai";
import { ConicModel } from "./conicModel.ts";
import { clarabelSolver } from "./clarabelNode.ts";
import { solveLoosening, type ConicSolution, type ConicSolver } from "./conicSolver.ts";

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
});
