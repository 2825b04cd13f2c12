/** The market as the page sees it: read from the chain every few seconds; what it knew last where nobody answers. */
import { useCallback, useEffect, useRef, useState } from "react";
import { connect, marketAt, MarketWatch, type Deployment, type Watched } from "../../offchain-solver/browser.ts";
import type { Config } from "./config.ts";

type Provider = ReturnType<typeof connect>;

export type MarketView = {
  readonly config: Config;
  readonly provider: Provider;
  readonly deployment: Deployment;
  /** Undefined until the first answer. */
  readonly seen: Watched | undefined;
  /** Why nobody answers; undefined: somebody does. */
  readonly away: string | undefined;
  /** Counts up when the chain has moved. */
  readonly tick: number;
  /** Looks at once. */
  readonly refresh: () => void;
};

const POLL_MS = 2_000;

/** `fault`: the host's configuration and the chain do not fit, or the chain has never answered. */
export function useMarket(config: Config): { view: MarketView | undefined; fault: string | undefined } {
  const [place, setPlace] = useState<{ provider: Provider; deployment: Deployment }>();
  const [fault, setFault] = useState<string>();
  const [seen, setSeen] = useState<Watched>();
  const [away, setAway] = useState<string>();
  const [tick, setTick] = useState(0);
  const wake = useRef(() => {});
  useEffect(() => {
    const provider = connect(config.rpc);
    let ended = false;
    let timer: ReturnType<typeof setTimeout>;
    const again = (act: () => void): void => void (ended || (timer = setTimeout(act, POLL_MS)));
    let watch: MarketWatch | undefined;
    let last = "";
    const look = async (): Promise<void> => {
      clearTimeout(timer);
      try {
        if (watch === undefined) {
          const deployment = { ...(await marketAt(provider, config.market)), block: config.block };
          if (deployment.chainId !== BigInt(config.chainId))
            return setFault(
              `The chain says it is number ${deployment.chainId}, this host's market is on ${config.chainId}.`,
            );
          watch = new MarketWatch(deployment, provider, config.block);
          setPlace({ provider, deployment });
        }
        const found = await watch.look();
        if (ended) return;
        setSeen(found);
        setFault(undefined);
        setAway(undefined);
        const now = `${found.head.hash}`;
        if (now !== last) setTick((count) => count + 1);
        last = now;
      } catch {
        if (ended) return;
        if (watch === undefined) setFault("The chain does not answer, or has no market at this address.");
        setAway("The chain does not answer. What is shown may be out of date; the page keeps trying.");
      }
      again(() => void look());
    };
    wake.current = () => void look();
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
      provider.destroy();
    };
  }, [config]);
  const refresh = useCallback(() => wake.current(), []);
  return { view: place && { config, ...place, seen, away, tick, refresh }, fault };
}
