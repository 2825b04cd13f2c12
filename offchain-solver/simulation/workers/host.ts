import { messageBytes, type Event, type Failure } from "../../clearing/message.ts";
import { HourProjection } from "../../clearing/operatorProblem.ts";
import { initProsumer, stepProsumer, type ProsumerState } from "../../clearing/prosumerAgent.ts";
import { openScenario, viewOf } from "../../market/scenario/view.ts";
import { clarabelSolver } from "../../numerics/clarabelNode.ts";
import type { Delivery, HourEnd, Part, ProsumerEnd, Reply, Request, Turn } from "./protocol.ts";

/**
 * The agents and hours of one worker thread. Every agent is built from its own private view and is reached by its
 * messages only, as if it were alone; what it tells an agent of the same thread is delivered here, the rest goes to the
 * outbox.
 */
export function createHost(part: Part): (request: Request) => Reply {
  const { market, settings } = part;
  const open = openScenario(market);
  const operatorView = viewOf(market, undefined, open);
  const agents = new Map(
    part.prosumers.map((i, k) => [
      i,
      initProsumer(settings, viewOf(market, i, open), i, clarabelSolver, part.warm && { warm: part.warm[k] }),
    ]),
  );
  const hours = part.hours.map((t) => new HourProjection(operatorView, part.network, clarabelSolver, t));
  return (request) => {
    switch (request.kind) {
      case "start":
        return run(
          agents,
          part.prosumers.map((to) => ({ to, event: { kind: "start" } })),
        );
      case "step":
        return run(
          agents,
          request.inbox.map(({ from, to, message }) => ({ to, event: { kind: "message", from, message } })),
        );
      case "project": {
        const { blocks, rho } = request;
        return { kind: "projected", done: hours.every((hour, k) => hour.project(blocks[k], rho)), blocks };
      }
      case "report":
        return {
          kind: "report",
          prosumers: [...agents.values()].map(endOf),
          hours: hours.map((hour, k): HourEnd => ({
            hour: part.hours[k],
            workingSet: hour.workingSet,
            conicCalls: hour.conicCalls,
            multipliers: hour.multipliers,
          })),
        };
    }
  };
}

/** Delivers events, and what agents of this host answer each other, until none is left. */
function run(
  agents: ReadonlyMap<number, ProsumerState>,
  queue: { readonly to: number; readonly event: Event }[],
): Extract<Reply, { kind: "stepped" }> {
  const outbox: Delivery[] = [];
  const turns: Turn[] = [];
  // The queue grows while it is walked.
  for (const { to: prosumer, event } of queue) {
    const [, effects] = stepProsumer(agents.get(prosumer) as ProsumerState, event);
    if (effects.length === 0) continue;
    let [messages, bytes, failure]: [number, number, Failure | undefined] = [0, 0, undefined];
    for (const effect of effects) {
      if (effect.kind === "fail") failure = effect.failure;
      if (effect.kind !== "send") continue;
      const { to, message } = effect;
      messages++;
      bytes += messageBytes(message);
      if (agents.has(to)) queue.push({ to, event: { kind: "message", from: prosumer, message } });
      else outbox.push({ from: prosumer, to, message });
    }
    turns.push({ prosumer, messages, bytes, failure });
  }
  return { kind: "stepped", outbox, turns };
}

const endOf = ({
  index,
  iteration,
  images,
  z,
  u,
  rho,
  moved,
  sums,
  gram,
  done,
  problem,
}: ProsumerState): ProsumerEnd => ({
  prosumer: index,
  iteration,
  image: images[0],
  z,
  u,
  moved,
  rho,
  sums,
  gram,
  done,
  x: problem.x,
  y: problem.y,
});
