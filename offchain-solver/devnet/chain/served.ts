/** A devnet's chain behind a port, so that parties in processes of their own can reach it. */
import type { JsonRpcProvider, Signer } from "ethers";
import { connect } from "../../chain/connect.ts";

export type ServedChain = {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  /** Holds the chain's own money. */
  readonly admin: Signer;
  readonly close: () => Promise<void>;
};

/** Waits for a chain behind `url` and takes its first account. */
export async function reachChain(url: string): Promise<Pick<ServedChain, "url" | "provider" | "admin">> {
  const provider = connect(url);
  return { url, provider, admin: await provider.getSigner(0) };
}

/** As far as a clock is asked of it: hardhat's own provider and one behind a port alike. */
type Clock = {
  readonly getBlock: (tag: "latest") => Promise<{ readonly timestamp: number } | null>;
  readonly send: (method: string, params: unknown[]) => Promise<unknown>;
};

/** Sets the chain's clock forward, Unix seconds, with an empty block; never back. */
export async function passTime(provider: Clock, to: number): Promise<void> {
  const { timestamp } = (await provider.getBlock("latest"))!;
  if (to <= timestamp) return;
  await provider.send("evm_setNextBlockTimestamp", [to]);
  await provider.send("evm_mine", []);
}

/** Money for gas, which a devnet has without end. */
export async function giveGas(provider: JsonRpcProvider, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) await provider.send("hardhat_setBalance", [address, "0x56bc75e2d63100000"]);
}
