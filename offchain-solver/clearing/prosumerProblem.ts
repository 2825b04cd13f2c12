import type { GroupedProblem } from "../numerics/conicModel.ts";
import { isStalled, solveLoosening, type ConicSolver } from "../numerics/conicSolver.ts";
import { WarmConic, type Patience } from "../numerics/warmConic.ts";
import type { ProsumerVariables } from "../market/formulation/hour.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import type { Layout } from "./layout.ts";
import {
  costOf,
  createProgram,
  readComponents,
  setGridPrice,
  setPull,
  withDiagonal,
  withoutCost,
  type PerComponent,
  type ProsumerProgram,
} from "./prosumerProgram.ts";

export type Outcome = "solved" | "infeasible" | "stalled";

/** y: [component]. */
export type BestResponse = {
  readonly value: number;
  readonly y: Float64Array;
  /** What an allowance is worth there, $/t. */
  readonly allowancePrice: number;
};

/**
 * How the warm-started solver goes about a program, and what it is held to: rows in MW (MWh, tCO2), stationarity in $
 * per unit.
 */
type Care = { readonly feasibility: number; readonly stationarity: number; readonly patience?: Patience };

/** The conic solver's 1e-10, scaled. */
const BRIEF: Care = { feasibility: 1e-10, stationarity: 1e-8 };

/**
 * With answers held over many periods many variables have no cost of their own, only cones that hold them: smaller
 * steps take half as many factorisations. The last two digits would take as many proximal steps again as all before
 * them, for less than a thousandth of what residuals and regrets may be in the end.
 */
const LASTING: Care = {
  feasibility: 1e-8,
  stationarity: 1e-7,
  patience: { delta: 0.1, factorisations: 200 },
};

/**
 * The warm-started solver gives up for the time it takes: it goes on from where it stood, and is asked for less in the
 * end.
 */
const goOn = (warm: WarmConic, { feasibility, stationarity }: Care): boolean =>
  [1, 1, 10, 100].some((loose) => warm.solve(loose * feasibility, loose * stationarity));

/** One prosumer's problem, solved again and again: every time from where the last solve ended. */
export class ProsumerProblem {
  readonly layout: Layout;
  readonly variables: ProsumerVariables;
  /** [component], $/MW^2 and the like; see ProsumerProgram. */
  readonly kappa: Float64Array;
  /** The latest minimiser: the program's variables, and [component]. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Buffers for the agent, allocated once. */
  readonly target: Float64Array;
  readonly scratch: Float64Array;
  readonly #program: ProsumerProgram;
  readonly #solver: ConicSolver;
  readonly #care: Care;
  #fallbacks = 0;
  #allowancePrice = 0;
  #prox: { readonly program: GroupedProblem; readonly warm: WarmConic; readonly rho: Float64Array } | undefined;
  #response: GroupedProblem | undefined;
  #reach: GroupedProblem | undefined;

  constructor(market: UnitMarket, index: number, layout: Layout, solver: ConicSolver) {
    const program = createProgram(market, index, layout);
    this.layout = layout;
    this.variables = program.variables;
    this.kappa = program.kappa;
    this.x = new Float64Array(program.plain.variables);
    this.y = new Float64Array(layout.size);
    this.target = new Float64Array(layout.size);
    this.scratch = new Float64Array(layout.size);
    this.#program = program;
    this.#solver = solver;
    this.#care = market.joint ? LASTING : BRIEF;
  }

  /**
   * Sets y and x to the minimiser of f(x) + sum_c rho_c/2 (y_c - target_c)^2; says so where there is none, or where no
   * solver reached it. `rho`: [commodity].
   */
  prox(target: Float64Array, rho: Float64Array): Outcome {
    const weight: PerComponent = (c) => rho[this.layout.commodity[c]];
    const { program, warm } = this.#proxAt(rho, weight);
    return this.#solve(program, (c) => weight(c) * target[c], weight, warm);
  }

