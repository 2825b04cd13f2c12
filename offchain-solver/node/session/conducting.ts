/** What a conductor is told of its session, and what it does. */
import type { Terms } from "../../codec/terms.ts";
import type { Beyond } from "./exclusions.ts";
import type { Life, LifeOf } from "./messages.ts";

export type Conducting = {
  readonly session: string;
  readonly terms: Terms;
  /** Canonical, as they were frozen. */
  readonly termsText: string;
  /** Parties: the operator first, then the prosumers in the order of the terms. */
  readonly invited: readonly number[];
  /** Parties whose signatures count; of everybody else the session needs nothing. */
  readonly committee: ReadonlySet<number>;
  /** Of the committee: so many that are missing, or refuse, keep a quorum from being reached. */
  readonly quorumLacksAt: number;
  /** Who has no part in it from the start, since the freeze found no mandate of it. */
  readonly without?: readonly Beyond[];
};

export type ConductorEffect =
  | { readonly kind: "send"; readonly to: number; readonly message: Life }
  /** The stage it has come to, for people. */
  | { readonly kind: "stage"; readonly stage: Stage; readonly attempt: number }
  /** The others go on without it. */
  | { readonly kind: "leftOut"; readonly party: number; readonly reason: string }
  /** It takes part, and what it says of the result does not count. */
  | { readonly kind: "differs"; readonly party: number; readonly reason: string }
  /** It is cleared again inside tighter limits. */
  | { readonly kind: "tightened"; readonly tightening: Tightening }
  /** It will not come to an end any more; the session is void at its deadline. */
  | { readonly kind: "giveUp"; readonly reason: string };

export type Stage = "gathering" | "opening" | "clearing" | "claiming" | "attesting" | "given up";

/** How far inside the feeder's limits an attempt is cleared. */
export type Tightening = NonNullable<LifeOf<"attempt">["tightening"]>;
