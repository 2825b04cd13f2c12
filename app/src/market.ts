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
/** A look that takes longer is told of; one that takes much longer is given up, but the first, which reads it all. */
const LATE_MS = 10_000;
const GIVE_UP_MS = 30_000;
const NO_MARKET = "The chain does not answer, or has no market at this address.";
const AWAY = "The chain does not answer. What is shown may be out of date; the page keeps trying.";

const soon = <T>(look: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), GIVE_UP_MS);
    look.then(resolve, reject).finally(() => clearTimeout(timer));
  });

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
    const again = (act: () => void, ms: number): void => void (ended || (timer = setTimeout(act, ms)));
    let watch: MarketWatch | undefined;
    let last = "";
    let seenOnce = false;
    let looking = false;
    let wanted = false;
    const look = async (): Promise<void> => {
      clearTimeout(timer);
      // One at a time: what is asked for meanwhile is looked at next.
      wanted = looking;
      if (looking) return;
      looking = true;
      const late = setTimeout(() => void (seenOnce ? setAway(AWAY) : setFault(NO_MARKET)), LATE_MS);
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
        const found = await (seenOnce ? soon(watch.look()) : watch.look());
        if (ended) return;
        seenOnce = true;
        setSeen(found);
        setFault(undefined);
        setAway(undefined);
        const now = `${found.head.hash}`;
        if (now !== last) setTick((count) => count + 1);
        last = now;
      } catch {
        if (ended) return;
        if (watch === undefined) setFault(NO_MARKET);
        setAway(AWAY);
      } finally {
        clearTimeout(late);
        looking = false;
      }
      again(() => void look(), wanted ? 0 : POLL_MS);
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
