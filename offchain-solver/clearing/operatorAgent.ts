import { nameOf } from "../market/scenario/market.ts";
import type { UnitMarket } from "../market/scenario/perUnit.ts";
import { certificateOf, CLAIM_SIZE, provesInfeasible, type Certificate, type Claim } from "./claim.ts";
import {
  createAcceleration,
  depthOf,
  nextWeights,
  startAgain,
  type Acceleration,
} from "./acceleration/acceleration.ts";
import { lowerPenalties, nextPenalties, penaltiesAt, type RhoScale } from "./acceleration/penalties.ts";
import { layoutOf, SUM_COUNT, type Layout } from "./layout.ts";
import type { Ask, Effect, End, Event, Message } from "./message.ts";
import type { HourBlock } from "./areaProjection.ts";
import type { HourLimits, Hours } from "./operatorProblem.ts";
import { ACCEPT, ignore, kindOf, misfit, reject, type Reception } from "./reception.ts";
import { ASK_FROM, mayEnd, standsNear } from "./standing.ts";
import { largestOf, residualsOf, type Residual, type Settings } from "./settings.ts";

/**
 * The network operator's agent: averages the two copies of every share, projects (P, Q, shares) on the network security
 * constraints hour by hour, adds up residuals and Gram rows, and says how the next point combines the last images.
 * It never sees a cost or a device.
 */
export type OperatorState = {
  readonly settings: Settings;
  readonly market: UnitMarket;
  readonly layouts: readonly Layout[];
  readonly hours: readonly HourLimits[];
  readonly projectHours: Hours["project"];
  readonly acceleration: Acceleration;
  /** [commodity] penalties that the images came with, and what they change to with the next reply. */
  rho: Float64Array;
  rhoScale: RhoScale;
  rhoChanges: boolean;
  iteration: number;
  /** [prosumer][age] images of the grid block, newest first. */
  readonly images: readonly Float64Array[][];
  readonly sums: Float64Array[];
  readonly gram: Float64Array[];
  readonly arrived: Uint8Array;
  readonly blocks: readonly HourBlock[];
  /** [prosumer] what the last projection replied. */
  readonly replies: readonly Float64Array[];
  /**
   * [prosumer] what it costs to move each number of that reply, rho u with u = v - reply: the same that the prosumer
   * works out.
   */
  readonly prices: readonly Float64Array[];
  readonly residuals: Residual[];
  /** [prosumer] what was claimed of the iterate whose offers came last. */
  readonly claims: (Claim | undefined)[];
  /**
   * The claims' sums, as last asked for; whether the last reply asked, the iteration that it was in, and whether
   * residuals have been small.
   */
  certificate: Certificate | undefined;
  asked: Ask | undefined;
  /** Iterates that stood still were refused a certificate, since penalties last changed. */
  refused: boolean;
  askedAt: number;
  /** What of the last claims was more than may be, as a multiple of that, when that was asked, and how long to wait. */
  excess: number;
  excessAt: number;
  wait: number;
  /** How many claims one after the other were no nearer than the one before. */
  stuck: number;
  /** The next claims are made at the iterates' own prices: those that claims moved get no nearer, or were far off. */
  unmoved: boolean;
  /** What the last claims left open over what may be, where prices get near too slowly for the room that is left. */
  room: number | undefined;
  settled: boolean;
  /** The best residual when reach was last thought of, and the iteration when it is next. */
  bestThen: number;
  reachAt: number;
  /** Claims of reach proved that limits and devices have no point in common. */
  proven: boolean;
  status: "running" | Exclude<End, "no">;
};

/** Least iterations between two requests for claims: a best response costs several steps of an agent. */
const ASK_EVERY = 3;
/** Most of them, as a share of those so far: what a certificate can come too late by. */
const ASK_LATE = 1 / 32;
/** The same where iterates stand still and are only near: they may for long. */
const ASK_STANDING = 10;
/**
 * Reach is asked for from this iteration on, and then whenever they have doubled without the best residual falling to
 * this share: where there is no solution it never falls below the distance between limits and devices.
 */
const REACH_FROM = 32;
const REACH_FALL = 0.7;
/**
 * Penalties fall where less than this part of what may be open is, and regrets would take more than so many iterations
 * to get small enough.
 */
const [ROOM, SLOW] = [0.5, 60];
/** Claims that are so many times what they may be move no price: what responds to those says little of others. */
const FAR = 100;
/** So many claims that got no nearer are enough to begin with the iterates' own prices anew. */
const STUCK = 3;

export function initOperator(settings: Settings, market: UnitMarket, hours: Hours): OperatorState {
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
    rho: settings.rho,
    rhoScale: { scale: settings.rho.map(() => 1), changes: 0 },
    rhoChanges: false,
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
    prices: layouts.map((layout) => new Float64Array(gridSize(layout))),
    residuals: [],
    claims: layouts.map(() => undefined),
    certificate: undefined,
    asked: undefined,
    refused: false,
    askedAt: -ASK_EVERY,
    excess: Infinity,
    excessAt: 0,
    wait: ASK_EVERY,
    stuck: 0,
    unmoved: false,
    room: undefined,
    settled: false,
    bestThen: Infinity,
    reachAt: REACH_FROM,
    proven: false,
    status: "running",
  };
}

