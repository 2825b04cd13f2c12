import type { ConicModel, RowHandle } from "../../numerics/conicModel.ts";
import type { Market } from "../scenario/market.ts";
import { DEVICE_VARIABLES, RESERVES, type DeviceVariable } from "../devices/devices.ts";
import type { Prosumer } from "../scenario/scenario.ts";

/** Row groups: whose duals are summed for which price. */
export const GROUP = { device: 0, balance: 1, booking: 2, requirement: 3, network: 4, allowance: 5 } as const;

const OF_CONNECTION = [
  "imports",
  "exports",
  // Of the devices, without the load's.
  "reactive",
  "utilityShare",
  // Net injection P and Q, and net energy sold to partners.
  "p",
  "q",
  "sold",
] as const;

export type HourlyVariable = DeviceVariable | (typeof OF_CONNECTION)[number];
/** Variables of one prosumer, [hour] each; -1 where it has no such device (or it can only be zero). */
export type HourlyVariables = Readonly<Record<HourlyVariable, Int32Array>>;

export const noVariables = (hours: number): HourlyVariables =>
  Object.fromEntries(
    [...DEVICE_VARIABLES, ...OF_CONNECTION].map((name) => [name, new Int32Array(hours).fill(-1)]),
  ) as HourlyVariables;

/** MW of the error of `buyer` that a device answers. */
export type Answer = { readonly buyer: number; readonly variable: number };

/**
 * What each of a prosumer's devices answers, [period], by the variable of what it books upwards; where reserve has to
 * be deliverable, and empty otherwise.
 */
export type Answers = ReadonlyMap<HourlyVariable, Answer[][]>;

export const noAnswers = (hours: number): Answers =>
  new Map(RESERVES.map(({ up }) => [up, Array.from({ length: hours }, () => [])]));

export type ProsumerVariables = HourlyVariables & {
  readonly answered: Answers;
  readonly allowanceBought: number;
  readonly allowanceSold: number;
  /** Net allowances sold to partners. */
  readonly allowanceTraded: number;
  readonly balance: readonly RowHandle[];
  readonly allowance: RowHandle | undefined;
};

/**
 * A share of this prosumer's: what it answers for (`sold`, own share included) or has answered (`bought`, own share
 * included).
 */
export type ShareVariables = {
  readonly sold: readonly (readonly { readonly buyer: number; readonly variable: number }[])[];
  readonly bought: readonly (readonly { readonly seller: number; readonly variable: number }[])[];
};

/** Coefficient of one variable in a sum. */
export type Term = readonly [variable: number, coefficient: number];

/** One prosumer's program while it is put together: its variables, and the sums that run over the whole session. */
export type Draft = {
  readonly model: ConicModel;
  readonly market: Market;
  /** Index into the market's prosumers. */
  readonly index: number;
  readonly prosumer: Prosumer;
  readonly shares: ShareVariables;
  readonly variables: HourlyVariables;
  readonly answered: Answers;
  /** tCO2. */
  readonly emissions: Term[];
  /** Load shifted, MW: adds up to zero, or to what is shifted into the session. */
  readonly shifted: Term[];
};

/** The draft in hour t: what its devices inject and draw, for the rows that add them up. */
export type Hour = Draft & {
  readonly t: number;
  /** Whether it answers errors in this hour, its own included: then its devices book capacity. */
  readonly answers: boolean;
  /** MW into the connection. */
  readonly injection: Term[];
  /** Mvar drawn by what is shifted. */
  readonly drawn: Term[];
};

export const hourOf = (draft: Draft, t: number): Hour => ({
  ...draft,
  t,
  answers: draft.shares.sold[t].length > 0,
  injection: [],
  drawn: [],
});