  #proxAt(rho: Float64Array, weight: PerComponent) {
    const before = this.#prox;
    if (before !== undefined && !before.rho.some((r, k) => r !== rho[k])) return before;
    const program = withDiagonal(this.#program, weight);
    const warm = new WarmConic(program, this.#care.patience);
    if (before) warm.start(before.warm.x, before.warm.z);
    return (this.#prox = { program, warm, rho: Float64Array.from(rho) });
  }

  /** min f(x) + price'y where it is attained: the best response to linear prices. Leaves x and y as they were. */
  bestResponse(price: Float64Array): BestResponse | undefined {
    const program = (this.#response ??= withDiagonal(this.#program, () => 0));
    const keep = { x: Float64Array.from(this.x), y: Float64Array.from(this.y) };
    const respond = (warm?: WarmConic): Outcome =>
      this.#solve(
        program,
        (c) => -price[c],
        () => 0,
        warm,
      );
    let outcome = respond();
    if (outcome === "stalled") {
      const warm = new WarmConic(program, this.#care.patience);
      if (this.#prox) warm.start(this.#prox.warm.x, this.#prox.warm.z);
      outcome = respond(warm);
    }
    if (outcome !== "solved") return undefined;
    let value = this.cost();
    for (let c = 0; c < this.layout.size; c++) value += price[c] * this.y[c];
    const y = Float64Array.from(this.y);
    this.x.set(keep.x);
    this.y.set(keep.y);
    return { value, y, allowancePrice: this.#allowancePrice };
  }

  /**
   * min price'(P, Q, shares) over what the devices can do, whatever it costs: how far they can follow the operator's
   * prices. `price`: [component], that of trades not read. Undefined: no solver reached it.
   */
  leastProduct(price: Float64Array): number | undefined {
    const program = (this.#reach ??= withoutCost(this.#program));
    setGridPrice(this.#program, program, price);
    const { status, objective } = solveLoosening(this.#solver, program, 1e-9, 1e-7);
    return status === "solved" ? objective : undefined;
  }

  /** f at the current x and y, trade terms included, $. */
  cost(): number {
    return costOf(this.#program, this.x, this.y);
  }

  /** How often the conic solver had to step in for the warm-started one. */
  fallbacks(): number {
    return this.#fallbacks;
  }

  /** Sets x and y to the minimiser of f(x) + sum_c weight_c/2 y_c^2 - pull_c y_c. */
  #solve(program: GroupedProblem, pull: PerComponent, weight: PerComponent, warm?: WarmConic): Outcome {
    setPull(this.#program, program, pull);
    if (warm?.solve(this.#care.feasibility, this.#care.stationarity)) this.x.set(warm.x);
    else {
      const outcome = this.#solveCold(program, warm);
      if (outcome !== "solved") return outcome;
    }
    readComponents(this.#program, this, pull, weight);
    return "solved";
  }

  /** Costs that are far beyond the prices of the market have been called limits that cannot be met. */
  #hasPoint(): boolean {
    return solveLoosening(this.#solver, withoutCost(this.#program), 1e-9, 1e-6).status === "solved";
  }

  /** The conic solver, and where it stalls the warm-started one again with more patience. */
  #solveCold(program: GroupedProblem, warm: WarmConic | undefined): Outcome {
    const result = solveLoosening(this.#solver, program, 1e-10, 1e-6);
    if (warm) this.#fallbacks++;
    if (result.status === "solved") {
      const { allowanceRow } = this.#program;
      if (allowanceRow !== undefined) this.#allowancePrice = result.dual[allowanceRow];
      this.x.set(result.x);
      warm?.start(result.x, result.dual);
      return "solved";
    }
    if (!isStalled(result) && !this.#hasPoint()) return "infeasible";
    if (!warm || !goOn(warm, this.#care)) return "stalled";
    this.x.set(warm.x);
    return "solved";
  }
}
