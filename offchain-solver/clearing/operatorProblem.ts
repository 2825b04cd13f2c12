import { ConicModel, type GroupedProblem } from "../numerics/conicModel.ts";
import type { ConicSolver } from "../numerics/conicSolver.ts";
import { addNetworkLimit } from "../market/formulate.ts";
import type { Market } from "../market/market.ts";
import { excess, type Network } from "../market/network.ts";
import { ACTIVE, REACTIVE, RESERVE } from "./layout.ts";

/** A limit that has not bound for this many projections leaves the working set. */
const FORGET_AFTER = 60;
/** Largest excess half width left outside the working set, p.u.^2 or MVA. */
const TOLERANCE = 1e-9;

/** One hour's operator variables: P and Q by prosumer, MW by share slot. */
export type HourBlock = { readonly p: Float64Array; readonly q: Float64Array; readonly shares: Float64Array };

/**
 * The operator's projection of one hour: the nearest (P, Q, shares) inside the network security constraints, in the metric
 * rho_P, rho_Q, and rho_R times the number of copies (own share 1, traded share 2). Limits are added lazily and the working
 * set is kept between calls.
 */
export class HourProjection {
  readonly #market: Market;
  readonly #network: Network | undefined;
  readonly #solver: ConicSolver;
  readonly #hour: number;
  readonly #idle = new Map<number, number>();
  #program: { problem: GroupedProblem; weights: Float64Array } | undefined;
  #programKey = "";

  constructor(market: Market, network: Network | undefined, solver: ConicSolver, hour: number) {
    this.#market = market;
    this.#network = network;
    this.#solver = solver;
    this.#hour = hour;
  }

  get workingSet(): number[] {
    return [...this.#idle.keys()].sort((a, b) => a - b);
  }

  /** Projects in place; false when the solver failed (the limits contradict each other). */
  project(point: HourBlock, rho: Float64Array): boolean {
    if (this.#network === undefined) return true;
    const target = { p: point.p.slice(), q: point.q.slice(), shares: point.shares.slice() };
    let gap = excess(this.#market, this.#network, this.#hour, point);
    for (let pass = 0; pass < 40; pass++) {
      let added = 0;
      for (let limit = 0; limit < gap.length; limit++)
        if (gap[limit] > TOLERANCE && !this.#idle.has(limit)) {
          this.#idle.set(limit, 0);
          added++;
        }
      if (pass > 0 && added === 0) break;
      if (this.#idle.size === 0 || (pass === 0 && !anyPositive(gap))) break;
      if (!this.#solve(target, point, rho)) return false;
      gap = excess(this.#market, this.#network, this.#hour, point);
    }
    this.#age(gap);
    return true;
  }

  #age(gap: Float64Array): void {
    for (const [limit, idle] of this.#idle) {
      if (gap[limit] > -1e-6) this.#idle.set(limit, 0);
      else if (idle >= FORGET_AFTER) this.#idle.delete(limit);
      else this.#idle.set(limit, idle + 1);
    }
  }

  #solve(target: HourBlock, point: HourBlock, rho: Float64Array): boolean {
    const set = this.workingSet;
    const key = `${set.join()}|${rho.join()}`;
    const n = target.p.length;
    if (this.#program === undefined || this.#programKey !== key) {
      const model = new ConicModel();
      const slots = this.#market.shares[this.#hour];
      const weights = new Float64Array(2 * n + slots.length);
      model.add(weights.length);
      weights.fill(rho[ACTIVE], 0, n);
      weights.fill(rho[REACTIVE], n, 2 * n);
      slots.forEach(({ seller, buyer }, s) => (weights[2 * n + s] = rho[RESERVE] * (seller === buyer ? 1 : 2)));
      // Projections do not change when all weights do: scale them to about one for the solver.
      const scale = 1 / rho[ACTIVE];
      weights.forEach((w, k) => {
        weights[k] = w * scale;
        model.square(k, w * scale);
      });
      const index = (from: number, count: number): number[] => Array.from({ length: count }, (_, k) => from + k);
      const variables = { p: index(0, n), q: index(n, n), shares: index(2 * n, slots.length) };
      for (const limit of set)
        addNetworkLimit(model, this.#market, this.#network as Network, this.#hour, limit, variables);
      this.#program = { problem: model.build(), weights };
      this.#programKey = key;
    }
    const { problem, weights } = this.#program;
    const all = [...target.p, ...target.q, ...target.shares];
    for (let k = 0; k < weights.length; k++) problem.q[k] = -weights[k] * all[k];
    let result = this.#solver(problem, { tolerance: 1e-11 });
    for (let loose = 1e-10; result.status === "failed" && loose <= 1e-7; loose *= 10)
      result = this.#solver(problem, { tolerance: loose });
    if (result.status !== "solved") return false;
    for (let k = 0; k < n; k++) {
      point.p[k] = result.x[k];
      point.q[k] = result.x[n + k];
    }
    for (let s = 0; s < point.shares.length; s++) point.shares[s] = result.x[2 * n + s];
    return true;
  }
}

function anyPositive(gap: Float64Array): boolean {
  for (const g of gap) if (g > TOLERANCE) return true;
  return false;
}
