import type { Market } from "../market/scenario/market.ts";
import { createAcceleration, depthOf, nextWeights, type Acceleration } from "./acceleration/acceleration.ts";
import { layoutOf, SUM_COUNT, type Layout } from "./layout.ts";
import type { Effect, Event, Message } from "./message.ts";
import type { HourBlock } from "./areaProjection.ts";
import type { HourLimits, Hours } from "./operatorProblem.ts";
import { residualRatios, type Residual, type Settings } from "./settings.ts";

/**
 * The network operator's agent: averages the two copies of every share, projects (P, Q, shares) on the network security
 * constraints hour by hour, adds up residuals and Gram rows, and says how the next point combines the last images.
 * It never sees a cost or a device.
 */
export type OperatorState = {
  readonly settings: Settings;
  readonly market: Market;
  readonly layouts: readonly Layout[];
  readonly hours: readonly HourLimits[];
  readonly projectHours: Hours["project"];
  readonly acceleration: Acceleration;
  iteration: number;
  /** [prosumer][age] images of the grid block, newest first. */
  readonly images: readonly Float64Array[][];
  readonly sums: Float64Array[];
  readonly gram: Float64Array[];
  readonly arrived: Uint8Array;
  readonly blocks: readonly HourBlock[];
  /** [prosumer] what the last projection replied. */
  readonly replies: readonly Float64Array[];
  readonly residuals: Residual[];
  status: "running" | "solved" | "max iterations" | "infeasible";
};

export function initOperator(settings: Settings, market: Market, hours: Hours): OperatorState {
  const layouts = market.prosumers.map((_, i) => layoutOf(market, i));
  const depth = depthOf(settings.acceleration);
  const gridSize = (layout: Layout): number => layout.size - layout.gridStart;
  return {
    settings,
    market,
    layouts,
    hours: hours.limits,
    projectHours: hours.project,
    acceleration: createAcceleration(settings.acceleration),
    iteration: 0,
    images: layouts.map((layout) => Array.from({ length: depth }, () => new Float64Array(gridSize(layout)))),
    sums: layouts.map(() => new Float64Array(SUM_COUNT)),
    gram: layouts.map(() => new Float64Array(depth)),
    arrived: new Uint8Array(layouts.length),
    blocks: market.shares.map((slots) => ({
      p: new Float64Array(layouts.length),
      q: new Float64Array(layouts.length),
      shares: new Float64Array(slots.length),
    })),
    replies: layouts.map((layout) => new Float64Array(gridSize(layout))),
    residuals: [],
    status: "running",
  };
}

export function stepOperator(state: OperatorState, event: Event): [OperatorState, Effect[]] {
  if (state.status !== "running" || event.kind !== "message" || event.message.kind !== "offer") return [state, []];
  const { message } = event;
  if (message.iteration !== state.iteration || state.arrived[message.from] === 1) return [state, []];
  const history = state.images[message.from];
  const oldest = history.pop() as Float64Array;
  oldest.set(message.block);
  history.unshift(oldest);
  state.sums[message.from] = message.sums;
  state.gram[message.from] = message.gram;
  state.arrived[message.from] = 1;
  if (state.arrived.includes(0)) return [state, []];
  state.arrived.fill(0);
  return [state, decide(state)];
}

/** Sums run in prosumer order whatever the order of arrival, so the bits do not depend on it. */
function addUp(parts: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(parts[0].length);
  for (const part of parts) for (let k = 0; k < total.length; k++) total[k] += part[k];
  return total;
}

function decide(state: OperatorState): Effect[] {
  const depth = depthOf(state.settings.acceleration);
  let weights = new Float64Array(depth);
  weights[0] = 1;
  let end: Extract<Message, { kind: "grid" }>["end"] = "no";
  if (state.iteration > 0) {
    const residual = residualRatios(addUp(state.sums), state.settings);
    state.residuals.push(residual);
    if (residual.primal <= 1 && residual.dual <= 1) end = "solved";
    else if (state.iteration >= state.settings.maxIterations) end = "max iterations";
    else weights = nextWeights(state.acceleration, addUp(state.gram)) as typeof weights;
  }
  if (end === "no" && !projectAll(state, weights)) end = "infeasible";
  if (end !== "no") state.status = end;
  const { extra, centre } = state.acceleration;
  const iteration = state.iteration;
  state.iteration++;
  return state.layouts.map((_, i) => ({
    kind: "send",
    to: i,
    message: {
      kind: "grid",
      iteration,
      weights,
      block: state.replies[i].slice(),
      extra,
      ...(extra > 0 && centre > 0 && { centre }),
      end,
    },
  }));
}

/** Combines the images, averages share copies, projects each hour, writes the replies. */
function projectAll(state: OperatorState, weights: Float64Array): boolean {
  const { market, layouts, blocks, replies, images, settings } = state;
  const { hours } = market;
  for (const block of blocks) block.shares.fill(0);
  layouts.forEach((layout, i) => {
    const v = replies[i];
    v.fill(0);
    for (let age = 0; age < weights.length; age++) {
      const weight = weights[age];
      if (weight === 0) continue;
      const image = images[i][age];
      for (let c = 0; c < v.length; c++) v[c] += weight * image[c];
    }
    for (let t = 0; t < hours; t++) {
      blocks[t].p[i] = v[t];
      blocks[t].q[i] = v[hours + t];
    }
    layout.copies.forEach((copy, k) => {
      blocks[copy.hour].shares[copy.slot] += (copy.role === "own" ? 1 : 0.5) * v[2 * hours + k];
    });
  });
  if (!state.projectHours(blocks, settings.rho)) return false;
  layouts.forEach((layout, i) => {
    const reply = replies[i];
    for (let t = 0; t < hours; t++) {
      reply[t] = blocks[t].p[i];
      reply[hours + t] = blocks[t].q[i];
    }
    layout.copies.forEach((copy, k) => (reply[2 * hours + k] = blocks[copy.hour].shares[copy.slot]));
  });
  return true;
}
