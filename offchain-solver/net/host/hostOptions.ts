import type { TypedDataDomain } from "ethers";
import type { ChannelKey } from "../../codec/channelKey.ts";
import type { Transport } from "../transport.ts";
import type { NetworkEvent } from "./networkEvent.ts";

/** A party that lives on this host. */
export type Resident = {
  /** Its number on the network. */
  readonly party: number;
  /** Its node key's signature under the digest of a channel key (`channelKeyDigest`), 65 or 64 bytes, hex. */
  readonly sign: (digest: string, key: ChannelKey) => string | Promise<string>;
};

/** A party elsewhere. */
export type Peer = {
  readonly party: number;
  /** Address of the node key that is registered for it. */
  readonly nodeKey: string;
};

/** A host elsewhere that this one exchanges messages with, and who lives on it. */
export type PeerHost<Address> = { readonly parties: readonly Peer[]; readonly address: Address };

export type HostOptions<Address> = {
  readonly residents: readonly Resident[];
  /** Those with whom residents trade, and the operator; nobody else is let in. */
  readonly peers: readonly PeerHost<Address>[];
  /** The registry's EIP-712 domain. */
  readonly domain: TypedDataDomain;
  readonly observe?: (event: NetworkEvent) => void;
  readonly timing?: Partial<Timing>;
  readonly bounds?: Partial<Bounds>;
  /** Unix ms. */
  readonly now?: () => number;
};

export type Timing = {
  /** Whoever has nothing to say says so, this often. */
  readonly heartbeatMs: number;
  /** A connection on which nothing was heard for so long is dead. */
  readonly silenceMs: number;
  /** A host that speaks but acknowledges nothing for so long is dropped. */
  readonly stallMs: number;
  /** How long a connection may take to say who it is. */
  readonly helloMs: number;
  /** Pause before a lost connection is made again: doubles from the first to the longest. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** What was delivered is acknowledged within this time, if nothing is sent that can carry it. */
  readonly acknowledgeMs: number;
  /** Clocks may differ by this much. */
  readonly clockSkewMs: number;
  /** A host that closes waits for so long until what it sent is acknowledged. */
  readonly lingerMs: number;
  /** A channel key counts for so long. */
  readonly keyValidMs: number;
};

export const DEFAULT_TIMING: Timing = {
  heartbeatMs: 3_000,
  silenceMs: 30_000,
  stallMs: 120_000,
  helloMs: 10_000,
  firstPauseMs: 50,
  longestPauseMs: 10_000,
  acknowledgeMs: 100,
  clockSkewMs: 120_000,
  lingerMs: 2_000,
  keyValidMs: 90 * 86_400_000,
};

export type Bounds = {
  /** The longest message. */
  readonly messageBytes: number;
  /** Sent and not yet acknowledged, to one host; the same for all hosts of a network. */
  readonly windowBytes: number;
  /** Kept for one host that does not take it: beyond, that host is dropped. */
  readonly queueBytes: number;
  /** Connections that have not said yet who they are. */
  readonly strangers: number;
};

export const DEFAULT_BOUNDS: Bounds = {
  messageBytes: 16 << 20,
  windowBytes: 4 << 20,
  queueBytes: 64 << 20,
  strangers: 64,
};

/** Messages sent to other hosts and received from them; frames hold many and are what a network carries. */
export type Traffic = {
  readonly sentMessages: number;
  readonly sentFrames: number;
  readonly sentBytes: number;
  readonly receivedMessages: number;
  readonly receivedFrames: number;
  readonly receivedBytes: number;
};

/**
 * The network as one host has it: its residents join it as they join any transport, and reach each other without it.
 * What is sent to another host waits until that is reached, and is delivered once however often the connection breaks;
 * a host that is started anew is sent what it has not acknowledged yet. What arrives for a resident that has not joined
 * is dropped: let residents join before the peers are named.
 */
export type HostTransport<Address> = Transport<Uint8Array> & {
  /** Where others reach this host. */
  readonly address: Address;
  /** From now on these are the peers: connections to others end, also to those whose node key has changed. */
  readonly setPeers: (peers: readonly PeerHost<Address>[]) => void;
  /** Hosts that are connected. */
  readonly connected: () => number[];
  /** Ends the connection to the host of a party that broke a rule that the transport cannot know. */
  readonly drop: (party: number, reason: string) => void;
  readonly readmit: (party: number) => void;
  /** Messages sent and not yet acknowledged, or arrived and not yet delivered. */
  readonly underWay: () => number;
  readonly traffic: () => Traffic;
  /** Ends all connections and frees what they held; resolves when nothing of it is open any more. Waits a little until
   * what was sent is acknowledged. */
  readonly close: () => Promise<void>;
};
