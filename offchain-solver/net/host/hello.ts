import type { TypedDataDomain } from "ethers";
import { z } from "zod";
import { channelKeyDigest, type ChannelKey } from "../../codec/channelKey.ts";
import { foreignJson } from "../../codec/foreign.ts";
import type { Peer } from "./hostOptions.ts";

/** Changes with the frames and with what a hello says. */
const VERSION = 1;
const party = z.number().int().gte(-1).lte(0xffffffff);
const HEX_64_OR_65 = /^0x[0-9a-f]{128}([0-9a-f]{2})?$/;

const HelloSchema = z.strictObject({
  version: z.literal(VERSION),
  /** The host that speaks, and the one that it wants to speak to. */
  host: party,
  to: party,
  /** Chosen anew whenever the host starts. */
  life: z.string().regex(/^[0-9a-f]{32}$/),
  /** The last batch that it took from the other side, in which life of that. */
  heard: z.strictObject({ life: z.string().regex(/^[0-9a-f]{32}$/), number: z.number().int().gte(0) }).optional(),
  /** Its clock, Unix ms. */
  time: z.number().int().gte(0),
  validUntil: z.number().int().gte(0),
  /** Everybody who lives on it, with the signature of its node key under the key of this connection. */
  parties: z.array(z.strictObject({ party, signature: z.string().regex(HEX_64_OR_65) })).min(1),
});
export type Hello = z.infer<typeof HelloSchema>;

export const helloText = (hello: Omit<Hello, "version">): string => JSON.stringify({ version: VERSION, ...hello });

/** A hello of as many parties is no longer. */
export const helloBytes = (parties: number): number => 1024 + 200 * parties;

/** A text says why it is none. */
export function readHello(text: string): Hello | string {
  const json = foreignJson(text);
  if (json === undefined) return "its hello is no JSON";
  const { value } = json;
  const version = (value as { version?: unknown } | null)?.version;
  if (typeof version === "number" && version !== VERSION)
    return `it speaks version ${version} of the protocol, this host ${VERSION}`;
  const read = HelloSchema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  return `its hello is malformed: ${issue.path.join(".") || "hello"}: ${issue.message}`;
}

export type Expected = {
  readonly self: number;
  readonly peers: readonly Peer[];
  readonly domain: TypedDataDomain;
  readonly use: ChannelKey["use"];
  /** The key that the other end of the connection has proved to hold. */
  readonly key: string;
  readonly now: number;
  readonly clockSkewMs: number;
  /** As `signerOfText`. */
  readonly signerOf: (digest: string, signature: string) => string | undefined;
};

/**
 * Why a hello does not show that the connection leads to those who should live on that host; undefined: it does. Ends
 * at the first signature that is not as it should be, so that a stranger costs no more than one.
 */
export function doubt(hello: Hello, expected: Expected): string | undefined {
  const { self, peers, domain, use, key, now, clockSkewMs, signerOf } = expected;
  if (hello.to !== self) return `it wants to speak to host ${hello.to}, and this is host ${self}`;
  const ahead = hello.time - now;
  if (Math.abs(ahead) > clockSkewMs)
    return `its clock is ${(Math.abs(ahead) / 60_000).toFixed(1)} minutes ${ahead > 0 ? "ahead of" : "behind"} this one's; set both by NTP`;
  if (hello.validUntil * 1000 <= now)
    return `its channel key counted until ${new Date(hello.validUntil * 1000).toISOString()}`;
  const signatures = new Map(hello.parties.map(({ party: number, signature }) => [number, signature]));
  if (signatures.size !== hello.parties.length) return "its hello names a party twice";
  const stranger = hello.parties.find(({ party: number }) => !peers.some((peer) => peer.party === number));
  if (stranger !== undefined) return `party ${stranger.party} is not known to live on host ${hello.host}`;
  for (const peer of peers) {
    const signature = signatures.get(peer.party);
    if (signature === undefined) return `party ${peer.party} has not signed the key of this connection`;
    const digest = channelKeyDigest(domain, { party: peer.party, use, key, validUntil: hello.validUntil });
    const signer = signerOf(digest, signature);
    if (signer?.toLowerCase() !== peer.nodeKey.toLowerCase())
      return (
        `the key of this connection is not bound to party ${peer.party}: it is signed by ${signer ?? "nobody"}, ` +
        `and the node key registered for that party is ${peer.nodeKey}`
      );
  }
  return undefined;
}
