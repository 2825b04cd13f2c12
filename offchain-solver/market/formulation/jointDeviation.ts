/**
 * The standard deviation of a sum of answers over several periods, as rows of linear expressions whose norm it is.
 * Covariance of two errors: the fitted days' plus that of processes which carry over by `lag` (docs/model.md).
 */
import type { ConicModel, Terms } from "../../numerics/conicModel.ts";
import { triangularFactor } from "../../numerics/qr.ts";
import type { Affine } from "../risk/tsDrcc.ts";
import type { JointLaw, Market } from "../scenario/market.ts";
import type { Answer, Draft, Term } from "./hour.ts";

/** Periods from..to, and what a MW that answers in a period moves the sum by. */
export type Periods = { readonly from: number; readonly to: number; readonly perMw: (t: number) => number };

function lawOf({ joint }: Market): JointLaw {
  if (joint === undefined) throw new Error("the errors have no joint law");
  return joint;
}

/**
 * Up to so many periods rows are written out: the factor of a battery's owner then has a quarter of the entries on the
 * 15-bus day (31,738 against 130,817). On quarter-hours the rows would be a thousand wide.
 */
const PLAIN_PERIODS = 24;

/** Shares of the error, per MW of the solvers' variable. */
const shareOf = ({ halfWidth, sigma }: Market, t: number, buyer: number): number =>
  1 / (halfWidth[t] * sigma[t][buyer]);

/**
 * The rows written out, one column an answer: as many rows as there are answers at most. For few periods, and to test
 * the other way by.
 */
export function plainRows(
  market: Market,
  answered: readonly (readonly Answer[])[],
  { from, to, perMw }: Periods,
): Affine[] {
  const joint = lawOf(market);
  const variables: number[] = [];
  const columns: number[][] = [];
  for (let t = from; t <= to; t++)
    for (const { buyer, variable } of answered[t]) {
      const factor = shareOf(market, t, buyer) * perMw(t);
      variables.push(variable);
      columns.push([
        ...Array.from(joint.days[t][buyer], (value) => value * factor),
        ...persistentColumn(joint, joint.persistent[t][buyer], { at: t, from, to, factor }),
      ]);
    }
  const factors = triangularFactor(columns);
  return Array.from(factors[0] ?? [], (_, row) => ({
    terms: variables.map((variable, k) => [variable, factors[k][row]] as const),
    constant: 0,
  }));
}

/**
 * A process seen backwards is one of independent steps: e_{t-1} = lag_t e_t + sqrt(1 - lag_t^2) w_{t-1}. Coefficients
 * of an error at `at` on w_from .. w_{to-1}, e_to, [period][process].
 */
function persistentColumn(
  { lag }: JointLaw,
  column: Float64Array,
  { at, from, to, factor }: { at: number; from: number; to: number; factor: number },
): number[] {
  const out: number[] = new Array<number>((to - from + 1) * column.length).fill(0);
  let carried = factor;
  for (let t = at; t <= to; t++) {
    const own = t < to ? independent(lag[t + 1]) : 1;
    column.forEach((value, k) => (out[(t - from) * column.length + k] = value * carried * own));
    if (t < to) carried *= lag[t + 1];
  }
  return out;
}

/** So many times the error of a buyer in a period. */
export type ErrorTerm = { readonly t: number; readonly buyer: number; readonly value: number };

/** Standard deviation of a sum of errors by the joint law, in the unit of `value` times MW. */
export function sumDeviation(market: Market, terms: readonly ErrorTerm[]): number {
  const joint = lawOf(market);
  const from = terms.reduce((first, { t }) => Math.min(first, t), Infinity);
  const to = terms.reduce((last, { t }) => Math.max(last, t), -Infinity);
  let total: number[] = [];
  for (const { t, buyer, value } of terms) {
    const column = [
      ...Array.from(joint.days[t][buyer], (x) => x * value),
      ...persistentColumn(joint, joint.persistent[t][buyer], { at: t, from, to, factor: value }),
    ];
    total = total.length === 0 ? column : total.map((sum, row) => sum + column[row]);
  }
  return Math.sqrt(total.reduce((sum, x) => sum + x * x, 0));
}

const independent = (lag: number): number => Math.sqrt(Math.max(0, 1 - lag * lag));

/**
 * The same for many spans of one device with variables in between, shared by all spans: sums over the days grow by one
 * period each; a process's coefficient on its step at t is h_t = own_t + lag_t h_{t-1}, and what lies behind t enters
 * by its norm alone.
 */
export class JointDeviation {
  readonly #model: ConicModel;
  readonly #market: Market;
  readonly #joint: JointLaw;
  readonly #answered: readonly (readonly Answer[])[];
  readonly #perMw: number;
  /** [period] variables of the sums from the first period on. */
  readonly #days: Int32Array[] = [];
  /** [first period] rows of the longest span from there. */
  readonly #factors = new Map<number, Affine[]>();
  /** By first period, then by period after it. */
  readonly #carried = new Map<number, { readonly h: Int32Array[]; readonly behind: number[] }>();

