import type { ConicSolver } from "../numerics/conicSolver.ts";
import { nameOf } from "../market/scenario/market.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import { claimOf, mostMoved, nearer, reachOf, unmovedClaimOf, type Claimed } from "./claim.ts";
import { depthOf } from "./acceleration/acceleration.ts";
import { ALLOWANCES, ENERGY } from "../market/result/commodities.ts";
import { layoutOf, SUM_COUNT, SUMS, type Layout } from "./layout.ts";
import { ASKS, ENDS, OPERATOR_AGENT, type Effect, type Event, type Message } from "./message.ts";
import { ProsumerProblem, type Outcome } from "./prosumerProblem.ts";
import { factorOf, type Mask } from "./mask.ts";
import { isRhoScale, penaltiesAt } from "./acceleration/penalties.ts";
import { ACCEPT, ignore, kindOf, misfit, reject, type Reception } from "./reception.ts";
import type { Settings } from "./settings.ts";

type TradeMessage = Extract<Message, { kind: "trade" }>;

/**
 * One prosumer's agent. It holds its block of the fixed-point state v = y + u and its own history, exchanges trades
 * with partners and the rest with the operator, and knows nobody else's devices or costs. `step` is its only door: same
 * events, same bits. The state is owned by the agent and updated in place.
 */
export type ProsumerState = {
  /** Into the market's prosumers: its number among the agents. */
  readonly index: number;
  readonly settings: Settings;
  /** As the prosumer knows it. */
  readonly market: UnitMarket;
  readonly layout: Layout;
  readonly problem: ProsumerProblem;
  iteration: number;
  /** Images w of the operator, newest first, own block; and what partners sent of theirs, [partner][age]. */
  readonly images: Float64Array[];
  readonly partnerImages: Float64Array[][];
  /** Residuals g = T(v) - v, newest first. */
  readonly residuals: Float64Array[];
  readonly z: Float64Array;
  readonly u: Float64Array;
  /** [commodity] penalties in force. */
  rho: Float64Array;
  /** Trades that a warm start begins with, [component]; none in a cold session. */
  readonly firstTrades: Float64Array | undefined;
  /** Combination of one partner's images, [hour, allowances]. */
  readonly theirs: Float64Array;
  readonly sums: Float64Array;
  readonly gram: Float64Array;
  grid: Extract<Message, { kind: "grid" }> | undefined;
  readonly arrived: Uint8Array;
  /** Trades of the next iteration that came early. */
  readonly early: (TradeMessage | undefined)[];
  readonly mask: Mask | undefined;
  /** [trade component] what claims and proposals add to rho u, $ per unit; see `nearer`. */
  readonly moved: Float64Array;
  /** As it told its partners with its last claim, and what they told with theirs, [partner]. */
  response: Float64Array | undefined;
  readonly responses: (Float64Array | undefined)[];
  done: boolean;
};

/** `mask`: its owner's, who tells nobody; absent: every step is the whole one. */
export type ProsumerOptions = { readonly warm?: WarmStart | undefined; readonly mask?: Mask | undefined };

/** A warm start: the agent's last image (from an earlier session with the same layout). */
export type WarmStart = { readonly image: Float64Array };

export function initProsumer(
  settings: Settings,
  market: UnitMarket,
  index: number,
  solver: ConicSolver,
  { warm, mask }: ProsumerOptions = {},
): ProsumerState {
  const layout = layoutOf(market, index);
  const depth = depthOf(settings.acceleration);
  const zeros = (size: number) => Array.from({ length: depth }, () => new Float64Array(size));
  const state: ProsumerState = {
    index,
    settings,
    market,
    layout,
    problem: new ProsumerProblem(market, index, layout, solver),
    iteration: 0,
    images: zeros(layout.size),
    partnerImages: Array.from(layout.partners, () => zeros(layout.hours + 1)),
    residuals: zeros(layout.size),
    z: new Float64Array(layout.size),
    u: new Float64Array(layout.size),
    rho: settings.rho,
    firstTrades: warm && new Float64Array(layout.gridStart),
    theirs: new Float64Array(layout.hours + 1),
    sums: new Float64Array(SUM_COUNT),
    gram: new Float64Array(depth),
    grid: undefined,
    arrived: new Uint8Array(layout.partners.length),
    early: Array.from(layout.partners, () => undefined),
    mask,
    moved: new Float64Array(layout.gridStart),
    response: undefined,
    responses: Array.from(layout.partners, () => undefined),
    done: false,
  };
  if (warm) state.images[0].set(warm.image);
  return state;
}

