import { ConicModel, groupGradient, type GroupedProblem } from "../numerics/conicModel.ts";
import { solveLoosening, type ConicSolution, type ConicSolver } from "../numerics/conicSolver.ts";
import { addProsumer } from "../market/formulation/formulate.ts";
import { GROUP, type ProsumerVariables } from "../market/formulation/hour.ts";
import { addNetworkLimit } from "../market/formulation/networkLimit.ts";
import type { Market } from "../market/scenario/market.ts";
import { exactly, networkIn, perUnit, solutionFrom, type UnitMarket } from "../market/scenario/perUnit.ts";
import { excess } from "../market/result/excess.ts";
import type { Network } from "../market/formulation/network.ts";
import { withBand } from "../market/result/storedBand.ts";
import { answersIn, readSchedule, type DeviceAnswers, type Solution } from "../market/result/solution.ts";

/**
 * Largest excess half width (p.u.^2, MVA at the reference size) that a network limit outside the working set may show.
 */
const LAZY_TOLERANCE = 1e-8;

/**
 * $ per p.u.^2 or MVA, at the reference size, that a limit is widened by in an elastic session: far above any price
 * that a feasible one pays.
 */
const LACKING = 1e5;

export type CentralResult =
  | { readonly status: "infeasible" | "failed" }
  | {
      readonly status: "solved";
      readonly solution: Solution;
      readonly objective: number;
      readonly solves: number;
      readonly variables: number;
      readonly rows: number;
      /** [hour] network limits that were written out. */
      readonly workingSet: readonly (readonly number[])[];
      /** [hour][prosumer] marginal cost of delivering energy to partners, $/MWh: unique where a device is interior. */
      readonly marginalCost: readonly Float64Array[];
      /** [prosumer] what its devices answer, where reserve has to be deliverable (docs/model.md). */
      readonly answers: readonly DeviceAnswers[];
    };

/**
 * The whole problem at once on the conic solver: the oracle that distributed clearing is compared with.
 * Network limits are written lazily (start from `workingSet`, add what is violated, solve again) unless `full`.
 */
export function solveCentral(
  given: Market,
  limits: Network | undefined,
  solver: ConicSolver,
  options: { full?: boolean; workingSet?: readonly (readonly number[])[]; tolerance?: number } = {},
): CentralResult {
  const market = perUnit(given, exactly);
  const { units } = market;
  const network = limits && networkIn(units, limits, exactly);
  const working: Set<number>[] = Array.from({ length: market.hours }, (_, t) => new Set(options.workingSet?.[t] ?? []));
  if (network && options.full) admitAll(network, working);
  for (let solves = 1; solves <= 60; solves++) {
    const program = build(market, network, working);
    const problem = program.model.build();
    const result = solveLoosening(solver, problem, options.tolerance ?? 1e-9, 1e-7);
    if (result.status === "infeasible") return { status: "infeasible" };
    if (result.status !== "solved") {
      if (network && admitAll(network, working) > 0) continue;
      return { status: "failed" };
    }
    const added = network ? admitViolated(market, network, program, result, working) : 0;
    if (added > 0) continue;
    const answers = program.blocks.map((block) => answersIn(block, result.x, units.mw));
    const solution = solutionFrom(units, read(market, program, problem, result));
    return {
      status: "solved",
      solution: { ...solution, schedules: solution.schedules.map((one, i) => withBand(given, i, one, answers[i])) },
      objective: result.objective * units.money,
      solves,
      variables: problem.variables,
      rows: problem.rows,
      workingSet: working.map((set) => [...set].sort((a, b) => a - b)),
      answers,
      marginalCost: Array.from({ length: market.hours }, (_, t) =>
        Float64Array.from(
          program.blocks,
          (v) => (-result.dual[program.model.rowOf(v.balance[t])] / market.dt) * units.price,
        ),
      ),
    };
  }
  return { status: "failed" };
}

/** What a session without a feasible point lacks: the network limits that would have to be wider, the worst first. */
export type Lacking = { readonly hour: number; readonly limit: number; readonly by: number };

