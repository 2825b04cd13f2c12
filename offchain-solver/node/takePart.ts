/** Puts an agent's state machine on a network: its effects become bytes, timers and an end. */
import type { Effect, Event, Failure } from "../clearing/message.ts";
import type { Reception } from "../clearing/reception.ts";
import type { Transport } from "../net/transport.ts";
import { decode, encode } from "../net/wire.ts";

/** A state machine with its state, as `stepProsumer` or `stepOperator` on the state that its owner keeps. */
export type Agent = (event: Event) => readonly Effect[];

/** How it ends, and what it never heard. */
export type Ends = {
  /** The agent has its final iterate: the owner reads its proposal from the state. */
  readonly propose?: () => void;
  readonly fail?: (failure: Failure) => void;
  /** Bytes that are no message of this session: the agent is not told of them. */
  readonly refused?: (from: number, reception: Reception) => void;
};

/**
 * Joins as agent number `self` and hears from then on; what it returns starts the agent, once all have joined. `tag`:
 * as `sessionTag` makes it from the terms' hash. Throws RangeError where the number is taken.
 */
export function takePart(
  transport: Transport<Uint8Array>,
  self: number,
  agent: Agent,
  tag: number,
  ends: Ends = {},
): () => void {
  const link = transport.join(self, {
    message(from, bytes) {
      const { message, reception } = decode(bytes, tag);
      if (message === undefined) ends.refused?.(from, reception);
      else act({ kind: "message", from, message });
    },
    timeout: () => act({ kind: "timeout" }),
  });
  function act(event: Event): void {
    for (const effect of agent(event)) {
      if (effect.kind === "send") link.send(effect.to, encode(effect.message, tag));
      else if (effect.kind === "setTimer") link.setTimer(effect.afterMs);
      else if (effect.kind === "propose") ends.propose?.();
      else ends.fail?.(effect.failure);
    }
  }
  return () => act({ kind: "start" });
}
