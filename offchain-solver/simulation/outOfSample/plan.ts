/** The plan of a day that held-out days are played through at: by the central method, or as its agents clear it. */
import { solveCentral } from "../../clearing/central.ts";
import { createNetwork } from "../../market/formulation/network.ts";
import { answersIn } from "../../market/result/solution.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import { unitsOf } from "../../market/scenario/perUnit.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { clear } from "../clear.ts";
import type { Central } from "./replay.ts";

export type Plan = Pick<Central, "solution" | "answers" | "objective" | "workingSet">;
export type Planned = { readonly market: Market; readonly result: Plan };

/** undefined: the day has no solution. `workingSet`: [period] limits to begin with, where that saves work. */
export type Planner = (day: Scenario, workingSet?: readonly (readonly number[])[]) => Planned | undefined;

export const centrally: Planner = (day, workingSet = []) => {
  const market = createMarket(day, defaultSettings(day));
  const result = solveCentral(market, createNetwork(market), clarabelSolver, { workingSet });
  return result.status === "solved" ? { market, result } : undefined;
};

/** Most iterations that agents are given. */
const MOST_ITERATIONS = 20_000;

/**
 * By all agents in this process: the only way where answers last long on a large feeder. `observe` is told of every
 * iteration.
 */
export const byAgents =
  (observe: (day: Scenario, iteration: number) => void): Planner =>
  (day) => {
    const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: MOST_ITERATIONS } as const;
    const settings = defaultSettings(day);
    const { market, outcome, consensus } = clear(day, {
      ...options,
      market: settings,
      observe: (iteration) => observe(day, iteration),
    });
    if (outcome === undefined || consensus === undefined) return undefined;
    const { mw } = unitsOf(market);
    const answers = consensus.prosumers.map(({ problem }) => answersIn(problem.variables, problem.x, mw));
    const { solution, objective, workingSet } = outcome;
    return { market, result: { solution, objective, workingSet, answers } };
  };
