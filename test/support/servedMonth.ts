/** A chain behind a port for sessions of one market, so that an auditor can be asked once they have ended. */
import { hardhatChain } from "../../offchain-solver/devnet/chain/hardhatChain.ts";
import { passTime } from "../../offchain-solver/devnet/chain/served.ts";
import type { OpenChain } from "../../offchain-solver/cli/settledDays.ts";

/** What `gridpact run` takes where nothing is said. */
export const RUN = {
  ...({ method: "anderson", networkRisk: "on", carbon: "on", trade: "on", tighten: "off" } as const),
  ...{ rho: 1, maxIterations: 20_000, workers: 1 },
};

/** Its clock begins the day before `from`, a date. `open`: the same for all; it stays until it is closed here. */
export async function servedMonth(
  from: string,
): Promise<{ readonly url: string; readonly open: OpenChain; readonly close: () => Promise<void> }> {
  const { url, admin, provider, close } = await hardhatChain(new Date(Date.parse(from) - 86_400_000), 0);
  const chain = { admin, provider, passTime: (to: number) => passTime(provider, to), close: () => Promise.resolve() };
  return { url, open: () => Promise.resolve(chain), close };
}
