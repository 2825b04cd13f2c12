import { solveCentral } from "../../clearing/central.ts";
import { runConsensus, type ConsensusResult } from "../../clearing/consensus.ts";
import { OPERATOR_AGENT, type Message } from "../../clearing/message.ts";
import type { Settings } from "../../clearing/settings.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { Network } from "../../market/formulation/network.ts";
import { memoryTransport } from "../../net/memoryTransport.ts";
import { runOnWorkers } from "../../simulation/workers/runOnWorkers.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";

/** How often what is short is timed, and what counts as short, ms. */
const REPEATS = 5;
const SHORT_MS = 5000;

/**
 * The first solve of a process also pays for loading the conic solver and for code that is not compiled yet; where that
 * weighs, the median of a few counts, of the whole problem as of the agents'.
 */
function medianOf<T>(solve: () => T, msOf: (timed: T) => number): T {
  const runs: T[] = [];
  for (;;) {
    const start = performance.now();
    runs.push(solve());
    if (runs.length === REPEATS || performance.now() - start > SHORT_MS)
      return runs.sort((a, b) => msOf(a) - msOf(b))[runs.length >> 1];
  }
}

/** The whole problem at once. */
export function timedCentral(market: Market, network: Network) {
  return medianOf(
    () => {
      const start = performance.now();
      const central = solveCentral(market, network, clarabelSolver);
      return { central, centralMs: performance.now() - start };
    },
    ({ centralMs }) => centralMs,
  );
}

/** Clears and times: on the clock, and along the slowest prosumer of every iteration plus the operator. */
export function timed(market: Market, network: Network, settings: Settings, observe: (iteration: number) => void) {
  return medianOf(
    () => timedOnce(market, network, settings, observe),
    ({ criticalPathMs }) => criticalPathMs,
  );
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

function timedOnce(market: Market, network: Network, settings: Settings, observe: (iteration: number) => void) {
  const slowest: number[] = [];
  const operator: number[] = [];
  const spent = new Float64Array(market.prosumers.length);
  /** The hours that the operator has projected in its present step. */
  const hours: number[] = [];
  /** What the operator's steps would have saved with all hours at once. */
  let saved = 0;
  let at = 0;
  const before = performance.now();
  const result = runConsensus(market, network, settings, {
    solver: clarabelSolver, carrier: memoryTransport<Message>(),
    observe,
    around(agent, iteration, step) {
      if (agent !== OPERATOR_AGENT && iteration > at) {
        slowest.push(spent.reduce((a, b) => Math.max(a, b)));
        spent.fill(0);
        at = iteration;
      }
      const from = performance.now();
      const out = step();
      const took = performance.now() - from;
      if (agent === OPERATOR_AGENT) {
        operator[iteration] = (operator[iteration] ?? 0) + took;
        saved += sum(hours) - hours.reduce((a, b) => Math.max(a, b), 0);
        hours.length = 0;
      } else spent[agent] += took;
      return out;
    },
    aroundHour(project) {
      const from = performance.now();
      const done = project();
      hours.push(performance.now() - from);
      return done;
    },
  });
  const wallMs = performance.now() - before;
  const criticalPathMs = sum(slowest) + sum(operator);
  return { result, wallMs, criticalPathMs, hoursAtOnceMs: criticalPathMs - saved };
}

/** Milliseconds of a run on worker threads, their start included; throws where it is not the serial run over again. */
export function timedOnWorkers(
  market: Market,
  network: Network,
  settings: Settings,
  serial: ConsensusResult,
  how: { readonly workers: number; readonly observe: (iteration: number) => void },
): number {
  const before = performance.now();
  const { residuals } = runOnWorkers(market, network, settings, how);
  const wallMs = performance.now() - before;
  if (JSON.stringify(residuals) !== JSON.stringify(serial.residuals))
    throw new Error(`${market.scenario.name}: ${how.workers} workers ended with other bits than the serial run`);
  return wallMs;
}
