/** A chain of one's own, reached at a URL, whose first account deploys and pays. */
import { getAddress, isError, type JsonRpcProvider } from "ethers";
import { connect } from "../chain/connect.ts";
import { contracts, type Deployment } from "../chain/deployment.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { passTime } from "./chain/served.ts";
import type { Chain } from "./embedded.ts";

const DAY_S = 86_400;
const DAY_MS = 1000 * DAY_S;

export type LiveChain = Chain & { readonly provider: JsonRpcProvider; readonly close: () => Promise<void> };

/** Throws what the node says where none answers, or where it holds no account of its own. */
export async function liveChain(url: string, market?: string): Promise<LiveChain> {
  const provider = connect(url);
  try {
    await provider.send("eth_chainId", []);
    const admin = await provider.getSigner(0);
    const deployment = market === undefined ? undefined : await deploymentAt(provider, getAddress(market));
    const close = (): Promise<void> => Promise.resolve(provider.destroy());
    return { admin, provider, close, ...(deployment && { deployment }) };
  } catch (error) {
    provider.destroy();
    throw error;
  }
}

/** What lets its clock be set, as it names itself; all others are passed over, and never asked to. */
const SETTABLE = /anvil|hardhat/i;

/** The same chain with a clock that is set forward; undefined: its node is of a kind that lets nobody do that. */
export async function withClock(chain: LiveChain): Promise<LiveChain | undefined> {
  const { provider } = chain;
  const version = (await provider.send("web3_clientVersion", []).catch(() => "")) as string;
  return SETTABLE.test(version) ? { ...chain, passTime: (to) => passTime(provider, to) } : undefined;
}

/** The contracts of the market at an address, and the block from which on it is there. */
async function deploymentAt(provider: JsonRpcProvider, market: string): Promise<Deployment> {
  const unknown = { chainId: 0n, block: 0, authority: market, token: market, registry: market, market };
  const handle = contracts(unknown, provider).market;
  const named = ["authority", "token", "registry", "delivery", "carbonCredit"];
  const [authority, token, registry, delivery, carbonCredit] = await Promise.all(
    named.map((name) => handle.getFunction(name).staticCall() as Promise<string>),
  );
  const { chainId } = await provider.getNetwork();
  const block = await firstBlockOf(provider, registry);
  return { chainId, block, authority, token, registry, market, delivery, carbonCredit };
}

/** The first block after which there is code at an address; 0 where the node has no states so old. */
async function firstBlockOf(provider: JsonRpcProvider, address: string): Promise<number> {
  let [without, withIt] = [-1, await provider.getBlockNumber()];
  try {
    while (withIt - without > 1) {
      const middle = Math.floor((without + withIt) / 2);
      if ((await provider.getCode(address, middle)) === "0x") without = middle;
      else withIt = middle;
    }
    return withIt;
  } catch (error) {
    // An answer, if no state; one that does not come at all is no reason to read every block.
    if (isError(error, "NETWORK_ERROR") || isError(error, "TIMEOUT") || isError(error, "SERVER_ERROR")) throw error;
    return 0;
  }
}

/**
 * The series of the named day under the date of tomorrow on the chain's clock, or of the day after where a session of
 * tomorrow has settled: a market takes no session of long ago.
 */
export async function underTomorrow(scenario: Scenario, { provider, deployment }: Chain): Promise<Scenario> {
  // The block that comes next: the last one of a quiet chain may be days old.
  const now = (await provider.getBlock("pending"))?.timestamp ?? 0;
  const ofDay = Date.parse(scenario.startUtc) % DAY_MS;
  let start = (Math.floor(now / DAY_S) + 1) * DAY_MS + ofDay;
  if (deployment !== undefined) {
    const { lastEnd } = await contracts(deployment, provider).market.getFunction("session").staticCall();
    while (start < 1000 * Number(lastEnd)) start += DAY_MS;
  }
  return { ...scenario, startUtc: new Date(start).toISOString().replace(".000Z", "Z") };
}