  constructor({ model, market }: Draft, answered: readonly (readonly Answer[])[], perMw: number) {
    this.#model = model;
    this.#market = market;
    this.#joint = lawOf(market);
    this.#answered = answered;
    this.#perMw = perMw;
  }

  /** Empty where nothing is answered in from..to. */
  rows(from: number, to: number): Affine[] {
    if (this.#answered.slice(from, to + 1).every((answers) => answers.length === 0)) return [];
    if (to - from < PLAIN_PERIODS) return this.#plain(from, to);
    return [...this.#daysRows(from, to), ...this.#persistentRows(from, to)];
  }

  /**
   * The columns of a triangular factor up to some answer are the factor of those up to it, so one of the longest span
   * that begins there does for all.
   */
  #plain(from: number, to: number): Affine[] {
    const longest = Math.min(from + Math.min(this.#joint.sustain, PLAIN_PERIODS), this.#market.hours) - 1;
    let rows = this.#factors.get(from);
    if (rows === undefined) {
      rows = plainRows(this.#market, this.#answered, { from, to: longest, perMw: () => this.#perMw });
      this.#factors.set(from, rows);
    }
    if (to === longest) return rows;
    const mine = this.#answered.slice(from, to + 1).reduce((sum, answers) => sum + answers.length, 0);
    return rows
      .map(({ terms, constant }) => ({ terms: terms.slice(0, mine), constant }))
      .filter(({ terms }) => terms.some(([, value]) => value !== 0));
  }

  #daysRows(from: number, to: number): Affine[] {
    for (let t = this.#days.length; t <= to; t++) this.#days.push(this.#sum("days", t, this.#days[t - 1]));
    const before = from > 0 ? this.#days[from - 1] : undefined;
    return Array.from(this.#days[to], (variable, row) => ({
      terms: [[variable, 1] as const, ...(before ? [[before[row], -1] as const] : [])],
      constant: 0,
    }));
  }

  #persistentRows(from: number, to: number): Affine[] {
    const carried = this.#carried.get(from) ?? { h: [], behind: [] };
    this.#carried.set(from, carried);
    const { h, behind } = carried;
    for (let t = from + h.length; t <= to; t++) {
      const last = h.at(-1);
      h.push(this.#sum("persistent", t, last, this.#joint.lag[t]));
      if (last !== undefined) behind.push(this.#behind(behind.at(-1), last, this.#joint.lag[t]));
    }
    const rows = Array.from(h[to - from], (variable): Affine => ({ terms: [[variable, 1]], constant: 0 }));
    return to > from ? [{ terms: [[behind[to - from - 1], 1]], constant: 0 }, ...rows] : rows;
  }

  /** One variable a row: what is answered at t, plus `weight` times the variable of before. */
  #sum(part: "days" | "persistent", t: number, before?: Int32Array, weight = 1): Int32Array {
    const columns = this.#joint[part][t];
    const depth = this.#joint[part].reduce((most, row) => row.reduce((m, c) => Math.max(m, c.length), most), 0);
    return Int32Array.from({ length: depth }, (_, row) => {
      const x = this.#model.add();
      const terms: Term[] = this.#answered[t].map(({ buyer, variable }) => [
        variable,
        -columns[buyer][row] * shareOf(this.#market, t, buyer) * this.#perMw,
      ]);
      this.#model.equal([[x, 1], ...terms, ...(before ? [[before[row], -weight] as const] : [])], 0);
      return x;
    });
  }

  /** At least the norm of what came before a period's step, the step before it included. */
  #behind(before: number | undefined, h: Int32Array, lag: number): number {
    const x = this.#model.add();
    const rest: Terms[] = [...(before === undefined ? [] : [[[before, 1] as const]])];
    const own = independent(lag);
    this.#model.cone(
      [[[x, 1] as const], ...rest, ...Array.from(h, (variable): Terms => [[variable, own]])].map((terms) => ({
        terms,
        constant: 0,
      })),
    );
    return x;
  }
}

/** A variable at least the standard deviation of what is answered in one period, MW. */
export function addDeviation({ model, market }: Draft, answers: readonly Answer[], t: number): number {
  const columns = triangularFactor(answers.map(({ buyer }) => market.error[t][buyer]));
  const s = model.add();
  const rows = Array.from(columns[0], (_, row): Affine => ({
    terms: answers.map(({ buyer, variable }, k) => [variable, columns[k][row] * shareOf(market, t, buyer)] as const),
    constant: 0,
  }));
  model.cone([{ terms: [[s, 1]], constant: 0 }, ...rows]);
  return s;
}
