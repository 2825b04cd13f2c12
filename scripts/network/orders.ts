/**
 * What a run tells its host processes, and what they tell it: through the pipe between them, never over the network.
 */
import type { PrivatePart } from "../../offchain-solver/market/scenario/publicScenario.ts";
import type { PeerHost, Timing, Traffic } from "../../offchain-solver/net/host/hostOptions.ts";
import type { NetworkEvent } from "../../offchain-solver/net/host/networkEvent.ts";

export type Carried =
  | { readonly kind: "tls"; readonly listen: string }
  | { readonly kind: "nats"; readonly servers: string; readonly space: string };

export type Order =
  | {
      readonly kind: "open";
      readonly terms: Uint8Array;
      readonly hash: string;
      /** The agents that live on this host, and the private parts of those that are prosumers. */
      readonly agents: readonly number[];
      readonly parts: readonly PrivatePart[];
      readonly carried: Carried;
      readonly timing: Partial<Timing>;
    }
  | { readonly kind: "peers"; readonly peers: readonly PeerHost<never>[] }
  | { readonly kind: "start" }
  | { readonly kind: "close" };

export type Ended = {
  readonly kind: "ended";
  /** [agent of this host] SHA-256 of every message that it sent, in its order. */
  readonly sent: readonly (readonly [agent: number, hash: string])[];
  /** [agent of this host] what it proposes, as JSON. */
  readonly proposals: readonly (readonly [agent: number, proposal: string])[];
  readonly failures: readonly string[];
  readonly operator?: { readonly status: string; readonly iterations: number };
  readonly messages: number;
  readonly bytes: number;
  readonly traffic: Traffic;
  /** From the start on. */
  readonly cpuMs: number;
  readonly peakMb: number;
};

export type Report =
  | { readonly kind: "opened"; readonly address: unknown }
  | { readonly kind: "connected" }
  | { readonly kind: "event"; readonly event: NetworkEvent }
  | Ended;
