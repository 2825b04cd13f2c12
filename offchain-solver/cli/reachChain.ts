import { isAddress } from "ethers";
import { liveChain, type LiveChain } from "../devnet/liveChain.ts";
import { buildRelease } from "../devnet/release.ts";
import { InputError } from "../io/inputError.ts";

/** A chain that somebody runs, or one clear message. */
export async function reached(url: string, market?: string): Promise<LiveChain> {
  if (market !== undefined && !isAddress(market)) throw new InputError(`--market ${market}: is no address`);
  await buildRelease();
  try {
    return await liveChain(url, market);
  } catch (error) {
    const said = (error as { shortMessage?: string; message: string }).shortMessage ?? (error as Error).message;
    throw new InputError(`--rpc ${url}: no session can run there (${said.split("\n")[0]})`);
  }
}
