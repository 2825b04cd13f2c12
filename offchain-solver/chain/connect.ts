import { FetchRequest, JsonRpcProvider } from "ethers";

/**
 * A provider that caches nothing: on a devnet blocks come faster than ethers' cache expires. Destroy it when done. On
 * this machine every request has a connection of its own: one that is kept may be closed by a devnet's chain just when
 * the next request is written to it.
 */
export function connect(url: string): JsonRpcProvider {
  const request = new FetchRequest(url);
  if (/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/.test(`${url}/`)) request.setHeader("connection", "close");
  return new JsonRpcProvider(request, undefined, { staticNetwork: false, cacheTimeout: -1 });
}
