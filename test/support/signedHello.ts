import { channelKeyDigest, type ChannelKey } from "../../offchain-solver/codec/channelKey.ts";
import { helloFrame } from "../../offchain-solver/net/host/frame.ts";
import { helloText, type Hello } from "../../offchain-solver/net/host/hello.ts";
import { DOMAIN, nodeKey } from "./openHosts.ts";

const LIFE = "ab".repeat(16);
export const YEAR_2100 = 4_102_444_800;

/** What the host of one party says, with that party's signature under a channel key; `say` says something else. */
export function helloOf(
  self: number,
  to: number,
  { use, key }: Pick<ChannelKey, "use" | "key">,
  say: Partial<Hello> = {},
): Uint8Array {
  const bound = { party: self, use, key, validUntil: say.validUntil ?? YEAR_2100 };
  const signature = nodeKey(self).signingKey.sign(channelKeyDigest(DOMAIN, bound)).serialized;
  const parties = [{ party: self, signature }];
  return helloFrame(
    helloText({ host: self, to, life: LIFE, time: Date.now(), validUntil: YEAR_2100, parties, ...say }),
  );
}
