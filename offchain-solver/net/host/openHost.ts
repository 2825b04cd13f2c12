import { channelKeyDigest, type ChannelKey } from "../../codec/channelKey.ts";
import type { Carriage, Reception } from "./connection.ts";
import { Host } from "./host.ts";
import {
  DEFAULT_BOUNDS,
  DEFAULT_TIMING,
  type Bounds,
  type HostOptions,
  type HostTransport,
  type Timing,
} from "./hostOptions.ts";

/** What an adapter is given: where to tell of those who come, and the bounds and times it keeps to. */
export type Front = { readonly reception: Reception; readonly bounds: Bounds; readonly timing: Timing };

/**
 * Opens a host over what carries its frames. `key`: the channel key that its connections prove, which every resident's
 * node key signs before anything is opened.
 */
export async function openHost<Address>(
  options: HostOptions<Address>,
  { use, key }: Pick<ChannelKey, "use" | "key">,
  carriageFor: (front: Front) => Promise<Carriage<Address>>,
): Promise<HostTransport<Address>> {
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
  const now = options.now ?? Date.now;
  const validUntil = Math.floor((now() + timing.keyValidMs) / 1000);
  const parties = await Promise.all(
    options.residents.map(async ({ party, sign }) => {
      const bound: ChannelKey = { party, use, key, validUntil };
      return { party, signature: await sign(channelKeyDigest(options.domain, bound), bound) };
    }),
  );
  const { domain, observe = () => undefined } = options;
  const host = new Host<Address>({ use, domain, parties, validUntil, timing, bounds, now, observe });
  const carriage = await carriageFor({ reception: host.reception, bounds, timing });
  return host.transport(carriage, options.peers);
}
