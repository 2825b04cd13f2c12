/** A party's own agent, from the terms that were frozen and its own part: all that its process is given. */
import { forTradeGraph } from "../../clearing/settings.ts";
import { settingsFrom } from "../../clearing/settingsTerms.ts";
import { OPERATOR_AGENT, type Effect, type Event } from "../../clearing/message.ts";
import { initOperator, stepOperator, type OperatorState } from "../../clearing/operatorAgent.ts";
import { createHours } from "../../clearing/operatorProblem.ts";
import { endOf, operatorEnd } from "../../clearing/proposal.ts";
import { initProsumer, stepProsumer } from "../../clearing/prosumerAgent.ts";
import { readTerms, type Terms } from "../../codec/terms.ts";
import { placesOn, type Places } from "../../grid/places.ts";
import { createNetwork, type Network, type Tightening } from "../../market/formulation/network.ts";
import type { OwnView } from "../../market/result/acceptance.ts";
import { deviceCost } from "../../market/result/cost.ts";
import type { OperatorProposal, Proposal } from "../../market/result/proposal.ts";
import { sessionOf } from "../../market/scenario/leaveOut.ts";
import { marketOf, type Market } from "../../market/scenario/market.ts";
import { networkIn, perUnit } from "../../market/scenario/perUnit.ts";
import type { PrivatePart } from "../../market/scenario/publicScenario.ts";
import { plannedBy } from "../../metering/devices.ts";
import { sessionTag } from "../../net/wire.ts";
import { openMask, type MaskKey } from "./maskStream.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";

export type Opening = {
  readonly termsBytes: Uint8Array;
  /** As the chain froze it. */
  readonly termsHash: string;
  /** Who takes part of those whom the terms name, by id; the others load the feeder as the terms state for them. */
  readonly members: readonly number[];
  /** Agent number: the place among the members, or OPERATOR_AGENT. */
  readonly self: number;
  /** A prosumer's own part; the operator has none. */
  readonly part?: PrivatePart;
  /** What its owner hides its steps with, if with anything. */
  readonly mask?: MaskKey;
  /** Messages of an attempt are told from those of the ones before. */
  readonly attempt: number;
  /** How far inside the feeder's limits its operator clears. */
  readonly tightening?: Tightening;
};

/** What an agent leaves behind; `view` and `own` stay at its node. */
export type OwnEnd = {
  readonly proposal: Proposal | OperatorProposal;
  readonly view: OwnView;
  /** What its owner wants to know: a prosumer its schedule and cost, $; the operator how the clearing went. */
  readonly own: OwnRecord | RunRecord;
  /** By period: what its renewables are to give, which its node commits to; the operator has none. */
  readonly plannedWh?: readonly number[];
};

export type OwnRecord = {
  readonly schedule: unknown;
  readonly cost: number;
  readonly regret: number;
  /** Its allowances' price, $/t, and its part of the objective, $. */
  readonly priceMu: number;
  readonly objective: number;
};

/** By iteration, and [hour] limits that were written out. */
export type RunRecord = {
  readonly iterations: number;
  readonly evaluations: number;
  readonly residuals: readonly { readonly primal: number; readonly dual: number }[];
  readonly workingSet: readonly (readonly number[])[];
};

export type OwnAgent = {
  readonly terms: Terms;
  readonly market: Market;
  readonly network: Network;
  /** Inside the limits of this attempt. */
  readonly cleared: Network;
  readonly tightening: Tightening | undefined;
  readonly places: Places;
  /** Of its messages on the wire. */
  readonly tag: number;
  /** Bytes of the longest message that it can be sent. */
  readonly longest: number;
  readonly step: (event: Event) => readonly Effect[];
  /** It has its final iterate. */
  readonly ended: () => boolean;
  readonly end: () => OwnEnd;
  readonly progress: () => Progress;
};

