import { ConicModel, type GroupedProblem } from "../numerics/conicModel.ts";
import type { Csc } from "../numerics/conicSolver.ts";
import { addProsumer } from "../market/formulation/formulate.ts";
import type { ProsumerVariables, ShareVariables } from "../market/formulation/hour.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import type { Layout } from "./layout.ts";

/** A number for each component of the consensus vector. */
export type PerComponent = (component: number) => number;

/**
 * One prosumer's program over its own variables x, and how the consensus vector y hangs on them: a component is one
 * variable (P, Q, copies of shares), or one of the trades with partners that a variable is the sum of.
 */
export type ProsumerProgram = {
  readonly layout: Layout;
  readonly variables: ProsumerVariables;
  /** Without consensus terms. */
  readonly plain: GroupedProblem;
  /** kappa dt for energy, kappa for allowances, kappa dt for traded shares, 0 for the rest: [component]. */
  readonly kappa: Float64Array;
  readonly direct: readonly (readonly [variable: number, component: number])[];
  /** Sum over partners of the components at `offset` in each partner's block. */
  readonly sums: readonly (readonly [variable: number, offset: number])[];
  /** Row of the allowance balance, if there is one. */
  readonly allowanceRow: number | undefined;
};

export function createProgram(market: UnitMarket, index: number, layout: Layout): ProsumerProgram {
  const model = new ConicModel();
  const copies = Int32Array.from(layout.copies, () => model.bounded(0, Infinity));
  const variables = addProsumer(model, market, index, sharesOf(layout, copies));
  if (layout.partners.length === 0) tradeNothing(model, variables);
  return {
    layout,
    variables,
    plain: model.build(),
    kappa: regularisationOf(market, layout),
    direct: directOf(layout, variables, copies),
    sums: sumsOf(layout, variables),
    allowanceRow: variables.allowance && model.rowOf(variables.allowance),
  };
}

function sharesOf(layout: Layout, copies: Int32Array): ShareVariables {
  const byHour = <T>(pick: (copy: Layout["copies"][number], variable: number) => T | undefined): T[][] => {
    const out: T[][] = Array.from({ length: layout.hours }, () => []);
    layout.copies.forEach((copy, k) => {
      const item = pick(copy, copies[k]);
      if (item !== undefined) out[copy.hour].push(item);
    });
    return out;
  };
  return {
    sold: byHour((c, variable) => (c.role === "buyer" ? undefined : { buyer: c.other, variable })),
    bought: byHour((c, variable) => (c.role === "seller" ? undefined : { seller: c.other, variable })),
  };
}

function tradeNothing(model: ConicModel, { sold, allowanceTraded }: ProsumerVariables): void {
  for (const variable of sold) model.equal([[variable, 1]], 0);
  if (allowanceTraded >= 0) model.equal([[allowanceTraded, 1]], 0);
}

function regularisationOf({ dt, regularisation: { trade, allowances } }: UnitMarket, layout: Layout): Float64Array {
  const { hours } = layout;
  const kappa = new Float64Array(layout.size);
  for (let k = 0; k < layout.partners.length; k++) {
    kappa.fill(trade * dt, k * (hours + 1), k * (hours + 1) + hours);
    kappa[k * (hours + 1) + hours] = allowances;
  }
  layout.copies.forEach((c, k) => {
    if (c.role !== "own") kappa[layout.copiesStart + k] = trade * dt;
  });
  return kappa;
}

function directOf(layout: Layout, { p, q }: ProsumerVariables, copies: Int32Array): [number, number][] {
  const { hours, gridStart } = layout;
  const direct: [variable: number, component: number][] = [];
  for (let t = 0; t < hours; t++) direct.push([p[t], gridStart + t], [q[t], gridStart + hours + t]);
  copies.forEach((variable, k) => direct.push([variable, layout.copiesStart + k]));
  return direct;
}