/**
 * Clears with network limits that may be widened at a prohibitive price. An empty list: nothing has to be; "devices":
 * even wider network limits do not help, so somebody's own devices cannot carry what is asked of them; undefined: the
 * solver did not get to an answer, which proves neither.
 */
export function findLacking(given: Market, limits: Network, solver: ConicSolver): Lacking[] | "devices" | undefined {
  const market = perUnit(given, exactly);
  const network = networkIn(market.units, limits, exactly);
  const working: Set<number>[] = Array.from({ length: market.hours }, () => new Set());
  for (let solves = 1; solves <= 20; solves++) {
    const program = build(market, network, working, true);
    const result = solveLoosening(solver, program.model.build(), 1e-8, 1e-7);
    if (result.status === "infeasible") return "devices";
    if (result.status !== "solved") return undefined;
    if (admitViolated(market, network, program, result, working) > 0) continue;
    return program.slack
      .flatMap((of, hour) => [...of].map(([limit, x]) => ({ hour, limit, by: result.x[x] })))
      .filter(({ by }) => by > 1e-6)
      .sort((a, b) => b.by - a.by)
      .map(({ hour, limit, by }) => ({ hour, limit, by: limit < network.buses ? by : by * market.units.mw }));
  }
  return undefined;
}

/**
 * Takes all limits into the working set; returns how many were new. Where the solver stalls on a program with some of
 * them it may solve the one with all, which has other pivots.
 */
function admitAll(network: Network, working: readonly Set<number>[]): number {
  let added = 0;
  for (const set of working) {
    const before = set.size;
    network.lower.forEach((bound, limit) => bound === bound && set.add(limit));
    added += set.size - before;
  }
  return added;
}

/** Takes the limits that a solution breaks into the working set; returns how many. */
function admitViolated(
  market: UnitMarket,
  network: Network,
  program: Program,
  result: ConicSolution,
  working: readonly Set<number>[],
): number {
  let added = 0;
  for (let t = 0; t < market.hours; t++) {
    const gap = excess(market, network, t, {
      p: program.blocks.map((v) => result.x[v.p[t]]),
      q: program.blocks.map((v) => result.x[v.q[t]]),
      shares: Array.from(program.share[t], (k) => result.x[k]),
    });
    for (let limit = 0; limit < gap.length; limit++)
      if (gap[limit] > LAZY_TOLERANCE && !working[t].has(limit)) {
        working[t].add(limit);
        added++;
      }
  }
  return added;
}

type Program = {
  readonly model: ConicModel;
  readonly blocks: readonly ProsumerVariables[];
  readonly energy: readonly Int32Array[];
  readonly share: readonly Int32Array[];
  readonly carbon: Int32Array;
  /** [hour] limit to the variable that widens it; empty unless elastic. */
  readonly slack: readonly ReadonlyMap<number, number>[];
};

