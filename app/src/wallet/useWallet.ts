/** Which wallets the browser has (EIP-6963), which one is connected, and on which chain it is. */
import { useCallback, useEffect, useRef, useState } from "react";
import {
  injectedAddresses,
  injectedChain,
  injectedSigner,
  switchChain,
  type InjectedWallet,
} from "../../../offchain-solver/browser.ts";

export type Announced = { readonly uuid: string; readonly name: string; readonly wallet: InjectedWallet };

type Announcement = {
  readonly info?: { readonly uuid?: unknown; readonly name?: unknown };
  readonly provider?: InjectedWallet;
};

/** Every wallet that announces itself, each once. */
function useAnnounced(): readonly Announced[] {
  const [found, setFound] = useState<readonly Announced[]>([]);
  useEffect(() => {
    const heard = (event: Event): void => {
      const { info, provider } = ((event as CustomEvent).detail ?? {}) as Announcement;
      if (provider === undefined || typeof info?.uuid !== "string") return;
      const one = { uuid: info.uuid, name: String(info.name ?? "wallet").slice(0, 60), wallet: provider };
      setFound((all) => (all.some(({ uuid }) => uuid === one.uuid) ? all : [...all, one]));
    };
    window.addEventListener("eip6963:announceProvider", heard);
    window.dispatchEvent(new Event("eip6963:requestProvider"));
    return () => window.removeEventListener("eip6963:announceProvider", heard);
  }, []);
  return found;
}

export type Wallet = {
  readonly announced: readonly Announced[];
  readonly address: string | undefined;
  readonly chainId: bigint | undefined;
  readonly connect: (one: Announced) => Promise<void>;
  readonly disconnect: () => void;
  readonly goTo: (chainId: bigint, rpc: string) => Promise<void>;
  /** Of the address that is connected now, on the chain that it is on; it refuses once either is another. */
  readonly signer: () => ReturnType<typeof injectedSigner>;
};

export function useWallet(): Wallet {
  const announced = useAnnounced();
  const [chosen, setChosen] = useState<Announced>();
  const [address, setAddress] = useState<string>();
  const [chainId, setChainId] = useState<bigint>();
  const now = useRef<string>(undefined);
  const take = useCallback((addresses: unknown): void => {
    const given: unknown = Array.isArray(addresses) ? addresses[0] : undefined;
    const first = typeof given === "string" ? given : undefined;
    // Some wallets say the same address in capitals and without.
    if (first !== undefined && first.toLowerCase() === now.current?.toLowerCase()) return;
    now.current = first;
    setAddress(first);
  }, []);
  useEffect(() => {
    if (chosen === undefined) return undefined;
    const { wallet } = chosen;
    const moved = (id: unknown): void => setChainId(BigInt(id as string));
    wallet.on?.("accountsChanged", take);
    wallet.on?.("chainChanged", moved);
    return () => {
      wallet.removeListener?.("accountsChanged", take);
      wallet.removeListener?.("chainChanged", moved);
    };
  }, [chosen, take]);
  return {
    announced,
    address,
    chainId,
    async connect(one) {
      const addresses = await injectedAddresses(one.wallet, true);
      if (addresses.length === 0) throw new Error("the wallet lets this page use none of its addresses");
      setChainId(await injectedChain(one.wallet));
      setChosen(one);
      take(addresses);
    },
    disconnect() {
      setChosen(undefined);
      take([]);
    },
    async goTo(id, rpc) {
      if (chosen === undefined) return;
      await switchChain(chosen.wallet, id, rpc);
      setChainId(await injectedChain(chosen.wallet));
    },
    signer() {
      if (chosen === undefined || address === undefined || chainId === undefined)
        throw new Error("no wallet is connected");
      return injectedSigner(chosen.wallet, address, chainId, () => now.current === address);
    },
  };
}
