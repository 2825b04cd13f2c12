/**
 * One size of the scale experiment in a process of its own, so that its peak memory is its own. Prints a ScaleRow as
 * JSON.
 */
import { pathToFileURL } from "node:url";
import { assemble } from "../../clearing/assemble.ts";
import { solveCentral } from "../../clearing/central.ts";
import { runConsensus } from "../../clearing/consensus.ts";
import { OPERATOR_AGENT, type Message } from "../../clearing/message.ts";
import { DEFAULT_SETTINGS } from "../../clearing/settings.ts";
import { createMarket, defaultSettings, type Market } from "../../market/scenario/market.ts";
import { createNetwork, type Network } from "../../market/formulation/network.ts";
import { takeHours } from "../../scenarios/loadScenario.ts";
import { generateScenario } from "../../scenarios/generateScenario.ts";
import { memoryTransport } from "../../net/memoryTransport.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { liveLine } from "../../io/output.ts";

export type ScaleTask = {
  readonly prosumers: number;
  readonly seed: number;
  readonly hours: number;
  /** Stops after this many; a run to tolerance is one with enough of them. */
  readonly iterations: number;
  /** Solve the whole problem at once too, afterwards, for the gap. */
  readonly central?: boolean;
};

export type ScaleRow = Omit<ScaleTask, "central"> & {
  readonly status: string;
  readonly done: number;
  readonly buses: number;
  readonly pairs: number;
  /** Response-share slots over all hours. */
  readonly shares: number;
  /** Limits in the operator's working sets at the end, over all hours. */
  readonly limits: number;
  /**
   * Median over the iterations of this thread's processor time (all agents) and of the clock. Of the operator's part of
   * it the mean: the processor's clock is too coarse for less.
   */
  readonly cpuMs: number;
  readonly operatorMs: number;
  readonly wallMs: number;
  readonly totalS: number;
  readonly peakMb: number;
  readonly messages: number;
  readonly bytes: number;
  readonly residual: { readonly primal: number; readonly dual: number };
  /** Of a run that reached the tolerance. */
  readonly objective?: number;
  readonly regret?: number;
  readonly central?: { readonly status: string; readonly seconds: number; readonly gap?: number };
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const cpuNow = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

export function scaleRun(task: ScaleTask): ScaleRow {
  const scenario = takeHours(generateScenario(task.prosumers, task.seed), task.hours);
  const market = createMarket(scenario, defaultSettings(scenario));
  const network = createNetwork(market);
  const line = liveLine();
  const [cpu, wall, operator]: number[][] = [[], [], []];
  let [lastCpu, lastWall, operating] = [cpuNow(), performance.now(), 0];
  const start = performance.now();
  const result = runConsensus(
    market,
    network,
    { ...DEFAULT_SETTINGS, maxIterations: task.iterations },
    {
      solver: clarabelSolver,
      carrier: memoryTransport<Message>(),
      observe(iteration, { primal, dual }) {
        const [nowCpu, nowWall] = [cpuNow(), performance.now()];
        cpu.push(nowCpu - lastCpu);
        wall.push(nowWall - lastWall);
        operator.push(operating);
        [lastCpu, lastWall, operating] = [nowCpu, nowWall, 0];
        line.show(
          `${task.prosumers} prosumers: iteration ${iteration}  ${wall[wall.length - 1].toFixed(0)} ms  residual/tolerance: primal ${primal.toExponential(1)}  dual ${dual.toExponential(1)}`,
        );
      },
      around(agent, _iteration, step) {
        if (agent !== OPERATOR_AGENT) return step();
        const before = cpuNow();
        const out = step();
        operating += cpuNow() - before;
        return out;
      },
    },
  );
  line.end();
  const totalS = (performance.now() - start) / 1000;
  const done = result.iterations;
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const cleared = result.status === "solved" ? assemble(market, result) : undefined;
  const { central, ...asked } = task;
  return {
    ...asked,
    status: result.status,
    done,
    buses: network.buses,
    pairs: market.pairs.length,
    shares: market.shares.reduce((sum, slots) => sum + slots.length, 0),
    limits: result.operator.hours.reduce((sum, hour) => sum + hour.workingSet.length, 0),
    // The first iteration carries what is made once: programs, factorisations, working sets.
    cpuMs: median(cpu.slice(1)),
    operatorMs: mean(operator.slice(1)),
    wallMs: median(wall.slice(1)),
    totalS,
    peakMb,
    messages: result.messages / done,
    bytes: result.bytes / done,
    residual: result.residuals[done - 1],
    ...(cleared && {
      objective: cleared.objective,
      regret: cleared.regrets.reduce((sum, r) => sum + Math.max(0, r), 0),
      ...(central === true && { central: againstCentral(market, network, cleared.objective) }),
    }),
  };
}

/** The compiled solver has 4 GB at most: what does not fit is said so. */
function againstCentral(market: Market, network: Network, objective: number): NonNullable<ScaleRow["central"]> {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  try {
    const central = solveCentral(market, network, clarabelSolver);
    if (central.status !== "solved") return { status: central.status, seconds: seconds() };
    return {
      status: "solved",
      seconds: seconds(),
      gap: (objective - central.objective) / Math.abs(central.objective),
    };
  } catch (error) {
    return { status: `does not fit (${error instanceof Error ? error.message : String(error)})`, seconds: seconds() };
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.stdout.write(JSON.stringify(scaleRun(JSON.parse(process.argv[2]) as ScaleTask)));
