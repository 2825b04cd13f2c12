import { ConicModel, type GroupedProblem } from "../numerics/conicModel.ts";
import { isStalled, solveLoosening, type ConicSolver } from "../numerics/conicSolver.ts";
import { WarmConic } from "../numerics/warmConic.ts";
import { addProsumer, type ProsumerVariables } from "../market/formulation/formulate.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import type { Layout } from "./layout.ts";

export type Outcome = "solved" | "infeasible" | "stalled";

/**
 * Prosumer i's own problem  min f_i(x) + sum_c weight_c/2 (y_c - target_c)^2  over its devices, solved exactly.
 * Trades with partners enter through their sum only: for given sum s the best split is
 * e_k = rho target_k/(kappa + rho) + share of what is left, which leaves (kappa + rho)/(2n) (s - S)^2, so the program
 * has one variable an hour however many partners there are.
 */
export type ProsumerProblem = {
  readonly layout: Layout;
  readonly variables: ProsumerVariables;
  /** kappa dt for energy, kappa for allowances, kappa dt for traded shares, 0 for the rest: [component]. */
  readonly kappa: Float64Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Buffers for the agent, allocated once. */
  readonly target: Float64Array;
  readonly scratch: Float64Array;
  /** Sets y and x to the minimiser; says so where there is none, or where no solver reached it. */
  readonly prox: (target: Float64Array, rho: Float64Array) => Outcome;
  /**
   * min f_i(y) + price'y: the best response to linear prices, where it is attained, and what an allowance is worth
   * there, $/t.
   */
  readonly bestResponse: (
    price: Float64Array,
  ) => { readonly value: number; readonly y: Float64Array; readonly allowancePrice: number } | undefined;
  /** f_i at the current x and y, trade terms included. */
  readonly cost: () => number;
  /** How often the conic solver had to step in for the warm-started one. */
  readonly fallbacks: () => number;
};

/**
 * What the warm-started solver is held to: rows in MW (MWh, tCO2), stationarity in $ per unit; the conic solver's 1e-10
 * scaled.
 */
const FEASIBILITY = 1e-10;
const STATIONARITY = 1e-8;

/**
 * The warm-started solver gives up for the time it takes: it goes on from where it stood, and is asked for less in the
 * end.
 */
const goOn = (warm: WarmConic): boolean =>
  [1, 1, 10, 100].some((loose) => warm.solve(loose * FEASIBILITY, loose * STATIONARITY));