function sumsOf(layout: Layout, { sold, allowanceTraded }: ProsumerVariables): [number, number][] {
  if (layout.partners.length === 0) return [];
  const sums: [variable: number, offset: number][] = Array.from(sold, (variable, t) => [variable, t]);
  if (allowanceTraded >= 0) sums.push([allowanceTraded, layout.hours]);
  return sums;
}

/**
 * The program with (kappa + weight)/2 y^2 in its cost. Trades enter through their sum only: for a given sum s of n the
 * best split leaves (kappa + weight)/(2n) (s - S)^2, so the program has one variable an hour however many partners
 * there are. Only this diagonal changes with the weight.
 */
export function withDiagonal(
  { plain, layout, kappa, ...program }: ProsumerProgram,
  weight: PerComponent,
): GroupedProblem {
  const extra = new Float64Array(plain.variables);
  for (const [variable, component] of program.direct) extra[variable] += kappa[component] + weight(component);
  for (const [variable, offset] of program.sums)
    extra[variable] += (kappa[offset] + weight(offset)) / layout.partners.length;
  return { ...plain, P: addDiagonal(plain.P, extra), q: new Float64Array(plain.variables) };
}

/** The same constraints at no cost. */
export function withoutCost({ plain }: ProsumerProgram): GroupedProblem {
  const { variables } = plain;
  const nothing = { colPtr: new Uint32Array(variables + 1), rowIdx: new Uint32Array(0), values: new Float64Array(0) };
  return { ...plain, constant: 0, P: nothing, q: new Float64Array(variables) };
}

/** Writes price'(P, Q, shares) as the cost of a program that has none. */
export function setGridPrice({ direct }: ProsumerProgram, { q }: GroupedProblem, price: Float64Array): void {
  q.fill(0);
  for (const [variable, component] of direct) q[variable] += price[component];
}

/** Writes the linear part of sum_c (kappa + weight)/2 y^2 - pull_c y. */
export function setPull(program: ProsumerProgram, { q }: GroupedProblem, pull: PerComponent): void {
  q.set(program.plain.q);
  for (const [variable, component] of program.direct) q[variable] -= pull(component);
  const partners = program.layout.partners.length;
  for (const [variable, offset] of program.sums) q[variable] -= pulledSum(program, offset, pull) / partners;
}

function pulledSum({ layout: { partners, hours } }: ProsumerProgram, offset: number, pull: PerComponent): number {
  let total = 0;
  for (let k = 0; k < partners.length; k++) total += pull(k * (hours + 1) + offset);
  return total;
}

/** Writes the y of an x: trades are pull_k/(kappa + weight) and an equal share of what is left of their sum. */
export function readComponents(
  program: ProsumerProgram,
  { x, y }: { readonly x: Float64Array; readonly y: Float64Array },
  pull: PerComponent,
  weight: PerComponent,
): void {
  for (const [variable, component] of program.direct) y[component] = x[variable];
  const { hours, partners } = program.layout;
  for (const [variable, offset] of program.sums) {
    const total = pulledSum(program, offset, pull);
    const heavy = program.kappa[offset] + weight(offset);
    const rest = (x[variable] - total / heavy) / partners.length;
    for (let k = 0; k < partners.length; k++) {
      const component = k * (hours + 1) + offset;
      y[component] = pull(component) / heavy + rest;
    }
  }
}

/** The program's cost at x, and the trade terms at y, $. */
export function costOf({ plain, layout, kappa }: ProsumerProgram, x: Float64Array, y: Float64Array): number {
  let total = plain.constant;
  for (let v = 0; v < plain.variables; v++) total += plain.q[v] * x[v];
  const { colPtr, rowIdx, values } = plain.P;
  for (let v = 0; v < plain.variables; v++)
    for (let k = colPtr[v]; k < colPtr[v + 1]; k++)
      total += (rowIdx[k] === v ? 0.5 : 1) * values[k] * x[v] * x[rowIdx[k]];
  for (let c = 0; c < layout.size; c++) total += 0.5 * kappa[c] * y[c] * y[c];
  return total;
}

function addDiagonal(P: Csc, extra: Float64Array): Csc {
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
