/** `gridpact/solver`: a scenario cleared in one process, by its agents or at once. */
export { solveCentral, type CentralResult } from "../clearing/central.ts";
export { InputError } from "../io/inputError.ts";
export { createNetwork, type Network } from "../market/formulation/network.ts";
export { createMarket, defaultSettings, type Market, type MarketSettings } from "../market/scenario/market.ts";
export { ScenarioSchema, type Scenario } from "../market/scenario/scenario.ts";
export { clarabelSolver } from "../numerics/clarabelNode.ts";
export type { ConicProblem, ConicSolution, ConicSolver } from "../numerics/conicSolver.ts";
export { checkScenario, loadFeeder, loadScenario, takeHours } from "../scenarios/loadScenario.ts";
export { clear, type ClearedSession, type ClearMethod, type ClearOptions } from "./clear.ts";