export function createProsumerProblem(
  market: UnitMarket,
  i: number,
  layout: Layout,
  solver: ConicSolver,
): ProsumerProblem {
  const { hours, dt } = market;
  const { trade, allowances } = market.regularisation;
  const model = new ConicModel();
  const copyVariable = Int32Array.from(layout.copies, () => model.bounded(0, Infinity));
  const byHour = <T>(pick: (copy: Layout["copies"][number], variable: number) => T | undefined): T[][] => {
    const out: T[][] = Array.from({ length: hours }, () => []);
    layout.copies.forEach((copy, k) => {
      const item = pick(copy, copyVariable[k]);
      if (item !== undefined) out[copy.hour].push(item);
    });
    return out;
  };
  const variables = addProsumer(model, market, i, {
    sold: byHour((c, variable) => (c.role === "buyer" ? undefined : { buyer: c.other, variable })),
    bought: byHour((c, variable) => (c.role === "seller" ? undefined : { seller: c.other, variable })),
  });
  const partners = layout.partners.length;
  if (partners === 0) {
    for (let t = 0; t < hours; t++) model.equal([[variables.sold[t], 1]], 0);
    if (variables.allowanceTraded >= 0) model.equal([[variables.allowanceTraded, 1]], 0);
  }
  const plain = model.build();
  const kappa = new Float64Array(layout.size);
  for (let k = 0; k < partners; k++) {
    kappa.fill(trade * dt, k * (hours + 1), k * (hours + 1) + hours);
    kappa[k * (hours + 1) + hours] = allowances;
  }
  layout.copies.forEach((c, k) => {
    if (c.role !== "own") kappa[layout.copiesStart + k] = trade * dt;
  });

  // Quadratic weight per direct variable (P, Q, copies) and per sum variable: only its diagonal changes with rho.
  const direct: [variable: number, component: number][] = [];
  for (let t = 0; t < hours; t++)
    direct.push([variables.p[t], layout.gridStart + t], [variables.q[t], layout.gridStart + hours + t]);
  copyVariable.forEach((variable, k) => direct.push([variable, layout.copiesStart + k]));
  const sums: [variable: number, offset: number][] = [];
  if (partners > 0) {
    for (let t = 0; t < hours; t++) sums.push([variables.sold[t], t]);
    if (variables.allowanceTraded >= 0) sums.push([variables.allowanceTraded, hours]);
  }
  const stride = hours + 1;
  const x = new Float64Array(plain.variables);
  const y = new Float64Array(layout.size);
  const withDiagonal = (weight: (component: number) => number): GroupedProblem => {
    const extra = new Float64Array(plain.variables);
    for (const [variable, component] of direct) extra[variable] += kappa[component] + weight(component);
    for (const [variable, offset] of sums) extra[variable] += (kappa[offset] + weight(offset)) / partners;
    return { ...plain, P: addDiagonal(plain.P, extra), q: new Float64Array(plain.variables) };
  };

  /** Writes linear terms for sum_c (kappa+rho)/2 y^2 - pull_c y, and the solved y back. */
  const solve = (
    program: GroupedProblem,
    pull: (component: number) => number,
    rho: (component: number) => number,
    warm?: WarmConic,
  ): Outcome => {
    program.q.set(plain.q);
    for (const [variable, component] of direct) program.q[variable] -= pull(component);
    for (const [variable, offset] of sums) {
      let total = 0;
      for (let k = 0; k < partners; k++) total += pull(k * stride + offset);
      program.q[variable] -= total / partners;
    }
    if (warm?.solve(FEASIBILITY, STATIONARITY)) x.set(warm.x);
    else {
      const result = solveLoosening(solver, program, 1e-10, 1e-6);
      if (warm) fallbacks++;
      if (result.status === "solved") {
        if (variables.allowance) allowancePrice = result.dual[model.rowOf(variables.allowance)];
        x.set(result.x);
        warm?.start(result.x, result.dual);
      } else if (!isStalled(result)) return "infeasible";
      else if (warm && goOn(warm)) x.set(warm.x);
      else return "stalled";
    }
    for (const [variable, component] of direct) y[component] = x[variable];
    for (const [variable, offset] of sums) {
      let total = 0;
      for (let k = 0; k < partners; k++) total += pull(k * stride + offset);
      const weight = kappa[offset] + rho(offset);
      const rest = (x[variable] - total / weight) / partners;
      for (let k = 0; k < partners; k++) y[k * stride + offset] = pull(k * stride + offset) / weight + rest;
    }
    return "solved";
  };

  let fallbacks = 0;
  let allowancePrice = 0;
  let proxProgram: GroupedProblem | undefined;
  let proxSolver: WarmConic | undefined;
  let proxRho: Float64Array | undefined;
  let responseProgram: GroupedProblem | undefined;
  const costAt = (): number => {
    let total = plain.constant;
    for (let v = 0; v < plain.variables; v++) total += plain.q[v] * x[v];
    const { colPtr, rowIdx, values } = plain.P;
    for (let v = 0; v < plain.variables; v++)
      for (let k = colPtr[v]; k < colPtr[v + 1]; k++)
        total += (rowIdx[k] === v ? 0.5 : 1) * values[k] * x[v] * x[rowIdx[k]];
    for (let c = 0; c < layout.size; c++) total += 0.5 * kappa[c] * y[c] * y[c];
    return total;
  };
  return {
    layout,
    variables,
    kappa,
    x,
    y,
    target: new Float64Array(layout.size),
    scratch: new Float64Array(layout.size),
    prox(target, rho) {
      const weight = (c: number): number => rho[layout.commodity[c]];
      if (proxProgram === undefined || proxRho === undefined || proxRho.some((r, k) => r !== rho[k])) {
        proxProgram = withDiagonal(weight);
        proxRho = Float64Array.from(rho);
        const before = proxSolver;
        proxSolver = new WarmConic(proxProgram);
        if (before) proxSolver.start(before.x, before.z);
      }
      return solve(proxProgram, (c) => weight(c) * target[c], weight, proxSolver);
    },
    bestResponse(price) {
      responseProgram ??= withDiagonal(() => 0);
      const keepX = Float64Array.from(x);
      const keepY = Float64Array.from(y);
      const respond = (warm?: WarmConic): Outcome =>
        solve(
          responseProgram as GroupedProblem,
          (c) => -price[c],
          () => 0,
          warm,
        );
      let outcome = respond();
      if (outcome === "stalled") {
        const warm = new WarmConic(responseProgram);
        if (proxSolver) warm.start(proxSolver.x, proxSolver.z);
        outcome = respond(warm);
      }
      if (outcome !== "solved") return undefined;
      let value = costAt();
      for (let c = 0; c < layout.size; c++) value += price[c] * y[c];
      const best = Float64Array.from(y);
      x.set(keepX);
      y.set(keepY);
      return { value, y: best, allowancePrice };
    },
    cost: costAt,
    fallbacks: () => fallbacks,
  };
}

function addDiagonal(P: GroupedProblem["P"], extra: Float64Array): GroupedProblem["P"] {
  const columns = extra.length;
  const colPtr = new Uint32Array(columns + 1);
  const rowIdx: number[] = [];
  const values: number[] = [];
  for (let c = 0; c < columns; c++) {
    let seen = false;
    for (let k = P.colPtr[c]; k < P.colPtr[c + 1]; k++) {
      const diagonal = P.rowIdx[k] === c;
      seen ||= diagonal;
      rowIdx.push(P.rowIdx[k]);
      values.push(P.values[k] + (diagonal ? extra[c] : 0));
    }
    if (!seen && extra[c] !== 0) {
      rowIdx.push(c);
      values.push(extra[c]);
    }
    colPtr[c + 1] = rowIdx.length;
  }
  return { colPtr, rowIdx: Uint32Array.from(rowIdx), values: Float64Array.from(values) };
}
