/**
 * What a node key signs so that a connection is known to be its party's: the public key that the connection proves.
 * Channel keys are made anew by each process and live only in it; who holds the node key says how long they count.
 */
import { TypedDataEncoder, type TypedDataDomain, type TypedDataField } from "ethers";

export type ChannelKey = {
  /** As the network numbers it: the registry's id, or the operator's. */
  readonly party: number;
  /** An Ed25519 key in a TLS certificate, or an X25519 key that messages are sealed for. */
  readonly use: "tls" | "seal";
  /** 32 bytes, hexadecimal. */
  readonly key: string;
  /** Unix seconds. */
  readonly validUntil: number;
};

export const CHANNEL_KEY_TYPES: Record<string, TypedDataField[]> = {
  ChannelKey: [
    { name: "party", type: "int64" },
    { name: "use", type: "string" },
    { name: "key", type: "bytes32" },
    { name: "validUntil", type: "uint64" },
  ],
};

/** `domain`: the registry's, where the node key is registered. */
export const channelKeyDigest = (domain: TypedDataDomain, key: ChannelKey): string =>
  TypedDataEncoder.hash(domain, CHANNEL_KEY_TYPES, key);