export function stepProsumer(state: ProsumerState, event: Event): [ProsumerState, Effect[]] {
  if (state.done) return [state, []];
  switch (event.kind) {
    case "start":
      return [state, offers(state)];
    case "timeout":
      return [state, giveUp(state)];
    case "message":
      if (hearProsumer(state, event.from, event.message).kind !== "accept") return [state, []];
      accept(state, event.from, event.message);
      return [state, advance(state)];
  }
}

/** What the agent would do with a message from this party; changes nothing and never throws. */
export function hearProsumer(state: ProsumerState, from: number, message: Message): Reception {
  if (state.done) return ignore("the session is over for this agent");
  switch (kindOf(message)) {
    case "trade":
      return hearTrade(state, from, message as TradeMessage);
    case "grid":
      return hearGrid(state, from, message as Extract<Message, { kind: "grid" }>);
    default:
      return reject("no message for a prosumer");
  }
}

function hearTrade(state: ProsumerState, from: number, message: TradeMessage): Reception {
  const { layout, iteration } = state;
  const k = layout.partners.indexOf(from);
  if (k < 0) return reject("not from a partner");
  const { block, response } = message;
  const wrong =
    misfit("block", block, layout.hours + 1) ??
    (response === undefined ? undefined : misfit("response", response, layout.hours + 1));
  if (wrong) return wrong;
  const taken = message.iteration === iteration ? state.arrived[k] === 1 : state.early[k] !== undefined;
  if (message.iteration !== iteration && message.iteration !== iteration + 1)
    return message.iteration < iteration ? ignore("late") : reject("of no iteration that can be under way");
  return taken ? ignore("came before") : ACCEPT;
}

function hearGrid(state: ProsumerState, from: number, message: Extract<Message, { kind: "grid" }>): Reception {
  const { layout, iteration, gram } = state;
  if (from !== OPERATOR_AGENT) return reject("not from the operator");
  const wrong =
    misfit("weights", message.weights, gram.length) ?? misfit("block", message.block, layout.size - layout.gridStart);
  if (wrong) return wrong;
  if (!(Number.isFinite(message.extra) && message.extra >= 0)) return reject("extra: no weight");
  if (message.centre !== undefined && !Number.isFinite(message.centre)) return reject("centre: no share");
  const { rhoScale } = message;
  if (rhoScale !== undefined && !isRhoScale(rhoScale, state.settings))
    return reject("rhoScale: none that penalties take");
  if (message.ask !== undefined && !ASKS.includes(message.ask)) return reject("ask: of nothing known");
  if (!ENDS.includes(message.end)) return reject("end: no such end");
  if (message.iteration !== iteration)
    return message.iteration < iteration ? ignore("late") : reject("of no iteration that can be under way");
  return state.grid === undefined ? ACCEPT : ignore("came before");
}

function accept(state: ProsumerState, from: number, message: Message): void {
  if (message.kind === "grid") state.grid = message;
  if (message.kind !== "trade") return;
  const k = state.layout.partners.indexOf(from);
  if (message.iteration === state.iteration) takeTrade(state, k, message);
  else state.early[k] = message;
}

/** Nobody is waited for without end: the agent says whose messages are missing. */
function giveUp(state: ProsumerState): Effect[] {
  state.done = true;
  const missing = [...state.layout.partners].filter((_, k) => state.arrived[k] === 0);
  const names = [...(state.grid === undefined ? ["the operator"] : []), ...missing.map((k) => nameOf(state.market, k))];
  const reason = `${nameOf(state.market, state.index)}: iteration ${state.iteration} waited in vain for ${names.join(", ")}`;
  const waitedFor = [...(state.grid === undefined ? [OPERATOR_AGENT] : []), ...missing];
  return [{ kind: "fail", failure: { outcome: "deadline", reason, waitedFor } }];
}