export function stepOperator(state: OperatorState, event: Event): [OperatorState, Effect[]] {
  if (state.status !== "running") return [state, []];
  switch (event.kind) {
    case "start":
      return [state, [{ kind: "setTimer", afterMs: state.settings.patienceMs }]];
    case "timeout":
      return [state, giveUp(state)];
    case "message":
      if (hearOperator(state, event.from, event.message).kind !== "accept") return [state, []];
      return [state, accept(state, event.from, event.message)];
  }
}

/** What the agent would do with a message from this party; changes nothing and never throws. */
export function hearOperator(state: OperatorState, from: number, message: Message): Reception {
  if (state.status !== "running") return ignore("the session is over");
  const layout = state.layouts[from];
  if (layout === undefined) return reject("not from a prosumer");
  if (kindOf(message) !== "offer") return reject("no message for the operator");
  const { block, sums, gram, claim, iteration } = message as Extract<Message, { kind: "offer" }>;
  const wrong =
    misfit("block", block, layout.size - layout.gridStart) ??
    misfit("sums", sums, SUM_COUNT) ??
    misfit("gram", gram, state.gram[from].length) ??
    (claim === undefined ? undefined : misfit("claim", claim, CLAIM_SIZE));
  if (wrong) return wrong;
  if (iteration !== state.iteration)
    return iteration < state.iteration ? ignore("late") : reject("of no iteration that can be under way");
  return state.arrived[from] === 0 ? ACCEPT : ignore("came before");
}

function accept(state: OperatorState, from: number, message: Message): Effect[] {
  if (message.kind !== "offer") return [];
  const history = state.images[from];
  const oldest = history.pop() as Float64Array;
  oldest.set(message.block);
  history.unshift(oldest);
  state.sums[from] = message.sums;
  state.gram[from] = message.gram;
  state.claims[from] = message.claim;
  state.arrived[from] = 1;
  if (state.arrived.includes(0)) return [];
  state.arrived.fill(0);
  return decide(state);
}

/** Nobody is waited for without end: everybody is told, and whose offers are missing is said. */
function giveUp(state: OperatorState): Effect[] {
  const waitedFor = state.layouts.flatMap((_, i) => (state.arrived[i] === 0 ? [i] : []));
  const names = waitedFor.map((i) => nameOf(state.market, i));
  const reason = `the operator: iteration ${state.iteration} waited in vain for ${names.join(", ")}`;
  const weights = new Float64Array(depthOf(state.settings.acceleration));
  return [...tell(state, weights, "deadline"), { kind: "fail", failure: { outcome: "deadline", reason, waitedFor } }];
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
  let end: End = "no";
  if (state.iteration > 0) {
    const residuals = residualsOf(addUp(state.sums), state.settings);
    const residual = largestOf(residuals);
    state.residuals.push(residual);
    state.settled ||= Math.max(residual.primal, residual.dual) <= 1;
    const answered = state.asked;
    const claimed = answered === "regret" || answered === "unmoved";
    if (claimed) state.certificate = certificateOf(state.market, state.claims);
    if (answered === "reach") state.proven = provesInfeasible(state.claims, movedAtPrices(state));
    const certified = claimed && state.certificate?.certified === true;
    if (claimed && !certified) {
      if (state.acceleration.stalls > 0) state.refused = true;
      waitOn(state);
    }
    state.asked = nextAsk(state, residual);
    if (state.proven) end = "infeasible";
    else if (certified && (state.settled || mayEnd(state.certificate!, state.acceleration, residual))) end = "solved";
    else if (state.iteration >= state.settings.maxIterations) end = "max iterations";
    else weights = nextPoint(state, residuals) as typeof weights;
  }
  if (end === "no" && !projectAll(state, weights)) end = "infeasible";
  return tell(state, weights, end);
}

/**
 * How the next point combines the last images. Where claims ask for it, penalties fall; where iterates stand still,
 * they change, but not before those that stand near enough for a certificate have been refused one.
 */
function nextPoint(state: OperatorState, residuals: readonly Residual[]): Float64Array {
  const { acceleration, room } = state;
  const weights = nextWeights(acceleration, addUp(state.gram));
  state.room = undefined;
  if (acceleration.settings.method === "admm") return weights;
  const lower = room === undefined ? undefined : lowerPenalties(state.rhoScale, room);
  if (lower !== undefined) {
    state.excess = Infinity;
    return withPenalties(state, lower);
  }
  if (!acceleration.standing) return weights;
  if (standsNear(acceleration, largestOf(residuals)) && !state.refused) return weights;
  const next = nextPenalties(state.rhoScale, residuals, !pricesFarther(state));
  return next === undefined ? weights : withPenalties(state, next);
}

