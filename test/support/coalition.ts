/** What the operator and one trading partner work out of a member's generator from all that they see. */
import { assemble } from "../../offchain-solver/clearing/assemble.ts";
import { runConsensus, type Carrier } from "../../offchain-solver/clearing/consensus.ts";
import { layoutOf } from "../../offchain-solver/clearing/layout.ts";
import type { Mask } from "../../offchain-solver/clearing/mask.ts";
import { OPERATOR_AGENT, type Message } from "../../offchain-solver/clearing/message.ts";
import { DEFAULT_SETTINGS, forTradeGraph, MEMORY } from "../../offchain-solver/clearing/settings.ts";
import { createNetwork } from "../../offchain-solver/market/formulation/network.ts";
import type { Method } from "../../offchain-solver/market/result/methods.ts";
import { createMarket, defaultSettings } from "../../offchain-solver/market/scenario/market.ts";
import { perUnit, type UnitMarket } from "../../offchain-solver/market/scenario/perUnit.ts";
import type { Scenario } from "../../offchain-solver/market/scenario/scenario.ts";
import { memoryTransport } from "../../offchain-solver/net/memoryTransport.ts";
import { clarabelSolver } from "../../offchain-solver/numerics/clarabelNode.ts";

/** One iteration of one hour, as the coalition works it out, in the market's units. */
type Sight = readonly [injection: number, marginal: number, allowance: number];
/** `rest`: what a fit leaves of the variance. */
export type Fit = { readonly slope: number; readonly intercept: number; readonly rest: number };

/** Iterations that follow each other and are fitted at once. */
const WINDOWS = [10, 30, 100] as const;
/** A window in which the marginal cost hardly moves shows nothing: share of the variance over all iterations. */
const LEAST_MOVED = 1e-12;

