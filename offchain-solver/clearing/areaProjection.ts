import { ConicModel, type GroupedProblem } from "../numerics/conicModel.ts";
import { solveLoosening, type ConicSolver } from "../numerics/conicSolver.ts";
import { addNetworkLimit, limitRows, type Part } from "../market/formulation/networkLimit.ts";
import type { Market } from "../market/scenario/market.ts";
import { excess } from "../market/result/excess.ts";
import { riskLevel, type Network } from "../market/formulation/network.ts";
import { ACTIVE, REACTIVE, RESERVE } from "../market/result/commodities.ts";
import { LimitProjection, limitSet } from "./limitProjection.ts";

/** A limit that has not bound for this many projections in a row leaves the working set. */
const FORGET_AFTER = 6;
/** Limits taken into the working set at a time. */
const ADMIT = 2;

/** What a limit's image costs per unit of each component, $. */
export type LimitMultiplier = { readonly limit: number; readonly multiplier: readonly number[] };

/** One hour's operator variables: P and Q by prosumer, MW by share slot. */
export type HourBlock = { readonly p: Float64Array; readonly q: Float64Array; readonly shares: Float64Array };

/**
 * The operator's projection of one hour on the limits of one area, a branch of the root with all that hangs on it.
 * Areas share no variable: a limit sees what is injected in its own area, a share is answered at its seller's bus.
 * Limits are added lazily and the working set is kept between calls.
 */
export class AreaProjection {
  readonly #market: Market;
  readonly #network: Network;
  readonly #solver: ConicSolver;
  readonly #hour: number;
  /** Whose P and Q, and which slots, the area's vectors hold: P, Q, shares. */
  readonly #part: Part;
  readonly #idle = new Map<number, number>();
  readonly #target: Float64Array;
  readonly #x: Float64Array;
  #weights: Float64Array = new Float64Array(0);
  #rho: Float64Array = new Float64Array(0);
  #newton: LimitProjection | undefined;
  #program: GroupedProblem | undefined;
  #key = "";
  /** The last target broke a limit, and the limits that its projection was solved with. */
  #bound = false;
  #solved: number[] = [];
  /** The last projection came from the conic solver, which leaves no multipliers of the images. */
  #byConic = false;
  /** How often the general solver had to step in. */
  conicCalls = 0;

  constructor(market: Market, network: Network, solver: ConicSolver, hour: number, part: Part) {
    this.#market = market;
    this.#network = network;
    this.#solver = solver;
    this.#hour = hour;
    this.#part = part;
    this.#target = new Float64Array(2 * part.prosumers.length + part.slots.length);
    this.#x = new Float64Array(this.#target.length);
  }

