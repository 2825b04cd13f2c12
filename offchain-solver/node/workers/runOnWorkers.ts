import { conclude, type ConsensusResult } from "../../clearing/consensus.ts";
import { ACTIVE, layoutOf } from "../../clearing/layout.ts";
import { messageBytes, OPERATOR_AGENT } from "../../clearing/message.ts";
import { initOperator, stepOperator, type OperatorState } from "../../clearing/operatorAgent.ts";
import { createHours, type HourLimits, type Hours } from "../../clearing/operatorProblem.ts";
import { initProsumer, type ProsumerState, type WarmStart } from "../../clearing/prosumerAgent.ts";
import { forTradeGraph, type Residual, type Settings } from "../../clearing/settings.ts";
import type { Market } from "../../market/market.ts";
import type { Network } from "../../market/network.ts";
import { publicScenario } from "../../market/publicScenario.ts";
import { viewOf, viewOfSeveral } from "../../market/view.ts";
import { clarabelSolver } from "../../numerics/conicSolver.ts";
import { openCrew, type Crew } from "./crew.ts";
import { deal } from "./deal.ts";
import type { Delivery, HourEnd, Part, ProsumerEnd } from "./protocol.ts";

export type WorkerOptions = {
  /** Threads; the calling one waits for them. */
  readonly workers: number;
  readonly observe?: (iteration: number, residual: Residual) => void;
  readonly warm?: readonly WarmStart[];
};

/**
 * The clearing of `runConsensus` with the prosumers, and the operator's hours, spread over worker threads: the same bits for any
 * number of them, since agents see the same messages and sums run in prosumer order. Threads are for speed on one machine; they are
 * not the deployment, in which every party's node runs its own agent and they meet over a network.
 */
export function runOnWorkers(
  market: Market,
  network: Network | undefined,
  given: Settings,
  options: WorkerOptions,
): ConsensusResult {
  const settings = forTradeGraph(given, market);
  const parts = partsOf(market, network, settings, options);
  const crew = openCrew(parts);
  try {
    const operatorView = viewOf(market, undefined);
    const hours = network === undefined ? createHours(operatorView, network, clarabelSolver) : hoursOf(crew, parts);
    const operator = initOperator(settings, operatorView, hours);
    const { reason, traffic } = iterate(crew, parts, operator, options.observe);
    const reports = crew.ask("report", () => ({ kind: "report" }));
    return conclude(
      network === undefined ? operator : { ...operator, hours: hoursFrom(reports.flatMap((report) => report.hours)) },
      prosumersOf(
        market,
        settings,
        reports.flatMap((report) => report.prosumers),
      ),
      reason,
      traffic,
    );
  } finally {
    crew.close();
  }
}

/** Prosumers by the size of what they agree on, hours in turn: neighbouring hours are alike, and so about as much work. */
function partsOf(
  market: Market,
  network: Network | undefined,
  settings: Settings,
  { workers, warm }: WorkerOptions,
): Part[] {
  const open = publicScenario(market.scenario);
  const hands = deal(
    market.prosumers.map((_, i) => layoutOf(market, i).size),
    Math.min(workers, market.prosumers.length),
  );
  return hands.map((prosumers, w) => ({
    prosumers,
    hours: Array.from({ length: market.hours }, (_, t) => t).filter((t) => t % hands.length === w),
    market: viewOfSeveral(market, prosumers, open),
    network,
    settings,
    warm: warm && prosumers.map((i) => warm[i]),
  }));
}

function hoursOf(crew: Crew, parts: readonly Part[]): Hours {
  return {
    // Known once the workers report them.
    limits: [],
    project(blocks, rho) {
      const replies = crew.ask("projected", (w) => ({
        kind: "project",
        blocks: parts[w].hours.map((t) => blocks[t]),
        rho,
      }));
      replies.forEach((reply, w) =>
        reply.blocks.forEach(({ p, q, shares }, k) => {
          const block = blocks[parts[w].hours[k]];
          block.p.set(p);
          block.q.set(q);
          block.shares.set(shares);
        }),
      );
      return replies.every(({ done }) => done);
    },
  };
}

/** Has agents and operator take turns until the operator ends it or a prosumer fails. */
function iterate(
  crew: Crew,
  parts: readonly Part[],
  operator: OperatorState,
  observe: WorkerOptions["observe"],
): { readonly reason: string | undefined; readonly traffic: { readonly messages: number; readonly bytes: number } } {
  const home = new Map(parts.flatMap(({ prosumers }, w) => prosumers.map((i) => [i, w] as const)));
  let [messages, bytes] = [0, 0];
  let stepped = crew.ask("stepped", () => ({ kind: "start" }));
  for (;;) {
    const reason = stepped
      .flatMap(({ turns }) => turns)
      .sort((a, b) => a.prosumer - b.prosumer)
      .find((turn) => {
        messages += turn.messages;
        bytes += turn.bytes;
        // In one thread the first to fail ends the session, and nobody after it takes its turn.
        return turn.failure !== undefined;
      })?.failure;
    const inbox = parts.map((): Delivery[] => []);
    const post = (delivery: Delivery): unknown => inbox[home.get(delivery.to) as number].push(delivery);
    const sent = stepped.flatMap(({ outbox }) => outbox);
    const offers = sent.filter(({ to }) => to === OPERATOR_AGENT);
    if (reason !== undefined || offers.length === 0) return { reason, traffic: { messages, bytes } };
    for (const delivery of sent) if (delivery.to !== OPERATOR_AGENT) post(delivery);
    for (const { message } of offers)
      for (const effect of stepOperator(operator, { kind: "message", message })[1]) {
        if (effect.kind !== "send") continue;
        messages++;
        bytes += messageBytes(effect.message);
        post(effect);
      }
    const told = operator.residuals.length;
    if (told > 0) observe?.(told, operator.residuals[told - 1]);
    stepped = crew.ask("stepped", (w) => ({ kind: "step", inbox: inbox[w] }));
  }
}

function hoursFrom(ends: readonly HourEnd[]): HourLimits[] {
  return [...ends]
    .sort((a, b) => a.hour - b.hour)
    .map(({ workingSet, conicCalls, multipliers }) => ({
      workingSet,
      conicCalls,
      multipliers: (rho) =>
        multipliers.map(({ limit, multiplier }) => ({ limit, multiplier: multiplier.map((m) => m * rho[ACTIVE]) })),
    }));
}

/** The agents as they ended, to put a result together from; older images and residuals stay behind. */
function prosumersOf(market: Market, settings: Settings, ends: readonly ProsumerEnd[]): ProsumerState[] {
  const open = publicScenario(market.scenario);
  return [...ends]
    .sort((a, b) => a.prosumer - b.prosumer)
    .map(({ prosumer, iteration, done, image, z, u, sums, gram, x, y }) => {
      const state = initProsumer(settings, viewOf(market, prosumer, open), prosumer, clarabelSolver);
      state.iteration = iteration;
      state.done = done;
      state.images[0].set(image);
      state.z.set(z);
      state.u.set(u);
      state.sums.set(sums);
      state.gram.set(gram);
      state.problem.x.set(x);
      state.problem.y.set(y);
      return state;
    });
}
