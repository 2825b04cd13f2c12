/**
 * What a node's main thread, which keeps its sockets alive, and the thread in which its agent reckons tell each other.
 */
import type { TypedDataDomain } from "ethers";
import type { CommittedPlan } from "../../codec/witness.ts";
import type { SessionTerms } from "../../codec/typedData.ts";
import type { Outside } from "../../ledger/mandateFit.ts";
import type { Ledger } from "../../ledger/settlementModel.ts";
import type { Tightening } from "../../market/formulation/network.ts";
import type { Opening, Progress } from "./ownAgent.ts";

/** What the chain says of a session that is being verified. */
export type Verifying = {
  readonly chainId: bigint;
  readonly market: string;
  readonly session: SessionTerms;
  readonly ledger: Ledger;
  /** Registered when the session was frozen, by party. */
  readonly nodeKeys: ReadonlyMap<number, string>;
  readonly committee: number;
};

/** As it is put to an agent; messages as they came. */
export type AgentEvent =
  | { readonly kind: "start" }
  | { readonly kind: "timeout" }
  | { readonly kind: "message"; readonly from: number; readonly bytes: Uint8Array };

export type Task =
  | { readonly kind: "open"; readonly opening: Opening }
  /** What has come in while the agent was busy, in order: one task for all of it. */
  | { readonly kind: "events"; readonly events: readonly AgentEvent[] }
  /** The own end is there: signs the hash of the plan that it comes to. */
  | { readonly kind: "commit"; readonly market: Market }
  /** Everybody's proposals: makes the integers and the own claim. */
  | {
      readonly kind: "claim";
      readonly proposals: Uint8Array;
      readonly verifying: Verifying;
    }
  /** The witness that all claims make: the whole test before a signature. */
  | { readonly kind: "verify"; readonly witness: Uint8Array }
  /** The journal has said yes. */
  | { readonly kind: "sign" };

/** Bytes that leave an agent, by agent number. */
export type Outgoing = { readonly to: number; readonly bytes: Uint8Array };

export type Reply =
  /** `longest`: bytes of the longest message that it can be sent. */
  | { readonly kind: "opened"; readonly longest: number }
  | { readonly kind: "refused"; readonly predicate: string; readonly detail: string }
  | {
      readonly kind: "stepped";
      readonly sends: readonly Outgoing[];
      readonly timerMs?: number;
      /** Why the agent, or the session, cannot go on. */
      readonly failure?: Failed;
      /** The agent's end: its proposal, canonical, and what its owner alone is to know. */
      readonly end?: { readonly proposal: Uint8Array; readonly own: Uint8Array };
      readonly progress: Progress;
    }
  | {
      readonly kind: "claimed";
      readonly claim: Claimed;
      /** Hash of the integers; where a proposal cannot be, of who is at fault: everybody finds the same. */
      readonly payload: string;
      /** Of whom the integers ask more than was frozen for it, and whose proposals cannot be. */
      readonly outside: readonly Outside[];
      /** The integers were made: everybody not in `outside` was found within its mandate. */
      readonly whole: boolean;
      readonly doubts: readonly Doubt[];
      /** Most that members' regrets, and what they left open, may add up to for the certificate. */
      readonly allowed?: Allowed;
      /** The AC sweep of the integers is outside the limits, and may not be where they are cleared so much tighter. */
      readonly tighten?: Tightening;
    }
  /** Absent for the operator. */
  | { readonly kind: "committed"; readonly plan?: Omit<CommittedPlan, "id"> }
  | { readonly kind: "verified"; readonly digest: string; readonly payload: Uint8Array; readonly bundleHash: string }
  | { readonly kind: "signed"; readonly signature: string }
  | { readonly kind: "broken"; readonly error: string };

/** What a party and all before it, who traded less, may claim together, 1e-9 $. */
export type Allowed = readonly { readonly party: number; readonly regretNano: string; readonly openNano: string }[];

/** `waitedFor`: agents whose messages did not come. */
export type Failed = { readonly reason: string; readonly waitedFor?: readonly number[] };

/** An agent whose proposal is not what this one agreed on with it. */
export type Doubt = { readonly agent: number; readonly predicate: string; readonly detail: string };

/** A claim as it is sent: regret and what is open, signed. */
export type Claimed = {
  readonly regretNano?: string;
  readonly openNano?: string;
  readonly signature?: string;
};

/** The market that signatures are for, and the session. */
export type Market = Pick<Verifying, "chainId" | "market" | "session">;

export type AgentStart = { readonly party: number; readonly privateKey: string };
export type { TypedDataDomain };
