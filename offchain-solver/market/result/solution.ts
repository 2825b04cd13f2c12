import { PLANNED, RESERVES, type PlanName } from "../devices/devices.ts";
import type { ProsumerVariables } from "../formulation/hour.ts";

/** solved | max iterations | infeasible | deadline: how a clearing ended. */
export type Status = "solved" | "max iterations" | "infeasible" | "deadline";

/** One prosumer's day, [hour] each, MW / Mvar / MWh; of devices that it does not have, zeros. */
export type Schedule = Readonly<Record<PlanName, Float64Array>> & {
  readonly importMw: Float64Array;
  readonly exportMw: Float64Array;
  readonly reactiveMvar: Float64Array;
  readonly reserveUpMw: Float64Array;
  readonly reserveDownMw: Float64Array;
  readonly utilityShareMw: Float64Array;
  /** Net injection at the bus. */
  readonly pMw: Float64Array;
  readonly qMvar: Float64Array;
  readonly allowanceBoughtT: number;
  readonly allowanceSoldT: number;
  /** Of a battery whose answers have to last. */
  readonly band?: StoredBand | undefined;
};

/** [period] how far answers may take a battery's stored energy below and above the plan, MWh: see `storedBand`. */
export type StoredBand = { readonly belowMwh: Float64Array; readonly aboveMwh: Float64Array };

/** A cleared point with its prices, whatever the method. Prices are $/MWh, $/Mvarh, $/MW and hour, $/t. */
export type Solution = {
  readonly schedules: readonly Schedule[];
  /**
   * [hour][prosumer] net injection inside the network's limits, MW and Mvar: what is posted. Schedules meet it to the
   * clearing's tolerance.
   */
  readonly injectionMw: readonly Float64Array[];
  readonly injectionMvar: readonly Float64Array[];
  /** [pair][hour] MW sold by the pair's first prosumer to its second. */
  readonly energyMw: readonly Float64Array[];
  readonly energyPrice: readonly Float64Array[];
  /** [hour][slot] MW, price of the share, and what the operator charges for it on top (half from each side). */
  readonly shareMw: readonly Float64Array[];
  readonly sharePrice: readonly Float64Array[];
  readonly shareCharge: readonly Float64Array[];
  /** [pair] tCO2 sold by the first to the second. */
  readonly carbonT: Float64Array;
  readonly carbonPrice: Float64Array;
  /** [hour][prosumer] network charge per MWh injected, per Mvarh injected. */
  readonly nodalPrice: readonly Float64Array[];
  readonly nodalReactivePrice: readonly Float64Array[];
  /** [prosumer] marginal price of carbon. */
  readonly priceMu: Float64Array;
};

/** By the variable of what a device books upwards: [period] MW of a buyer's need. */
export type DeviceAnswers = ReadonlyMap<
  string,
  readonly (readonly { readonly buyer: number; readonly mw: number }[])[]
>;

/** Reads what a prosumer's devices answer out of a solver's vector; `mw`: the unit of power that it counts in, MW. */
export const answersIn = ({ answered }: ProsumerVariables, x: ArrayLike<number>, mw: number): DeviceAnswers =>
  new Map(
    [...answered].map(([device, periods]) => [
      device,
      periods.map((shares) => shares.map(({ buyer, variable }) => ({ buyer, mw: Math.max(0, x[variable]) * mw }))),
    ]),
  );

const EMPTY = -1;

/** Reads one prosumer's schedule out of a solver's vector. */
export function readSchedule(v: ProsumerVariables, x: ArrayLike<number>): Schedule {
  const read = (index: Int32Array): Float64Array => Float64Array.from(index, (k) => (k === EMPTY ? 0 : x[k]));
  // Solvers leave what is bounded by zero a hair below it; a negative booking would be a limit that nothing keeps.
  const positive = (index: Int32Array): Float64Array => read(index).map((value) => Math.max(0, value));
  const sum = (indices: readonly Int32Array[]): Float64Array =>
    indices.map(positive).reduce((total, values) => total.map((value, t) => value + values[t]));
  const planned = PLANNED.map(
    ([name, { variable, positive: clip }]) => [name, (clip ? positive : read)(v[variable])] as const,
  );
  return {
    ...(Object.fromEntries(planned) as Record<PlanName, Float64Array>),
    importMw: positive(v.imports),
    exportMw: positive(v.exports),
    reactiveMvar: read(v.reactive),
    reserveUpMw: sum(RESERVES.map(({ up }) => v[up])),
    reserveDownMw: sum(RESERVES.map(({ down }) => v[down])),
    utilityShareMw: positive(v.utilityShare),
    pMw: read(v.p),
    qMvar: read(v.q),
    allowanceBoughtT: v.allowanceBought === EMPTY ? 0 : x[v.allowanceBought],
    allowanceSoldT: v.allowanceSold === EMPTY ? 0 : x[v.allowanceSold],
  };
}