/** Least squares of the marginal cost on injection and allowance price. */
function fit(rows: readonly Sight[]): Fit & { readonly variance: number } {
  const mean = [0, 1, 2].map((c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
  let [xx, xm, mm, xy, my, yy] = [0, 0, 0, 0, 0, 0];
  for (const row of rows) {
    const [x, y, m] = row.map((value, c) => value - mean[c]);
    [xx, xm, mm, xy, my, yy] = [xx + x * x, xm + x * m, mm + m * m, xy + x * y, my + m * y, yy + y * y];
  }
  const variance = yy / rows.length;
  const det = xx * mm - xm * xm;
  if (!(det > 1e-9 * xx * mm) || !(yy > 0)) return { slope: NaN, intercept: NaN, rest: Infinity, variance };
  const [slope, perAllowance] = [(xy * mm - my * xm) / det, (xx * my - xm * xy) / det];
  const rest = rows.reduce(
    (sum, [x, y, m]) => sum + (y - mean[1] - slope * (x - mean[0]) - perAllowance * (m - mean[2])) ** 2,
    0,
  );
  return { slope, intercept: mean[1] - slope * mean[0] - perAllowance * mean[2], rest: rest / yy, variance };
}

/** Of the windows of one length those that fit best: there the generator alone is marginal. */
function bestFit(hours: readonly (readonly Sight[])[], window: number): Fit {
  let best: Fit = { slope: NaN, intercept: NaN, rest: Infinity };
  for (const rows of hours) {
    const least = LEAST_MOVED * fit(rows).variance;
    for (let k = 0; k + window <= rows.length; k += 2) {
      const found = fit(rows.slice(k, k + window));
      if (found.variance > least && found.rest < best.rest) best = found;
    }
  }
  return best;
}

/** What passes between the victim, its partner and the operator, by iteration. */
type Seen = {
  readonly sold: Float64Array[];
  readonly bought: Float64Array[];
  readonly offered: Float64Array[];
  readonly grids: Extract<Message, { kind: "grid" }>[];
};

function listening(victim: number, partner: number): { readonly seen: Seen; readonly carrier: Carrier } {
  const seen: Seen = { sold: [], bought: [], offered: [], grids: [] };
  const transport = memoryTransport<Message>();
  const hear = (from: number, to: number, message: Message): void => {
    const at = message.iteration;
    if (message.kind === "trade" && from === victim && to === partner) seen.sold[at] = message.block.slice();
    if (message.kind === "trade" && from === partner && to === victim) seen.bought[at] = message.block.slice();
    if (message.kind === "offer" && from === victim && to === OPERATOR_AGENT) seen.offered[at] = message.block.slice();
    if (message.kind === "grid" && to === victim)
      seen.grids[at] = { ...message, block: message.block.slice(), weights: message.weights.slice() };
  };
  const carrier: Carrier = {
    join(self, party) {
      const { send, setTimer } = transport.join(self, party);
      return { setTimer, send: (to, message) => (hear(self, to, message), send(to, message)) };
    },
    run: transport.run,
  };
  return { seen, carrier };
}

/**
 * image = v + (y - z), and a local optimum pulls with rho (2 z - v - y): its marginal value of each component. v is
 * what the operator's weights make of the images, z their projection, which both see.
 */
function sightsOf(unit: UnitMarket, hours: number, { sold, bought, offered, grids }: Seen): Sight[][] {
  const { trade, allowances } = unit.regularisation;
  const [energy, allowance, , active] = forTradeGraph(DEFAULT_SETTINGS, unit).rho;
  return Array.from({ length: hours }, (_, t) => {
    const rows: Sight[] = [];
    for (let n = 2; n + 1 < sold.length && n + 1 < offered.length; n++) {
      const { weights, extra, block } = grids[n];
      const combined = (history: readonly Float64Array[], c: number): number =>
        weights.reduce((sum, weight, age) => (weight === 0 ? sum : sum + weight * history[n - age][c]), 0);
      const pull = (rho: number, z: number, v: number, image: number): readonly [y: number, pull: number] => {
        const y = image - v + z;
        return [y, rho * (2 * z - v - y)];
      };
      const pair = (rho: number, c: number): readonly [y: number, pull: number] => {
        const mine = combined(sold, c);
        const z = ((rho / (rho + extra)) * (mine - combined(bought, c))) / 2;
        return pull(rho, z, mine, sold[n + 1][c]);
      };
      const [e, value] = pair(energy, t);
      const [c, worth] = pair(allowance, hours);
      const [p, charge] = pull(active, block[t], combined(offered, t), offered[n + 1][t]);
      rows.push([p, (value + charge) / unit.dt - trade * e, worth - allowances * c]);
    }
    return rows;
  });
}

export type Learnt = {
  readonly evaluations: number;
  /** $, of the point that it ended in. */
  readonly objective: number;
  /** By iterations in a window: slope in $/MW^2, intercept in $/MWh. */
  readonly fits: ReadonlyMap<number, Fit>;
};

/** Clears a scenario and regresses one member's marginal cost; the partner is the member's first. */
export function coalition(
  scenario: Scenario,
  victim: number,
  options: {
    readonly method: Method;
    readonly maxIterations: number;
    readonly mask?: (index: number) => Mask | undefined;
  },
): Learnt {
  const market = createMarket(scenario, defaultSettings(scenario));
  const unit = perUnit(market);
  const [partner] = layoutOf(unit, victim).partners;
  const { seen, carrier } = listening(victim, partner);
  const { method, maxIterations, mask } = options;
  const acceleration = { ...DEFAULT_SETTINGS.acceleration, method, memory: MEMORY[method] };
  const settings = forTradeGraph({ ...DEFAULT_SETTINGS, maxIterations, acceleration }, unit);
  const run = { solver: clarabelSolver, carrier, ...(mask && { mask }) };
  const result = runConsensus(market, createNetwork(market), settings, run);
  const sights = sightsOf(unit, scenario.hours, seen);
  const { mw, price } = unit.units;
  const fits = WINDOWS.map((window): readonly [number, Fit] => {
    const { slope, intercept, rest } = bestFit(sights, window);
    return [window, { slope: (slope * price) / mw, intercept: intercept * price, rest }];
  });
  return {
    evaluations: result.operator.iteration,
    objective: result.operator.status === "solved" ? assemble(market, result).objective : NaN,
    fits: new Map(fits),
  };
}