function build(
  market: UnitMarket,
  network: Network | undefined,
  working: readonly ReadonlySet<number>[],
  elastic = false,
): Program {
  const model = new ConicModel();
  const { trade: kappa, allowances } = market.regularisation;
  const { dt, hours } = market;
  // One variable for both sides of a trade: kappa/2 a side makes kappa in all.
  const energy = market.pairs.map(() => Int32Array.from({ length: hours }, () => model.add()));
  for (const pair of energy) for (const x of pair) model.square(x, 2 * kappa * dt);
  const share = market.shares.map((slots) => Int32Array.from(slots, () => model.bounded(0, Infinity)));
  market.shares.forEach((slots, t) =>
    slots.forEach(({ seller, buyer }, s) => model.square(share[t][s], seller === buyer ? 0 : 2 * kappa * dt)),
  );
  const carbon = Int32Array.from(market.settings.carbon ? market.pairs : [], () => model.add());
  for (const x of carbon) model.square(x, 2 * allowances);
  const slotsOf = (i: number, side: "seller" | "buyer") =>
    market.slotsOf[i].map((mine, t) =>
      mine.map((s) => ({ ...market.shares[t][s], variable: share[t][s] })).filter((slot) => slot[side] === i),
    );
  const blocks = market.prosumers.map((_, i) =>
    addProsumer(model, market, i, { sold: slotsOf(i, "seller"), bought: slotsOf(i, "buyer") }),
  );
  model.group = GROUP.device;
  blocks.forEach((block, i) => {
    const sign = (k: number): number => (market.pairs[k][0] === i ? -1 : 1);
    for (let t = 0; t < hours; t++)
      model.equal([[block.sold[t], 1], ...market.pairsOf[i].map((k) => [energy[k][t], sign(k)] as const)], 0);
    if (market.settings.carbon)
      model.equal([[block.allowanceTraded, 1], ...market.pairsOf[i].map((k) => [carbon[k], sign(k)] as const)], 0);
  });
  const slack = working.map(() => new Map<number, number>());
  if (network)
    working.forEach((set, t) => {
      const variables = { p: blocks.map((b) => b.p[t]), q: blocks.map((b) => b.q[t]), shares: share[t] };
      for (const limit of [...set].sort((a, b) => a - b)) {
        if (elastic) {
          const x = model.bounded(0, Infinity);
          model.linear(x, LACKING);
          slack[t].set(limit, x);
        }
        addNetworkLimit(model, market, network, { hour: t, limit, slack: slack[t].get(limit) }, variables);
      }
    });
  return { model, blocks, energy, share, carbon, slack };
}

function read(market: UnitMarket, program: Program, problem: GroupedProblem, result: ConicSolution): Solution {
  const { x, dual } = result;
  const { blocks, model, energy, share, carbon } = program;
  const { hours, dt, pairs } = market;
  const marginal = (i: number, t: number): number => -dual[model.rowOf(blocks[i].balance[t])] / dt;
  const mu = Float64Array.from(blocks, (b) => (b.allowance ? dual[model.rowOf(b.allowance)] : 0));
  const booking = groupGradient(problem, dual, GROUP.booking);
  const requirement = groupGradient(problem, dual, GROUP.requirement);
  const grid = groupGradient(problem, dual, GROUP.network);
  const kappa = market.regularisation.trade;
  return {
    schedules: blocks.map((block) => readSchedule(block, x)),
    injectionMw: Array.from({ length: hours }, (_, t) => Float64Array.from(blocks, (b) => x[b.p[t]])),
    injectionMvar: Array.from({ length: hours }, (_, t) => Float64Array.from(blocks, (b) => x[b.q[t]])),
    energyMw: energy.map((pair) => Float64Array.from(pair, (k) => x[k])),
    energyPrice: pairs.map(([a, b]) =>
      Float64Array.from({ length: hours }, (_, t) => (marginal(a, t) + marginal(b, t)) / 2),
    ),
    shareMw: share.map((slots) => Float64Array.from(slots, (k) => x[k])),
    // Midway between the seller's marginal cost and the buyer's value; what lies between them is the operator's.
    sharePrice: share.map((slots, t) =>
      Float64Array.from(slots, (k, s) => {
        const { seller, buyer } = market.shares[t][s];
        const spread = seller === buyer ? 0 : kappa * x[k];
        return (booking[k] / dt + spread + (-requirement[k] / dt - spread)) / 2;
      }),
    ),
    shareCharge: share.map((slots) => Float64Array.from(slots, (k) => grid[k] / dt)),
    carbonT: market.settings.carbon ? Float64Array.from(carbon, (k) => x[k]) : new Float64Array(pairs.length),
    carbonPrice: Float64Array.from(pairs, ([a, b]) => (mu[a] + mu[b]) / 2),
    nodalPrice: Array.from({ length: hours }, (_, t) => Float64Array.from(blocks, (b) => grid[b.p[t]] / dt)),
    nodalReactivePrice: Array.from({ length: hours }, (_, t) => Float64Array.from(blocks, (b) => grid[b.q[t]] / dt)),
    priceMu: mu,
  };
}
