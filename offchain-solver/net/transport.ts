/**
 * Carries messages between parties, by agent number, and pushes what arrives. Delivery may be in any order, also
 * between messages of one sender; nothing is lost or doubled while both ends are up. Who sent a message is what the
 * connection says. The same compliance suite (test/support/transportSuite.ts) runs on every implementation.
 */
export type Transport<M> = {
  /** Puts a party on the network. A number that is taken is refused with a RangeError. */
  readonly join: (self: number, party: Party<M>) => Link<M>;
};

/** Called by the transport, one call at a time for each party. */
export type Party<M> = {
  readonly message: (from: number, message: M) => void;
  readonly timeout: () => void;
};

/** A party's own end. */
export type Link<M> = {
  /** To a party that is not there: nothing happens. Never delivers before it returns. */
  readonly send: (to: number, message: M) => void;
  /** Starts the party's one timer anew; it calls `timeout` once. */
  readonly setTimer: (afterMs: number) => void;
  /** Leaves: nothing is delivered from now on, and no timer runs. */
  readonly close: () => void;
};
