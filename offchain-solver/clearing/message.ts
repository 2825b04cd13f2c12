/**
 * What agents tell each other in one iteration. Numbers are MW, Mvar, tCO2; blocks are laid out by `layout.ts`. Who
 * sent a message is known from the connection that it came by, never from the message.
 */
export type Message =
  /** Prosumer to partner: its newest iterate on the energy (by hour) and allowances between the two. */
  | {
      readonly kind: "trade";
      readonly iteration: number;
      readonly block: Float64Array;
      /** With a claim: how far its best response at the claim's prices is from what the two trade; see `nearer`. */
      readonly response?: Float64Array;
    }
  /** Prosumer to operator: its newest iterate on P, Q and shares, its residual sums, its row of the Gram matrix. */
  | {
      readonly kind: "offer";
      readonly iteration: number;
      readonly block: Float64Array;
      readonly sums: Float64Array;
      readonly gram: Float64Array;
      /** What it claims of the iterate, where the operator asked (`claim.ts`). */
      readonly claim?: Float64Array;
    }
  /** Operator to prosumer: how to combine the last iterates, and the projection of the combined block; or the end. */
  | {
      readonly kind: "grid";
      readonly iteration: number;
      readonly weights: Float64Array;
      readonly block: Float64Array;
      /** Extra regularisation of trades in force, $ per unit^2. */
      readonly extra: number;
      /** The share of a warm start's first trades that it pulls towards; absent: towards none. */
      readonly centre?: number;
      /** [commodity] penalties from this iterate on, over the settings'; absent: as they are. */
      readonly rhoScale?: Float64Array;
      /** Asks for a claim of the iterate that follows, and what of (`claim.ts`); absent: does not. */
      readonly ask?: Ask;
      readonly end: End;
    };

/** `unmoved`: a regret at the iterates' own prices, where those that claims moved have got no nearer. */
export const ASKS = ["regret", "reach", "unmoved"] as const;
export type Ask = (typeof ASKS)[number];

/** Whether the operator ends the session with a message, and how. */
export const ENDS = ["no", "solved", "max iterations", "infeasible", "deadline"] as const;
export type End = (typeof ENDS)[number];

export const OPERATOR_AGENT = -1;

export type Event =
  | { readonly kind: "start" }
  | { readonly kind: "message"; readonly from: number; readonly message: Message }
  /** The agent's timer ran out. */
  | { readonly kind: "timeout" };

export type Effect =
  | { readonly kind: "send"; readonly to: number; readonly message: Message }
  /** Starts the agent's one timer anew. */
  | { readonly kind: "setTimer"; readonly afterMs: number }
  /** The agent has its final iterate. */
  | { readonly kind: "propose" }
  /** A local problem has no solution, or no solver reached it: the session ends. */
  | { readonly kind: "fail"; readonly failure: Failure };

export type Failure = {
  readonly outcome: "infeasible" | "stalled" | "deadline";
  readonly reason: string;
  /** With a deadline: agents whose messages did not come. */
  readonly waitedFor?: readonly number[];
};

/** Bytes on the wire: 8 a number, 16 of header. */
export function messageBytes(message: Message): number {
  switch (message.kind) {
    case "trade":
      return 16 + 8 * (message.block.length + (message.response?.length ?? 0));
    case "offer":
      return 16 + 8 * (message.block.length + message.sums.length + message.gram.length + (message.claim?.length ?? 0));
    case "grid":
      return (
        24 +
        8 *
          (message.weights.length +
            message.block.length +
            (message.centre === undefined ? 0 : 1) +
            (message.rhoScale?.length ?? 0))
      );
  }
}
