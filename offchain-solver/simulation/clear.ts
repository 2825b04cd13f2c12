import { assemble } from "../clearing/assemble.ts";
import { findLacking, solveCentral } from "../clearing/central.ts";
import type { ConsensusResult } from "../clearing/consensus.ts";
import { regretsOf } from "../clearing/regret.ts";
import { warmStarts, type ClearingState } from "./clearingState.ts";
import {
  DEFAULT_SETTINGS,
  forTradeGraph,
  startedFrom,
  MEMORY,
  type Residual,
  type Settings,
} from "../clearing/settings.ts";
import { placesOn } from "../grid/places.ts";
import { quantise, type Quantised } from "../codec/quantise.ts";
import { pricedAs, proposalsFrom, type End } from "../clearing/proposal.ts";
import type { ClearMethod, Method } from "../market/result/methods.ts";
import type { Proposals } from "../market/result/proposal.ts";
import { createMarket, periodName, type Market, type MarketSettings } from "../market/scenario/market.ts";
import {
  createNetwork,
  limitName,
  NO_TIGHTENING,
  type Network,
  type Tightening,
} from "../market/formulation/network.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Solution, Status } from "../market/result/solution.ts";
import { clarabelSolver } from "../numerics/clarabelNode.ts";
import { heldOneWay, oneWay, type BothWays } from "../market/result/battery.ts";
import { runAgents } from "./workers/runAgents.ts";

export type { ClearMethod };

export type ClearOptions = {
  readonly method: ClearMethod;
  readonly market: MarketSettings;
  readonly trade: boolean;
  /**
   * joint (the default): energy and reserve at once. sequential: energy first, with deterministic limits; its trades
   * and their prices then stand while reserve is cleared, and devices and utility connections may be redispatched.
   */
  readonly reserve?: "joint" | "sequential";
  /** Multiplies every default penalty. */
  readonly rhoScale: number;
  readonly maxIterations: number;
  /** Plain iterations with the vanishing regularisation that the accelerated methods have; not without asking. */
  readonly vanishing?: boolean;
  /** As agreed with others, in place of what the options above would make. */
  readonly settings?: Settings;
  /** 1 (the default) plain, up to 1.6 over-relaxed. */
  readonly relaxation?: number;
  readonly tightening?: Tightening;
  /** Worker threads for the agents, 1 (the default): none. The result does not depend on it. */
  readonly workers?: number;
  readonly observe?: (iteration: number, residual: Residual) => void;
  /** A state to go on from and the file it came from, for complaints. */
  readonly warm?: { readonly file: string; readonly state: ClearingState };
};

export type ClearedSession = {
  readonly status: Status;
  readonly reason: string | undefined;
  readonly market: Market;
  readonly network: Network | undefined;
  readonly settings: Settings;
  readonly iterations: number;
  readonly evaluations: number;
  readonly messages: number;
  readonly bytes: number;
  readonly wallMs: number;
  readonly residuals: readonly Residual[];
  readonly outcome:
    | {
        readonly proposals: Proposals;
        /** What each prosumer's node would keep of its own agent; the central twin has no agents. */
        readonly ends: readonly End[] | undefined;
        readonly solution: Solution;
        readonly objective: number;
        readonly regrets: Float64Array;
        readonly quantised: Quantised;
        /** [hour] limits that the clearing had to write out. */
        readonly workingSet: readonly (readonly number[])[];
        /** Batteries that charge and discharge at once, which no battery can: empty in what `clear` returns. */
        readonly bothWays: BothWays;
      }
    | undefined;
  readonly consensus: ConsensusResult | undefined;
};

export function settingsFor(
  method: Method,
  {
    rhoScale,
    maxIterations,
    vanishing: plain = false,
    relaxation = DEFAULT_SETTINGS.relaxation,
  }: Pick<ClearOptions, "rhoScale" | "maxIterations" | "vanishing" | "relaxation">,
): Settings {
  const { acceleration, rho } = DEFAULT_SETTINGS;
  const vanishing = { ...acceleration.vanishing, plain };
  return {
    ...DEFAULT_SETTINGS,
    rho: rho.map((r) => r * rhoScale),
    relaxation,
    maxIterations,
    acceleration: { ...acceleration, method, memory: MEMORY[method], vanishing },
  };
}

/** After so many clearings a battery that still runs both ways at once somewhere is held to one way in every period. */
const TRIES_BY_PERIOD = 3;

/**
 * Clears a scenario: formulates, solves by the chosen method, quantises. Infeasible or unfinished sessions come back as
 * a Status. No battery charges and discharges at once: where a price below zero makes that pay and the positions need
 * it, the battery is held to one way in those periods and the scenario (as the session's market then shows) is cleared
 * again.
 */