export type Progress = {
  readonly iteration: number;
  /** Largest ratios of residual to tolerance; only the operator adds them up. */
  readonly primal?: number;
  readonly dual?: number;
};

export type Refusal = { readonly kind: "refused"; readonly predicate: string; readonly detail: string };

/** Every attempt has a tag of its own, so that what is still under way from the one before is passed over. */
export const attemptTag = (termsHash: string, attempt: number): number =>
  (sessionTag(termsHash) + 0x9e37 * attempt) & 0xffff;

/** Opens an agent, or says why the terms are not those it may clear on. */
export function openAgent(opening: Opening): OwnAgent | Refusal {
  const { termsBytes, termsHash, self, members, part, attempt, mask, tightening } = opening;
  const found = readTerms(termsBytes, termsHash);
  if (found.kind === "refused") return found;
  const { terms } = found;
  const { settings, clearing } = terms;
  const scenario = sessionOf(terms.scenario, members);
  const mismatch = part && partFault(scenario.hours, scenario.prosumers[self]?.id, part);
  if (mismatch) return { kind: "refused", predicate: "notMyPart", detail: mismatch };
  const market = marketOf(scenario, settings, part === undefined ? [] : [part]);
  const network = createNetwork(market);
  const cleared = tightening === undefined ? network : createNetwork(market, tightening);
  const shared = {
    terms,
    market,
    network,
    cleared,
    tightening,
    places: placesOn(scenario.feeder, network.topology, network.busOf),
    tag: attemptTag(termsHash, attempt),
  };
  const unit = perUnit(market);
  const agreed = forTradeGraph(settingsFrom(clearing), market);
  if (self === OPERATOR_AGENT) {
    const limits = settings.network ? networkIn(unit.units, cleared) : undefined;
    const state = initOperator(agreed, unit, createHours(unit, limits, clarabelSolver));
    const proposal = (): OperatorProposal => operatorEnd(market, state);
    return {
      ...shared,
      longest: longestFor(Math.max(...state.layouts.map(({ size }) => size))),
      step: (event) => stepOperator(state, event)[1],
      ended: () => state.status === "solved",
      end: () => ({ proposal: proposal(), view: { kind: "operator", proposal: proposal() }, own: runOf(state) }),
      progress: () => ({ iteration: state.iteration, ...state.residuals.at(-1) }),
    };
  }
  const state = initProsumer(agreed, unit, self, clarabelSolver, mask && { mask: openMask(mask) });
  return {
    ...shared,
    longest: longestFor(state.layout.size),
    step: (event) => stepProsumer(state, event)[1],
    ended: () => state.done && state.grid?.end === "solved",
    end() {
      const { proposal, view, schedule, regret, priceMu, objective } = endOf(market, state);
      const own = { schedule: plain(schedule), regret, priceMu, objective, cost: deviceCost(market, self, schedule) };
      return { proposal, view, own, plannedWh: plannedBy(schedule, market.dt) };
    },
    progress: () => ({ iteration: state.iteration }),
  };
}

/** Two numbers a component at most, and room for heads, sums and products of the acceleration, which are few. */
const longestFor = (components: number): number => 8 * (2 * components + 4096);

const runOf = ({ residuals, hours }: OperatorState): RunRecord => ({
  iterations: residuals.length,
  evaluations: residuals.length,
  residuals: residuals.map(({ primal, dual }) => ({ primal, dual })),
  workingSet: hours.map(({ workingSet }) => [...workingSet]),
});

/** Typed arrays as lists, which files hold. */
const plain = (record: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).map(([name, v]) => [name, ArrayBuffer.isView(v) ? [...(v as Float64Array)] : v]),
  );

function partFault(periods: number, id: number | undefined, part: PrivatePart): string | undefined {
  if (part.id !== id) return `the private file is party ${part.id}'s, not ${id}'s`;
  const found = part.load.fixedMw.length;
  return found === periods ? undefined : `the private file has ${found} periods, the terms ${periods}`;
}
