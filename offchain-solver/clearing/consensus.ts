import type { Mask } from "./mask.ts";
import type { ConicSolver } from "../numerics/conicSolver.ts";
import type { Market } from "../market/scenario/market.ts";
import type { Network } from "../market/formulation/network.ts";
import { networkIn, perUnit } from "../market/scenario/perUnit.ts";
import { openScenario, viewOf } from "../market/scenario/view.ts";
import type { Status } from "../market/result/solution.ts";
import { messageBytes, OPERATOR_AGENT, type Effect, type Event, type Failure, type Message } from "./message.ts";
import { initOperator, stepOperator, type OperatorState } from "./operatorAgent.ts";
import { createHours } from "./operatorProblem.ts";
import { initProsumer, stepProsumer, type ProsumerState, type WarmStart } from "./prosumerAgent.ts";
import { forTradeGraph, type Residual, type Settings } from "./settings.ts";

/** Whatever carries messages between agents in this process, and keeps their timers. */
export type Carrier = {
  /** Puts an agent on it: what arrives for it is pushed to `party`, with who sent it. */
  readonly join: (
    self: number,
    party: { readonly message: (from: number, message: Message) => void; readonly timeout: () => void },
  ) => {
    readonly send: (to: number, message: Message) => void;
    /** Starts the one timer of this agent anew. */
    readonly setTimer: (afterMs: number) => void;
  };
  /** Delivers until nothing is under way and no timer runs, or until `over` says so. */
  readonly run: (over: () => boolean) => void;
};

export type ConsensusResult = {
  readonly status: Status;
  readonly reason: string | undefined;
  readonly iterations: number;
  readonly evaluations: number;
  readonly rejected: number;
  readonly messages: number;
  readonly bytes: number;
  readonly residuals: readonly Residual[];
  readonly prosumers: readonly ProsumerState[];
  readonly operator: OperatorState;
};

/** What a session's agents are run with. */
export type ConsensusRun = {
  readonly solver: ConicSolver;
  readonly carrier: Carrier;
  readonly observe?: (iteration: number, residual: Residual) => void;
  readonly warm?: readonly WarmStart[];
  /** Of each prosumer; absent: none. */
  readonly mask?: (index: number) => Mask | undefined;
  /** Called around every step: agent number and the iteration it belongs to. */
  readonly around?: <T>(agent: number, iteration: number, step: () => T) => T;
  /** Called around every hour's projection within the operator's step. */
  readonly aroundHour?: (project: () => boolean) => boolean;
};

/**
 * Runs all agents of a session in this process over a carrier, until the operator ends it. The agents, and the states
 * they end in, reckon in the units of the market; `assemble` reads them back.
 * `observe` is told each iteration's residual ratios; `clock` (optional, outside this pure floor) stamps agents' steps.
 */
export function runConsensus(
  market: Market,
  network: Network | undefined,
  given: Settings,
  { solver, carrier, ...options }: ConsensusRun,
): ConsensusResult {
  const settings = forTradeGraph(given, market);
  const unit = perUnit(market);
  const limits = network && networkIn(unit.units, network);
  const open = openScenario(unit);
  const operatorView = viewOf(unit, undefined, open);
  const operator = initOperator(settings, operatorView, createHours(operatorView, limits, solver, options.aroundHour));
  const prosumers = market.prosumers.map((_, i) =>
    initProsumer(settings, viewOf(unit, i, open), i, solver, { warm: options.warm?.[i], mask: options.mask?.(i) }),
  );
  const around = options.around ?? ((_agent, _iteration, step) => step());
  let messages = 0;
  let bytes = 0;
  let failure: Failure | undefined;
  let told = 0;
  const links = new Map<number, ReturnType<Carrier["join"]>>();
  const dispatch = (agent: number, event: Event): void => {
    const effects: Effect[] =
      agent === OPERATOR_AGENT
        ? around(agent, operator.iteration, () => stepOperator(operator, event)[1])
        : around(agent, prosumers[agent].iteration, () => stepProsumer(prosumers[agent], event)[1]);
    const link = links.get(agent) as ReturnType<Carrier["join"]>;
    for (const effect of effects) {
      if (effect.kind === "fail") failure ??= effect.failure;
      if (effect.kind === "setTimer") link.setTimer(effect.afterMs);
      if (effect.kind !== "send") continue;
      messages++;
      bytes += messageBytes(effect.message);
      link.send(effect.to, effect.message);
    }
    for (; told < operator.residuals.length; told++) options.observe?.(told + 1, operator.residuals[told]);
  };
  const agents = [OPERATOR_AGENT, ...prosumers.keys()];
  for (const agent of agents)
    links.set(
      agent,
      carrier.join(agent, {
        message: (from, message) => dispatch(agent, { kind: "message", from, message }),
        timeout: () => dispatch(agent, { kind: "timeout" }),
      }),
    );
  for (const agent of agents) dispatch(agent, { kind: "start" });
  carrier.run(() => failure !== undefined);
  return conclude(operator, prosumers, failure, { messages, bytes });
}

/**
 * What the agents' end means. A prosumer's solver that stalled says nothing of the session: like too few iterations, it
 * is no verdict.
 */
export function conclude(
  operator: OperatorState,
  prosumers: readonly ProsumerState[],
  failure: Failure | undefined,
  traffic: { readonly messages: number; readonly bytes: number },
): ConsensusResult {
  const infeasible = failure?.outcome === "infeasible" || operator.status === "infeasible";
  const solved = operator.status === "solved" && failure === undefined;
  const late = failure?.outcome === "deadline" || operator.status === "deadline";
  return {
    status: infeasible ? "infeasible" : solved ? "solved" : late ? "deadline" : "max iterations",
    reason:
      operator.status === "infeasible"
        ? operator.proven
          ? "no point inside the network limits can be kept by everybody's devices"
          : "the network security constraints have no point left"
        : (failure?.reason ?? (solved ? undefined : uncertified(operator))),
    iterations: operator.residuals.length,
    evaluations: operator.residuals.length,
    rejected: operator.acceleration.rejected,
    ...traffic,
    residuals: operator.residuals,
    prosumers,
    operator,
  };
}

/** What kept a session from its end whose residuals were small: money, in $. */
function uncertified({ certificate, market: { units } }: OperatorState): string | undefined {
  if (certificate === undefined || certificate.certified) return undefined;
  const money = (value: number): string => `${(value * units.money).toPrecision(2)} $`;
  const { regret, allowedRegret, mismatch, allowedMismatch } = certificate;
  return regret > allowedRegret
    ? `regrets still add up to ${money(regret)} where ${money(allowedRegret)} certify; try more --max-iterations`
    : `plans and trades still differ by ${money(mismatch)} where ${money(allowedMismatch)} certify; try more --max-iterations`;
}
