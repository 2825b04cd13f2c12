/** A browser's wallet (EIP-1193), found by EIP-6963: as a signer that stops when its owner changes wallets. */
import { BrowserProvider, type Eip1193Provider, type Signer } from "ethers";
import { SentUnseen } from "./deployment.ts";

export type InjectedWallet = Eip1193Provider & {
  readonly on?: (event: string, listener: (value: unknown) => void) => void;
  readonly removeListener?: (event: string, listener: (value: unknown) => void) => void;
};

/** What an act meets whose wallet is not the one any more that it began with, or not on that chain. */
export class WalletChanged extends Error {
  constructor() {
    super("The wallet, or its network, changed while this was under way. Nothing more was sent.");
    this.name = "WalletChanged";
  }
}

const POLL_MS = 500;

/**
 * A signer for one address on one chain. `still` says whether the wallet is yet on the address; it, and the wallet's
 * chain, are asked before everything that is signed or sent: on another chain nobody is at the market's address, and
 * what is sent there seems to go well. A provider keeps the chain that it first saw, so each act makes its own.
 */
export async function injectedSigner(
  wallet: InjectedWallet,
  address: string,
  chainId: bigint,
  still: () => boolean,
): Promise<Signer> {
  const provider = new BrowserProvider(wallet, undefined, { cacheTimeout: -1, pollingInterval: POLL_MS });
  const signer = await provider.getSigner(address);
  const guard = <A extends unknown[], R>(act: (...args: A) => Promise<R>) => {
    const bound = act.bind(signer);
    return async (...args: A): Promise<R> => {
      if ((await injectedChain(wallet)) !== chainId || !still()) throw new WalletChanged();
      return bound(...args);
    };
  };
  const [send, sendOnly] = [signer.sendTransaction.bind(signer), signer.sendUncheckedTransaction.bind(signer)];
  let hash: string | undefined;
  signer.sendUncheckedTransaction = async (transaction) => (hash = await sendOnly(transaction));
  signer.signTypedData = guard(signer.signTypedData);
  signer.sendTransaction = guard(async (transaction: Parameters<typeof send>[0]) => {
    hash = undefined;
    try {
      return await send(transaction);
    } catch (error) {
      // It asks the wallet's own node for what it has just sent.
      throw hash === undefined ? error : new SentUnseen(hash, error);
    }
  });
  return signer;
}

/** Addresses that the wallet lets this page use; `ask`: it is asked to let it. */
export async function injectedAddresses(wallet: InjectedWallet, ask: boolean): Promise<string[]> {
  const found: unknown = await wallet.request({ method: ask ? "eth_requestAccounts" : "eth_accounts" });
  return Array.isArray(found) ? found.filter((one) => typeof one === "string") : [];
}

export async function injectedChain(wallet: InjectedWallet): Promise<bigint> {
  return BigInt((await wallet.request({ method: "eth_chainId" })) as string);
}

/** Asks the wallet to go to a chain, and to learn of it first where it does not know it. */
export async function switchChain(wallet: InjectedWallet, chainId: bigint, rpc: string): Promise<void> {
  const id = `0x${chainId.toString(16)}`;
  try {
    await wallet.request({ method: "wallet_switchEthereumChain", params: [{ chainId: id }] });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 4902) throw error;
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    const chain = { chainId: id, chainName: `gridpact ${chainId}`, rpcUrls: [rpc], nativeCurrency };
    await wallet.request({ method: "wallet_addEthereumChain", params: [chain] });
  }
}