export function clear(scenario: Scenario, options: ClearOptions): ClearedSession {
  let session = clearStages(scenario, options);
  for (let tries = 1; session.outcome !== undefined && session.outcome.bothWays.length > 0; tries++) {
    const { solution, bothWays } = session.outcome;
    const held = heldOneWay(session.market.scenario, solution.schedules, bothWays, tries >= TRIES_BY_PERIOD);
    // Without trade the market's scenario has lost its pairs, and its directions are all that is new.
    const again = clearStages({ ...held, pairs: scenario.pairs }, options);
    session = after(session, again, "with batteries held to one way");
  }
  return session;
}

/** Energy and reserve at once, or one after the other. */
function clearStages(scenario: Scenario, options: ClearOptions): ClearedSession {
  // Without trades or without risk there is no second stage.
  if (options.reserve !== "sequential" || !options.trade || options.market.risk === "deterministic")
    return clearStage(scenario, options, undefined);
  const energy = clearStage(scenario, { ...options, market: { ...options.market, risk: "deterministic" } }, undefined);
  if (energy.outcome === undefined) return { ...energy, reason: `energy first: ${energy.reason ?? energy.status}` };
  return after(energy, clearStage(scenario, options, energy.outcome), "reserve after energy");
}

/** The later of two clearings with the work of both. */
function after(first: ClearedSession, second: ClearedSession, what: string): ClearedSession {
  return {
    ...second,
    ...(second.outcome ? {} : { reason: `${what}: ${second.reason ?? second.status}` }),
    iterations: first.iterations + second.iterations,
    evaluations: first.evaluations + second.evaluations,
    messages: first.messages + second.messages,
    bytes: first.bytes + second.bytes,
    wallMs: first.wallMs + second.wallMs,
    residuals: [...first.residuals, ...second.residuals],
  };
}

/** Of a session whose devices alone have no feasible point. */
export const LIMITS_DO_NOT_HELP = "wider network limits would not help";

/**
 * Names period and limit where a session has no feasible point: the ones that would have to be wider (`lacks`), by how
 * much.
 */
function whyNot(
  market: Market,
  network: Network | undefined,
  otherwise: string | undefined,
): { readonly reason: string | undefined; readonly lacks: boolean } {
  if (network === undefined) return { reason: otherwise, lacks: false };
  const lacking = findLacking(market, network, clarabelSolver);
  if (lacking === "devices") return { reason: `${otherwise}; ${LIMITS_DO_NOT_HELP}`, lacks: false };
  if (lacking === undefined || lacking.length === 0) return { reason: otherwise, lacks: false };
  const named = lacking.slice(0, 3).map(({ hour, limit, by }) => {
    const unit = limit < network.buses ? "p.u.^2" : "MVA";
    return `${periodName(market, hour)}, ${limitName(market, network, limit)} by ${by.toPrecision(2)} ${unit}`;
  });
  const more = lacking.length > named.length ? ` and ${lacking.length - named.length} more` : "";
  return { reason: `${otherwise}; these limits would have to be wider: ${named.join("; ")}${more}`, lacks: true };
}

/**
 * How a distributed clearing ended, and why. Agents see that there is no feasible point where the limits, or somebody's
 * devices, have none by themselves, and prove it after a while where only both together have none. Whoever simulates
 * them all can ask the whole problem which limits are in the way, and where their cap came before the proof.
 */
function endOf(
  market: Market,
  network: Network | undefined,
  { status, reason, evaluations }: Pick<ConsensusResult, "status" | "reason" | "evaluations">,
): { readonly status: Status; readonly reason: string | undefined } {
  if (status === "infeasible") return { status, reason: whyNot(market, network, reason).reason };
  if (status !== "max iterations") return { status, reason };
  const why = whyNot(market, network, reason ?? `no end after ${evaluations} evaluations`);
  return why.lacks ? { status: "infeasible", reason: why.reason } : { status, reason };
}

/** [prosumer][hour] MW sold to partners, net. */
export function soldBy(scenario: Scenario, solution: Solution): Float64Array[] {
  const place = new Map(scenario.prosumers.map((p, i) => [p.id, i]));
  const sold = scenario.prosumers.map(() => new Float64Array(scenario.hours));
  scenario.pairs.forEach((pair, k) =>
    pair.forEach((id, side) =>
      solution.energyMw[k].forEach((mw, t) => (sold[place.get(id) as number][t] += side === 0 ? mw : -mw)),
    ),
  );
  return sold;
}