function takeTrade(state: ProsumerState, k: number, { block, response }: TradeMessage): void {
  rotate(state.partnerImages[k]).set(block);
  state.responses[k] = response;
  state.arrived[k] = 1;
}

/** Moves the oldest buffer to the front and returns it, to be overwritten with the newest. */
function rotate(history: Float64Array[]): Float64Array {
  const oldest = history.pop() as Float64Array;
  history.unshift(oldest);
  return oldest;
}

function offers(state: ProsumerState, claimed?: Claimed): Effect[] {
  const { layout, images, mask } = state;
  const stride = layout.hours + 1;
  const claim = claimed?.claim;
  const response = claimed?.response?.map((value) => value * (mask === undefined ? 1 : factorOf(mask)));
  state.response = response;
  const effects: Effect[] = [];
  layout.partners.forEach((partner, k) =>
    effects.push({
      kind: "send",
      to: partner,
      message: {
        kind: "trade",
        iteration: state.iteration,
        block: images[0].slice(k * stride, (k + 1) * stride),
        ...(response && { response: response.slice(k * stride, (k + 1) * stride) }),
      },
    }),
  );
  effects.push({
    kind: "send",
    to: OPERATOR_AGENT,
    message: {
      kind: "offer",
      iteration: state.iteration,
      block: images[0].slice(layout.gridStart),
      sums: state.sums.slice(),
      gram: state.gram.slice(),
      ...(claim && { claim }),
    },
  });
  effects.push({ kind: "setTimer", afterMs: state.settings.patienceMs });
  return effects;
}

/** What is claimed where the operator asks. */
const CLAIMS = { regret: claimOf, reach: reachOf, unmoved: unmovedClaimOf } as const;

const FAILURES = {
  infeasible: "its own devices cannot meet its limits",
  stalled: "its own problem could not be solved accurately enough",
} as const;

function advance(state: ProsumerState): Effect[] {
  const { grid } = state;
  if (grid === undefined) return [];
  if (grid.end !== "no") {
    state.done = true;
    atOwnPenalties(state);
    return grid.end === "infeasible" || grid.end === "deadline" ? [] : [{ kind: "propose" }];
  }
  if (state.arrived.includes(0)) return [];
  const outcome = iterate(state, grid);
  if (outcome !== "solved") {
    state.done = true;
    return [
      {
        kind: "fail",
        failure: { outcome, reason: `${nameOf(state.market, state.index)}: ${FAILURES[outcome]}` },
      },
    ];
  }
  state.iteration++;
  state.grid = undefined;
  state.arrived.fill(0);
  const effects = offers(state, grid.ask && CLAIMS[grid.ask](state));
  state.early.forEach((trade, k) => {
    if (trade) takeTrade(state, k, trade);
    state.early[k] = undefined;
  });
  return effects;
}

/**
 * v = sum weights w; z = Proj(v); u = v - z; y = prox(z - u); image = v + relaxation (y - z).
 * While an extra term e/2 (z - c)^2 is in force on trades, z = s Proj(v) + (1 - s) c with s = rho/(rho + e), its exact
 * proximal step; c is a share of what a warm start began with, else 0.
 * u stays v - Proj(v), so that both sides of a pair hold one price at all times but for the last bits, and
 * y = prox(2 z - v).
 */
