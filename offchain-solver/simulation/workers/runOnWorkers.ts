import { conclude, type ConsensusResult } from "../../clearing/consensus.ts";
import { messageBytes, OPERATOR_AGENT, type Failure } from "../../clearing/message.ts";
import { initOperator, stepOperator, type OperatorState } from "../../clearing/operatorAgent.ts";
import { createHours, type Hours } from "../../clearing/operatorProblem.ts";
import { initProsumer, type ProsumerState, type WarmStart } from "../../clearing/prosumerAgent.ts";
import { forTradeGraph, type Residual, type Settings } from "../../clearing/settings.ts";
import type { Market } from "../../market/scenario/market.ts";
import type { Network } from "../../market/formulation/network.ts";
import { networkIn, perUnit } from "../../market/scenario/perUnit.ts";
import { openScenario, viewOf, viewOfSeveral } from "../../market/scenario/view.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import { openCrew, type Crew } from "./crew.ts";
import { deal } from "./deal.ts";
import type { Delivery, Part, ProsumerEnd } from "./protocol.ts";

export type WorkerOptions = {
  /** Threads; the calling one waits for them. */
  readonly workers: number;
  readonly observe?: (iteration: number, residual: Residual) => void;
  readonly warm?: readonly WarmStart[];
};

/**
 * The clearing of `runConsensus` with the prosumers, and the operator's hours, spread over worker threads: the same
 * bits for any number of them, since agents see the same messages and sums run in prosumer order. Threads are for speed
 * on one machine; they are not the deployment, in which every party's node runs its own agent and they meet over a
 * network.
 */
export function runOnWorkers(
  market: Market,
  network: Network | undefined,
  given: Settings,
  options: WorkerOptions,
): ConsensusResult {
  const settings = forTradeGraph(given, market);
  const unit = perUnit(market);
  const limits = network && networkIn(unit.units, network);
  const open = openScenario(unit);
  // Stand-ins: they say how much work their agents will be, and hold what those end with.
  const prosumers = market.prosumers.map((_, i) => initProsumer(settings, viewOf(unit, i, open), i, clarabelSolver));
  const hands = deal(
    prosumers.map(({ problem }) => workOf(problem)),
    Math.min(options.workers, prosumers.length),
  );
  const parts = hands.map((mine, w): Part => ({
    prosumers: mine,
    // In turn: neighbouring hours are alike, and so about as much work.
    hours: Array.from({ length: market.hours }, (_, t) => t).filter((t) => t % hands.length === w),
    market: viewOfSeveral(unit, mine, open),
    network: limits,
    settings,
    warm: options.warm && mine.map((i) => (options.warm as readonly WarmStart[])[i]),
  }));
  const crew = openCrew(parts);
  try {
    const operatorView = viewOf(unit, undefined, open);
    // Without limits there is nothing to project, and nobody to ask.
    const hours = network === undefined ? createHours(operatorView, network, clarabelSolver) : hoursOf(crew, parts);
    const operator = initOperator(settings, operatorView, hours);
    const { failure, traffic } = iterate(crew, parts, operator, options.observe);
    const reports = crew.ask("report", () => ({ kind: "report" }));
    for (const report of reports) for (const end of report.prosumers) setTo(prosumers[end.prosumer], end);
    const ends = reports.flatMap((report) => report.hours).sort((a, b) => a.hour - b.hour);
    return conclude({ ...operator, hours: ends }, prosumers, failure, traffic);
  } finally {
    crew.close();
  }
}

/** A prox costs about the square of its variables (measured on the 141-bus day). */
const workOf = ({ x }: ProsumerState["problem"]): number => x.length * x.length;

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
): { readonly failure: Failure | undefined; readonly traffic: { readonly messages: number; readonly bytes: number } } {
  const home = new Map(parts.flatMap(({ prosumers }, w) => prosumers.map((i) => [i, w] as const)));
  let [messages, bytes] = [0, 0];
  let stepped = crew.ask("stepped", () => ({ kind: "start" }));
  for (;;) {
    const failure = stepped
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
    if (failure !== undefined || offers.length === 0) return { failure, traffic: { messages, bytes } };
    for (const delivery of sent) if (delivery.to !== OPERATOR_AGENT) post(delivery);
    for (const { from, message } of offers)
      for (const effect of stepOperator(operator, { kind: "message", from, message })[1]) {
        if (effect.kind !== "send") continue;
        messages++;
        bytes += messageBytes(effect.message);
        post({ from: OPERATOR_AGENT, to: effect.to, message: effect.message });
      }
    const told = operator.residuals.length;
    if (told > 0) observe?.(told, operator.residuals[told - 1]);
    stepped = crew.ask("stepped", (w) => ({ kind: "step", inbox: inbox[w] }));
  }
}

/** Sets a stand-in to what its agent ended with; older images and residuals stay with the worker. */
function setTo(state: ProsumerState, end: ProsumerEnd): void {
  state.iteration = end.iteration;
  state.done = end.done;
  state.images[0].set(end.image);
  state.z.set(end.z);
  state.u.set(end.u);
  state.moved.set(end.moved);
  state.rho = end.rho;
  state.sums.set(end.sums);
  state.gram.set(end.gram);
  state.problem.x.set(end.x);
  state.problem.y.set(end.y);
}
