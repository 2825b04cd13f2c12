/** What a member of a session is given of its surroundings, and what it gives back. */
import type { Terms } from "../../codec/terms.ts";
import type { PrivatePart } from "../../market/scenario/publicScenario.ts";
import type { AgentThread } from "../agent/agentThread.ts";
import type { MaskKey } from "../agent/maskStream.ts";
import type { Verifying } from "../agent/protocol.ts";
import type { Journal } from "../journal/journal.ts";
import type { Life } from "./messages.ts";

export type Surroundings = {
  readonly party: number;
  readonly operator: number;
  readonly agent: AgentThread;
  readonly journal: Journal;
  readonly send: (to: number, bytes: Uint8Array | Life) => void;
  readonly setTimer: (afterMs: number | undefined) => void;
  /** The own part of the session that these terms are for; a text says why there is none. */
  readonly partFor: (terms: Terms) => PrivatePart | string;
  /** What the own agent hides its steps with; absent: with nothing. */
  readonly mask?: (session: string, attempt: number) => MaskKey;
  readonly chainFor: (terms: Terms) => Promise<FrozenOnChain>;
  readonly note: (level: "info" | "warn", what: string, details?: object) => void;
  /** Hears a party no more in this session: it broke the protocol. */
  readonly drop: (party: number, reason: string) => void;
  /** All it takes to settle is here. */
  readonly settleable: (posting: Settleable) => void;
  /** The own end, for its owner; undefined: it has none any more. */
  readonly ended: (own: Ended | undefined, terms: Terms) => void;
  /** Everybody's proposals of an attempt, canonical JSON. */
  readonly proposed: (text: string) => void;
};

/** An agent's own record, and what its messages came to. */
export type Ended = object & { readonly messages: number; readonly bytes: number; readonly wallMs: number };

export type Settleable = {
  readonly session: string;
  readonly payload: Uint8Array;
  readonly bundleHash: string;
  /** Canonical JSON of the witness. */
  readonly witness: string;
  readonly digest: string;
  /** By bit. */
  readonly attestations: ReadonlyMap<number, string>;
};

/** What the chain says of the session that was frozen, for the prosumers that its terms name. */
export type FrozenOnChain = Omit<Verifying, "committee" | "session"> & {
  /** Node keys in the order of the bits. */
  readonly committee: readonly string[];
};