function iterate(state: ProsumerState, grid: Extract<Message, { kind: "grid" }>): Outcome {
  const { layout, images, residuals, z, u, firstTrades, problem, settings } = state;
  const stride = layout.hours + 1;
  const v = state.problem.scratch;
  combine(images, grid.weights, v);
  const [shrinkEnergy, shrinkAllowances] = [ENERGY, ALLOWANCES].map((c) => state.rho[c] / (state.rho[c] + grid.extra));
  const theirs = state.theirs;
  movePrices(state);
  layout.partners.forEach((_, k) => {
    combine(state.partnerImages[k], grid.weights, theirs);
    for (let offset = 0; offset < stride; offset++) {
      // Both sides evaluate (mine - theirs)/2 with the same operands, so z is antisymmetric to the last bit.
      const at = k * stride + offset;
      const projected = (v[at] - theirs[offset]) / 2;
      u[at] = v[at] - projected;
      const shrink = offset < layout.hours ? shrinkEnergy : shrinkAllowances;
      z[at] = shrink * projected;
      if (firstTrades === undefined) continue;
      if (state.iteration === 0) firstTrades[at] = projected;
      if (grid.centre !== undefined) z[at] += (1 - shrink) * grid.centre * firstTrades[at];
    }
  });
  z.set(grid.block, layout.gridStart);
  for (let c = layout.gridStart; c < layout.size; c++) u[c] = v[c] - z[c];
  if (grid.rhoScale) rescale(state, penaltiesAt(settings, grid.rhoScale), v);
  const { rho: penalties } = state;
  for (let c = 0; c < layout.size; c++) problem.target[c] = 2 * z[c] - v[c];
  const outcome = problem.prox(problem.target, penalties);
  if (outcome !== "solved") return outcome;
  const image = rotate(images);
  const residual = rotate(residuals);
  const { sums, gram, mask } = state;
  sums.fill(0);
  for (let c = 0; c < layout.size; c++) {
    const y = problem.y[c];
    const r = settings.relaxation * (y - z[c]) * (mask === undefined ? 1 : factorOf(mask));
    image[c] = v[c] + r;
    residual[c] = r;
    const rho = penalties[layout.commodity[c]];
    const at = layout.commodity[c] * SUMS;
    sums[at]++;
    sums[at + 1] += y * y;
    sums[at + 2] += z[c] * z[c];
    sums[at + 3] += (y - z[c]) * (y - z[c]);
    // v - u is the projection before the extra term pulled at it.
    const dual = rho * (y - z[c] + (v[c] - u[c] - z[c]));
    sums[at + 4] += dual * dual;
    sums[at + 5] += rho * rho * u[c] * u[c];
  }
  // The residual in its metric; v is not needed any more.
  for (let c = 0; c < layout.size; c++) v[c] = penalties[layout.commodity[c]] * residual[c];
  for (let age = 0; age < gram.length; age++) {
    const other = residuals[age];
    let total = 0;
    for (let c = 0; c < v.length; c++) total += v[c] * other[c];
    gram[age] = total;
  }
  return "solved";
}

/** By what was responded last, where both sides of a pair have. */
function movePrices(state: ProsumerState): void {
  const { layout, problem, moved, response, responses } = state;
  const stride = layout.hours + 1;
  const [energy, allowances] = mostMoved(state.market);
  if (response !== undefined)
    responses.forEach((theirs, k) => {
      for (let offset = 0; theirs !== undefined && offset < stride; offset++) {
        const at = k * stride + offset;
        const bounds = { kappa: problem.kappa[at], most: offset < layout.hours ? energy : allowances };
        moved[at] = nearer(moved[at], bounds, response[at], theirs[offset]);
      }
    });
  state.response = undefined;
  responses.fill(undefined);
}

/**
 * Other penalties at the same point and the same prices: v = Proj(v) + u keeps its projection, since u is normal to Z
 * there however long it is, and rho u stays what it was.
 */
function rescale(state: ProsumerState, rho: Float64Array, v: Float64Array): void {
  const { u, layout } = state;
  const factors = rho.map((next, c) => state.rho[c] / next);
  for (let c = 0; c < u.length; c++) {
    const factor = factors[layout.commodity[c]];
    v[c] += (factor - 1) * u[c];
    u[c] *= factor;
  }
  // What was missing in prices before is not what will be missing now.
  state.moved.fill(0);
  state.rho = rho;
}

/** What a later session goes on from is told at the settings' own penalties. */
function atOwnPenalties({ images, u, rho, settings, layout }: ProsumerState): void {
  const [image] = images;
  const more = rho.map((value, c) => value / settings.rho[c] - 1);
  for (let c = 0; c < image.length; c++) image[c] += more[layout.commodity[c]] * u[c];
}

function combine(history: readonly Float64Array[], weights: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let age = 0; age < weights.length; age++) {
    const weight = weights[age];
    if (weight === 0) continue;
    const image = history[age];
    for (let c = 0; c < out.length; c++) out[c] += weight * image[c];
  }
}