/** The solution with every battery running one way, where that keeps the positions, and where it does not. */
export function asBuilt(
  market: Market,
  solution: Solution,
): { readonly solution: Solution; readonly bothWays: BothWays } {
  const turned = solution.schedules.map((schedule, i) => oneWay(market.prosumers[i], schedule, market.dt));
  return {
    solution: { ...solution, schedules: turned.map(({ schedule }) => schedule) },
    bothWays: turned.flatMap(({ both }, index) => (both.length > 0 ? [{ index, periods: both }] : [])),
  };
}

type Earlier = { readonly solution: Solution; readonly proposals: Proposals };

/** One clearing; after `energyFirst` its energy trades stand at their prices and only the rest is cleared. */
function clearStage(scenario: Scenario, options: ClearOptions, energyFirst: Earlier | undefined): ClearedSession {
  const market = createMarket(
    options.trade ? scenario : { ...scenario, pairs: [] },
    options.market,
    energyFirst && soldBy(scenario, energyFirst.solution),
  );
  return clearMarket(market, options, energyFirst);
}

/** The grid of a market (always known: distances, AC check), and its limits where they bind. */
export function gridOf(market: Market, tightening: Tightening = NO_TIGHTENING) {
  const grid = createNetwork(market, tightening);
  return {
    network: market.settings.network ? grid : undefined,
    places: placesOn(market.scenario.feeder, grid.topology, grid.busOf),
  };
}

/** Clears a market as it stands; `energyFirst`: its energy trades keep their prices. */
export function clearMarket(market: Market, options: ClearOptions, energyFirst?: Earlier): ClearedSession {
  const { network, places } = gridOf(market, options.tightening);
  const priced = ({ solution, proposals }: Earlier): Earlier =>
    energyFirst
      ? {
          solution: { ...solution, energyPrice: energyFirst.solution.energyPrice },
          proposals: pricedAs(proposals, energyFirst.proposals),
        }
      : { solution, proposals };
  const quantised = (cleared: Earlier) => {
    const { solution, proposals } = priced(cleared);
    return { ...asBuilt(market, solution), proposals, quantised: quantise(market, proposals, places) };
  };
  const started = performance.now();
  if (options.method === "central") {
    const central = solveCentral(market, network, clarabelSolver);
    const posted = (solution: Solution) => quantised({ solution, proposals: proposalsFrom(market, solution) });
    const wallMs = performance.now() - started;
    const solved = central.status === "solved";
    const why = solved ? undefined : whyNot(market, network, `the conic solver ended ${central.status}`);
    return {
      status: solved ? "solved" : central.status === "infeasible" || why?.lacks ? "infeasible" : "max iterations",
      reason: why?.reason,
      market,
      network,
      settings: DEFAULT_SETTINGS,
      iterations: solved ? central.solves : 0,
      evaluations: solved ? central.solves : 0,
      messages: 0,
      bytes: 0,
      wallMs,
      residuals: [],
      outcome: solved
        ? {
            ...posted(central.solution),
            ends: undefined,
            objective: central.objective,
            regrets: regretsOf(market, posted(central.solution).solution, clarabelSolver),
            workingSet: central.workingSet,
          }
        : undefined,
      consensus: undefined,
    };
  }
  const settings = options.settings ?? settingsFor(options.method, options);
  const consensus = runOf(market, network, settings, options);
  const cleared = consensus.status === "solved" ? assemble(market, consensus) : undefined;
  const wallMs = performance.now() - started;
  const end = endOf(market, network, consensus);
  return {
    ...end,
    market,
    network,
    settings: consensus.operator.settings,
    iterations: consensus.iterations,
    evaluations: consensus.evaluations,
    messages: consensus.messages,
    bytes: consensus.bytes,
    wallMs,
    residuals: consensus.residuals,
    outcome: cleared
      ? {
          ...cleared,
          ...quantised(cleared),
          workingSet: consensus.operator.hours.map((hour) => hour.workingSet),
        }
      : undefined,
    consensus,
  };
}

/**
 * Runs the agents to the certified end: they are asked for their regrets while they iterate, so nothing is run again.
 */
function runOf(
  market: Market,
  network: Network | undefined,
  given: Settings,
  { observe, workers = 1, warm: from }: Pick<ClearOptions, "observe" | "workers" | "warm">,
): ConsensusResult {
  const settings = from ? startedFrom(given, from.state.firstResidual) : given;
  const warm = from && warmStarts(from.file, from.state, market, forTradeGraph(settings, market).rho);
  return runAgents(market, network, settings, { workers, ...(observe && { observe }), ...(warm && { warm }) });
}
