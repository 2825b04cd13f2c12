import { ConicModel, type GroupedProblem } from "../numerics/conicModel.ts";
import type { ConicSolver } from "../numerics/conicSolver.ts";
import { addNetworkLimit, limitRows } from "../market/networkLimit.ts";
import type { Market } from "../market/market.ts";
import { excess, riskLevel, type Network } from "../market/network.ts";
import { ACTIVE, REACTIVE, RESERVE } from "./layout.ts";
import { LimitProjection, limitSet } from "./limitProjection.ts";

/** A limit that has not bound for this many projections in a row leaves the working set. */
const FORGET_AFTER = 6;
/** Limits taken into the working set at a time. */
const ADMIT = 2;
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
  #weights: Float64Array = new Float64Array(0);
  #newton: LimitProjection | undefined;
  #program: GroupedProblem | undefined;
  #key = "";
  /** The last target broke a limit, and the limits that its projection was solved with. */
  #bound = false;
  #solved: number[] = [];
  /** Set when the last projection came from the conic solver, which leaves no multipliers of the images. */
  #recoverFrom: { readonly target: Float64Array; readonly x: Float64Array } | undefined;
  /** How often the general solver had to step in. */
  conicCalls = 0;

  constructor(market: Market, network: Network | undefined, solver: ConicSolver, hour: number) {
    this.#market = market;
    this.#network = network;
    this.#solver = solver;
    this.#hour = hour;
  }

  /** Multipliers of the last projection, $ per unit of each image component; empty when the target was inside. */
  multipliers(rho: Float64Array): { limit: number; multiplier: number[] }[] {
    const newton = this.#newton;
    if (newton !== undefined && this.#recoverFrom !== undefined) {
      const { target, x } = this.#recoverFrom;
      const n = this.#market.prosumers.length;
      const point = { p: x.subarray(0, n), q: x.subarray(n, 2 * n), shares: x.subarray(2 * n) };
      const gap = excess(this.#market, this.#network as Network, this.#hour, point);
      newton.recover(
        target,
        x,
        this.#solved.map((limit) => gap[limit] > -1e-6),
      );
    }
    if (!this.#bound || newton === undefined) return [];
    return this.#solved.map((limit, l) => ({ limit, multiplier: newton.multiplierOf(l).map((m) => m * rho[ACTIVE]) }));
  }

  get workingSet(): number[] {
    return [...this.#idle.keys()].sort((a, b) => a - b);
  }

  /** Projects in place; false when the solver failed (the limits contradict each other). */
  project(point: HourBlock, rho: Float64Array): boolean {
    if (this.#network === undefined) return true;
    const target = Float64Array.from([...point.p, ...point.q, ...point.shares]);
    let gap: Float64Array = excess(this.#market, this.#network, this.#hour, point);
    this.#bound = anyPositive(gap);
    if (anyPositive(gap))
      for (let pass = 0; pass < 200; pass++) {
        // The kept working set gets the first try: most of what the target breaks is mended by it.
        const admitted = pass > 0 || this.#idle.size === 0 ? this.#admit(gap) : true;
        if (!admitted) break;
        if (!this.#solve(target, point, rho)) return false;
        gap = excess(this.#market, this.#network, this.#hour, point);
      }
    this.#age(gap);
    return true;
  }

  /** Takes the few worst limits outside the working set in; taking all at once fills it with limits that repeat each other. */
  #admit(gap: Float64Array): boolean {
    let any = false;
    for (let k = 0; k < ADMIT; k++) {
      let worst = -1;
      for (let limit = 0; limit < gap.length; limit++)
        if (gap[limit] > TOLERANCE && !this.#idle.has(limit) && (worst < 0 || gap[limit] > gap[worst])) worst = limit;
      if (worst < 0) return any;
      this.#idle.set(worst, 0);
      any = true;
    }
    return any;
  }

  #age(gap: Float64Array): void {
    for (const [limit, idle] of this.#idle) {
      if (gap[limit] > -1e-6) this.#idle.set(limit, 0);
      else if (idle >= FORGET_AFTER) this.#idle.delete(limit);
      else this.#idle.set(limit, idle + 1);
    }
  }

  /** Projects `target` on the working set: by semismooth Newton, or on the conic solver where that does not settle. */
  #solve(target: Float64Array, point: HourBlock, rho: Float64Array): boolean {
    this.#solved = this.workingSet;
    const key = `${this.#solved.join()}|${rho.join()}`;
    if (this.#key !== key) {
      this.#key = key;
      this.#program = undefined;
      this.#newton = undefined;
      this.#weights = this.#metric(rho);
      const level = riskLevel(this.#market, this.#hour);
      const network = this.#network as Network;
      if (level.meanRadius === 0 && level.stdRadius === 0)
        this.#newton = new LimitProjection(
          this.workingSet.map((limit) => {
            const { rows, constant } = limitRows(this.#market, network, this.#hour, limit);
            // The set is centred: measure the centre from the middle of the band.
            constant[0] -= (network.upper[limit] + network.lower[limit]) / 2;
            const T = (network.upper[limit] - network.lower[limit]) / 2;
            return { rows, constant, set: limitSet(T, level.method, level.epsilon, level.halfWidth) };
          }),
          this.#weights,
        );
    }
    const x = new Float64Array(target.length);
    const calls = this.conicCalls;
    if (this.#newton?.project(target, x) !== true && !this.#solveConic(target, x)) return false;
    const n = point.p.length;
    point.p.set(x.subarray(0, n));
    point.q.set(x.subarray(n, 2 * n));
    point.shares.set(x.subarray(2 * n));
    this.#recoverFrom = this.conicCalls > calls ? { target, x } : undefined;
    return true;
  }

  /** Weights of the projection over P, Q, shares; scaled to about one, which does not move the projection. */
  #metric(rho: Float64Array): Float64Array {
    const slots = this.#market.shares[this.#hour];
    const n = this.#market.prosumers.length;
    const weights = new Float64Array(2 * n + slots.length);
    weights.fill(1, 0, n);
    weights.fill(rho[REACTIVE] / rho[ACTIVE], n, 2 * n);
    slots.forEach(({ seller, buyer }, s) => {
      weights[2 * n + s] = (rho[RESERVE] / rho[ACTIVE]) * (seller === buyer ? 1 : 2);
    });
    return weights;
  }

  #solveConic(target: Float64Array, x: Float64Array): boolean {
    const weights = this.#weights;
    if (this.#program === undefined) {
      const model = new ConicModel();
      const n = this.#market.prosumers.length;
      model.add(weights.length);
      weights.forEach((w, k) => model.square(k, w));
      const index = (from: number, count: number): number[] => Array.from({ length: count }, (_, k) => from + k);
      const variables = { p: index(0, n), q: index(n, n), shares: index(2 * n, weights.length - 2 * n) };
      for (const limit of this.workingSet)
        addNetworkLimit(model, this.#market, this.#network as Network, this.#hour, limit, variables);
      this.#program = model.build();
    }
    for (let k = 0; k < weights.length; k++) this.#program.q[k] = -weights[k] * target[k];
    let result = this.#solver(this.#program, { tolerance: 1e-11 });
    for (let loose = 1e-10; result.status === "failed" && loose <= 1e-7; loose *= 10)
      result = this.#solver(this.#program, { tolerance: loose });
    if (result.status !== "solved") return false;
    x.set(result.x.subarray(0, weights.length));
    this.conicCalls++;
    return true;
  }
}

function anyPositive(gap: Float64Array): boolean {
  for (const g of gap) if (g > TOLERANCE) return true;
  return false;
}