/** Did the last claims say that prices are not near enough, and quantities are? */
const pricesFarther = ({ certificate: last }: OperatorState): boolean =>
  last !== undefined && last.regret > last.allowedRegret && last.mismatch < last.allowedMismatch;

/** To the newest image, with these from the next reply on. */
function withPenalties(state: OperatorState, next: RhoScale): Float64Array {
  state.rhoScale = next;
  state.rhoChanges = true;
  state.refused = false;
  return startAgain(state.acceleration);
}

/**
 * What to ask for with the next replies: regrets every few iterations once residuals are small, reach where they have
 * hardly fallen while the iterations doubled.
 */
function nextAsk(state: OperatorState, residual: Residual): Ask | undefined {
  const { iteration, acceleration } = state;
  const small = state.settled || Math.max(residual.primal, residual.dual) <= ASK_FROM;
  if (small || standsNear(acceleration, residual)) {
    if (iteration - state.askedAt < (small ? state.wait : Math.max(ASK_STANDING, state.wait))) return undefined;
    state.askedAt = iteration;
    return state.unmoved ? "unmoved" : "regret";
  }
  if (iteration < state.reachAt) return undefined;
  const stalled = acceleration.bestNorm > REACH_FALL * state.bestThen;
  state.bestThen = acceleration.bestNorm;
  state.reachAt = 2 * iteration;
  return stalled ? "reach" : undefined;
}

/**
 * Claims were too large: they are asked for again when they would be small enough if they went on falling as they did
 * since the last time. They fall ever more slowly, so that is early rather than late.
 */
function waitOn(state: OperatorState): void {
  const { certificate, excess: before, excessAt, askedAt, iteration } = state;
  const [regret, open] =
    certificate === undefined
      ? [Infinity, Infinity]
      : [certificate.regret / certificate.allowedRegret, certificate.mismatch / certificate.allowedMismatch];
  const excess = Math.max(regret, open);
  const fell = before - excess;
  const expected = fell > 0 ? ((askedAt - excessAt) * (excess - 1)) / fell : Infinity;
  state.room = before < Infinity && regret > 1 && open < ROOM && expected > SLOW ? open : undefined;
  state.wait = before < Infinity ? Math.max(ASK_EVERY, Math.min(expected, iteration * ASK_LATE)) : ASK_EVERY;
  state.stuck = excess < before ? 0 : state.stuck + 1;
  state.unmoved = excess > FAR || state.stuck >= STUCK;
  if (state.unmoved) state.stuck = 0;
  state.excess = excess;
  state.excessAt = askedAt;
}

/** Sum of abs(price x quantity) at the operator's point. */
function movedAtPrices({ prices, replies }: OperatorState): number {
  let total = 0;
  prices.forEach((price, i) => price.forEach((value, c) => (total += Math.abs(value * replies[i][c]))));
  return total;
}

/** Every prosumer's reply of this iteration; the operator goes on to the next, or ends. */
function tell(state: OperatorState, weights: Float64Array, end: End): Effect[] {
  const { extra, centre } = state.acceleration;
  const scale = state.rhoChanges ? state.rhoScale.scale : undefined;
  const iteration = state.iteration;
  state.iteration++;
  if (scale) state.rho = penaltiesAt(state.settings, scale);
  state.rhoChanges = false;
  if (end !== "no") state.status = end;
  const replies = state.layouts.map((_, i): Effect => ({
    kind: "send",
    to: i,
    message: {
      kind: "grid",
      iteration,
      weights,
      block: state.replies[i].slice(),
      extra,
      ...(extra > 0 && centre > 0 && { centre }),
      ...(scale && { rhoScale: scale }),
      ...(end === "no" && state.asked && { ask: state.asked }),
      end,
    },
  }));
  return end === "no" ? [...replies, { kind: "setTimer", afterMs: state.settings.patienceMs }] : replies;
}

/** Combines the images, averages share copies, projects each hour, writes the replies. */
function projectAll(state: OperatorState, weights: Float64Array): boolean {
  const { market, layouts, blocks, replies, prices, images, rho } = state;
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
  if (!state.projectHours(blocks, rho)) return false;
  layouts.forEach((layout, i) => {
    const reply = replies[i];
    const price = prices[i];
    price.set(reply);
    for (let t = 0; t < hours; t++) {
      reply[t] = blocks[t].p[i];
      reply[hours + t] = blocks[t].q[i];
    }
    layout.copies.forEach((copy, k) => (reply[2 * hours + k] = blocks[copy.hour].shares[copy.slot]));
    for (let c = 0; c < price.length; c++)
      price[c] = rho[layout.commodity[layout.gridStart + c]] * (price[c] - reply[c]);
  });
  return true;
}
