import { isAddress, type Provider } from "ethers";
import { isNoMarket, marketAt } from "../chain/keys.ts";
import { InputError } from "../io/inputError.ts";

/** Refuses, in one sentence, a chain that does not answer and an address where no market is. */
export async function reachMarket(provider: Provider, url: string, market: string): Promise<bigint> {
  if (!isAddress(market)) throw new InputError(`--market ${market}: is no address`);
  let chainId: bigint;
  try {
    chainId = BigInt(
      await (provider as unknown as { send: (m: string, p: []) => Promise<string> }).send("eth_chainId", []),
    );
  } catch (error) {
    throw new InputError(`--rpc ${url}: no answer (${(error as Error).message.split("\n")[0]})`);
  }
  if ((await provider.getCode(market)) === "0x")
    throw new InputError(`--market ${market}: there is no contract at this address on ${url}`);
  await marketAt(provider, market).catch((error: unknown) => {
    if (!isNoMarket(error)) throw error;
    throw new InputError(`--market ${market}: the contract at this address on ${url} is no market`);
  });
  return chainId;
}
