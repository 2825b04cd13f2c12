import type { ConicSolver } from "../numerics/conicSolver.ts";
import type { Market } from "../market/scenario/market.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import { createMeter, type Meter } from "../market/result/excess.ts";
import { areaOfLimit, type Network } from "../market/formulation/network.ts";
import { AreaProjection, type HourBlock, type LimitMultiplier } from "./areaProjection.ts";

/** Largest excess half width left outside the working set, p.u.^2 or MVA. */
const TOLERANCE = 1e-9;

/** What the projections of an hour leave behind. */
export type HourLimits = Pick<HourProjection, "workingSet" | "multipliers" | "conicCalls">;

/**
 * All hours of a session. They share no variable, so whoever projects them may do so in any order, or several at once.
 */
export type Hours = {
  /** [hour] */
  readonly limits: readonly HourLimits[];
  /** Projects [hour] blocks in place; false when the limits of some hour contradict each other. */
  readonly project: (blocks: readonly HourBlock[], rho: Float64Array) => boolean;
};

/** The hours one after another, here; `around` is called around every projection. */
export function createHours(
  market: UnitMarket,
  network: Network | undefined,
  solver: ConicSolver,
  around: (project: () => boolean) => boolean = (project) => project(),
): Hours {
  const limits = Array.from({ length: market.hours }, (_, t) => new HourProjection(market, network, solver, t));
  return {
    limits,
    project: (blocks, rho) => limits.every((hour, t) => around(() => hour.project(blocks[t], rho))),
  };
}

/**
 * The operator's projection of one hour: the nearest (P, Q, shares) inside the network security constraints, in the
 * metric rho_P, rho_Q, and rho_R times the number of copies (own share 1, traded share 2). It falls apart by areas, so
 * its cost follows the areas whose limits are broken, not the square of the feeder.
 */
export class HourProjection {
  readonly #network: Network | undefined;
  readonly #measure: Meter | undefined;
  readonly #areas: readonly AreaProjection[];

  constructor(market: UnitMarket, network: Network | undefined, solver: ConicSolver, hour: number) {
    this.#network = network;
    this.#measure = network && createMeter(market, network, hour);
    this.#areas =
      network === undefined
        ? []
        : partsOf(market, network, hour).map((part) => new AreaProjection(market, network, solver, hour, part));
  }

  /** How often the general solver had to step in. */
  get conicCalls(): number {
    return this.#areas.reduce((sum, area) => sum + area.conicCalls, 0);
  }

  /**
   * Multipliers of the last projection at its rho, $ per unit of each image component; none where the target was
   * inside.
   */
  get multipliers(): LimitMultiplier[] {
    return this.#areas.flatMap((area) => area.multipliers).sort((a, b) => a.limit - b.limit);
  }

  get workingSet(): number[] {
    return this.#areas.flatMap((area) => area.workingSet).sort((a, b) => a - b);
  }

  /** Projects in place; false when the solver failed (the limits contradict each other). */
  project(point: HourBlock, rho: Float64Array): boolean {
    const measure = this.#measure;
    if (measure === undefined) return true;
    let gap = measure(point);
    let broken = this.#brokenBy(gap);
    this.#areas.forEach((area, k) => area.begin(point, broken.has(k)));
    const open = new Set(broken.keys());
    for (let pass = 0; pass < 200 && open.size > 0; pass++) {
      for (const k of open) {
        const improved = this.#areas[k].improve(broken.get(k) ?? [], gap, pass === 0, point, rho);
        if (improved === false) return false;
        if (improved === undefined) open.delete(k);
      }
      if (open.size === 0) break;
      gap = measure(point);
      broken = this.#brokenBy(gap);
    }
    for (const area of this.#areas) area.age(gap);
    return true;
  }

  /** [area] the limits that a point breaks, ascending. */
  #brokenBy(gap: Float64Array): Map<number, number[]> {
    const broken = new Map<number, number[]>();
    for (let limit = 0; limit < gap.length; limit++) {
      if (!(gap[limit] > TOLERANCE)) continue;
      const area = areaOfLimit(this.#network as Network, limit);
      const list = broken.get(area);
      if (list) list.push(limit);
      else broken.set(area, [limit]);
    }
    return broken;
  }
}

/** [area] prosumers and the hour's slots by their sellers, ascending. */
function partsOf({ shares }: Market, { areaOf, busOf }: Network, hour: number) {
  const areas = areaOf.reduce((most, area) => Math.max(most, area + 1), 0);
  const lists = Array.from({ length: areas }, () => ({ prosumers: [] as number[], slots: [] as number[] }));
  busOf.forEach((bus, i) => lists[areaOf[bus]].prosumers.push(i));
  shares[hour].forEach(({ seller }, s) => lists[areaOf[busOf[seller]]].slots.push(s));
  return lists.map(({ prosumers, slots }) => ({
    prosumers: Int32Array.from(prosumers),
    slots: Int32Array.from(slots),
  }));
}
