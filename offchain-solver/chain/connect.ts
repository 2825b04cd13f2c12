import { JsonRpcProvider } from "ethers";

/** A provider that caches nothing: on a devnet blocks come faster than ethers' cache expires. Destroy it when done. */
export const connect = (url: string): JsonRpcProvider =>
  new JsonRpcProvider(url, undefined, { staticNetwork: false, cacheTimeout: -1 });
