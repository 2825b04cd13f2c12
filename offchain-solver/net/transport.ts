/**
 * Carries messages between agents, by agent number. Delivery may be in any order between different senders or of one; nothing is
 * lost or doubled. The same compliance suite runs on every implementation.
 */
export type Transport<M> = {
  readonly send: (from: number, to: number, message: M) => void;
  /** Delivers one message; undefined when none is under way. */
  readonly deliver: () => { readonly from: number; readonly to: number; readonly message: M } | undefined;
};