  /**
   * Multipliers of the last projection at its rho, $ per unit of each image component; empty when the target was
   * inside.
   */
  get multipliers(): LimitMultiplier[] {
    const newton = this.#newton;
    if (newton !== undefined && this.#byConic) {
      const [target, x] = [this.#target, this.#x];
      // What is outside the area does not matter to its limits.
      const n = this.#market.prosumers.length;
      const point: HourBlock = {
        p: new Float64Array(n),
        q: new Float64Array(n),
        shares: new Float64Array(this.#market.shares[this.#hour].length),
      };
      this.#write(x, point);
      const gap = excess(this.#market, this.#network, this.#hour, point);
      newton.recover(
        target,
        x,
        this.#solved.map((limit) => gap[limit] > -1e-6),
      );
    }
    if (!this.#bound || newton === undefined) return [];
    return this.#solved.map((limit, l) => ({
      limit,
      multiplier: newton.multiplierOf(l).map((m) => m * this.#rho[ACTIVE]),
    }));
  }

  get workingSet(): number[] {
    return [...this.#idle.keys()].sort((a, b) => a - b);
  }

  /** Takes a new target; `bound` where it breaks a limit of the area. */
  begin(point: HourBlock, bound: boolean): void {
    this.#bound = bound;
    if (bound) this.#read(point);
  }

  /**
   * Projects the target in place on the working set, after taking in the worst of the limits in `broken` (ascending).
   * Undefined: all of them are in it already; false: the limits contradict each other.
   */
  improve(broken: readonly number[], gap: Float64Array, first: boolean, point: HourBlock, rho: Float64Array) {
    // The kept working set gets the first try: most of what the target breaks is mended by it.
    if (!(first && this.#idle.size > 0) && !this.#admit(broken, gap)) return undefined;
    return this.#solve(point, rho);
  }

  /**
   * Takes the few worst limits outside the working set in; taking all at once fills it with limits that repeat each
   * other.
   */
  #admit(broken: readonly number[], gap: Float64Array): boolean {
    let any = false;
    for (let k = 0; k < ADMIT; k++) {
      let worst = -1;
      for (const limit of broken) if (!this.#idle.has(limit) && (worst < 0 || gap[limit] > gap[worst])) worst = limit;
      if (worst < 0) return any;
      this.#idle.set(worst, 0);
      any = true;
    }
    return any;
  }

  age(gap: Float64Array): void {
    for (const [limit, idle] of this.#idle) {
      if (gap[limit] > -1e-6) this.#idle.set(limit, 0);
      else if (idle >= FORGET_AFTER) this.#idle.delete(limit);
      else this.#idle.set(limit, idle + 1);
    }
  }

  #read({ p, q, shares }: HourBlock): void {
    const { prosumers, slots } = this.#part;
    const n = prosumers.length;
    const x = this.#target;
    for (let k = 0; k < n; k++) {
      x[k] = p[prosumers[k]];
      x[n + k] = q[prosumers[k]];
    }
    for (let k = 0; k < slots.length; k++) x[2 * n + k] = shares[slots[k]];
  }

  #write(x: Float64Array, { p, q, shares }: HourBlock): void {
    const { prosumers, slots } = this.#part;
    const n = prosumers.length;
    for (let k = 0; k < n; k++) {
      p[prosumers[k]] = x[k];
      q[prosumers[k]] = x[n + k];
    }
    for (let k = 0; k < slots.length; k++) shares[slots[k]] = x[2 * n + k];
  }

  /**
   * Projects the target on the working set: by semismooth Newton, or on the conic solver where that does not settle.
   */
  #solve(point: HourBlock, rho: Float64Array): boolean {
    this.#solved = this.workingSet;
    this.#rho = rho;
    const key = `${this.#solved.join()}|${rho.join()}`;
    if (this.#key !== key) {
      this.#key = key;
      this.#program = undefined;
      this.#newton = undefined;
      this.#weights = this.#metric(rho);
      const level = riskLevel(this.#market, this.#hour);
      const network = this.#network;
      if (level.meanRadius === 0 && level.stdRadius === 0)
        this.#newton = new LimitProjection(
          this.workingSet.map((limit) => {
            const { rows, constant } = limitRows(this.#market, network, this.#hour, limit, this.#part);
            // The set is centred: measure the centre from the middle of the band.
            constant[0] -= (network.upper[limit] + network.lower[limit]) / 2;
            const T = (network.upper[limit] - network.lower[limit]) / 2;
            return { rows, constant, set: limitSet(T, level.method, level.epsilon, level.halfWidth) };
          }),
          this.#weights,
        );
    }
    const [target, x] = [this.#target, this.#x];
    const calls = this.conicCalls;
    if (this.#newton?.project(target, x) !== true && !this.#solveConic(target, x)) return false;
    this.#write(x, point);
    this.#byConic = this.conicCalls > calls;
    return true;
  }

  /** Weights of the projection over P, Q, shares; scaled to about one, which does not move the projection. */
  #metric(rho: Float64Array): Float64Array {
    const { prosumers, slots } = this.#part;
    const n = prosumers.length;
    const weights = new Float64Array(2 * n + slots.length);
    weights.fill(1, 0, n);
    weights.fill(rho[REACTIVE] / rho[ACTIVE], n, 2 * n);
    slots.forEach((s, k) => {
      const { seller, buyer } = this.#market.shares[this.#hour][s];
      weights[2 * n + k] = (rho[RESERVE] / rho[ACTIVE]) * (seller === buyer ? 1 : 2);
    });
    return weights;
  }

  #solveConic(target: Float64Array, x: Float64Array): boolean {
    const weights = this.#weights;
    if (this.#program === undefined) {
      const model = new ConicModel();
      model.add(weights.length);
      weights.forEach((w, k) => model.square(k, w));
      // Everybody's variables by number; those outside the area have none and occur in no limit of it.
      const everybody = this.#market.prosumers.length;
      const variables: HourBlock = {
        p: new Float64Array(everybody).fill(-1),
        q: new Float64Array(everybody).fill(-1),
        shares: new Float64Array(this.#market.shares[this.#hour].length).fill(-1),
      };
      this.#write(
        weights.map((_, k) => k),
        variables,
      );
      for (const limit of this.workingSet)
        addNetworkLimit(model, this.#market, this.#network, { hour: this.#hour, limit }, variables);
      this.#program = model.build();
    }
    for (let k = 0; k < weights.length; k++) this.#program.q[k] = -weights[k] * target[k];
    const result = solveLoosening(this.#solver, this.#program, 1e-11, 1e-7);
    if (result.status === "infeasible") return false;
    this.conicCalls++;
    // A solver that stalls has shown nothing of the limits: the next iteration asks again, and a certificate judges.
    if (result.status !== "solved") {
      x.set(target);
      return true;
    }
    x.set(result.x.subarray(0, weights.length));
    return true;
  }
}
