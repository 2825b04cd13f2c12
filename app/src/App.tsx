/** The page: one market, three views of it. */
import * as Tabs from "@radix-ui/react-tabs";
import { lazy, Suspense, useEffect, useState } from "react";
import { loadConfig, type Config } from "./config.ts";
import { useMarket, type MarketView } from "./market.ts";
import Prosumer from "./prosumer/Prosumer.tsx";
import { duration, moment } from "./shown/format.ts";
import { Guard } from "./shown/Guard.tsx";
import { Notice } from "./shown/parts.tsx";

const Operator = lazy(() => import("./operator/Operator.tsx"));
const Auditor = lazy(() => import("./auditor/Auditor.tsx"));

const VIEWS = [
  ["prosumer", "My account"],
  ["operator", "Feeder"],
  ["auditor", "Proof"],
] as const;
type ViewName = (typeof VIEWS)[number][0];

const named = (): ViewName => VIEWS.find(([name]) => `#${name}` === location.hash)?.[0] ?? "prosumer";

export function App() {
  const [config, setConfig] = useState<Config>();
  const [fault, setFault] = useState<string>();
  useEffect(() => {
    loadConfig().then(setConfig, (error: Error) => setFault(error.message));
  }, []);
  if (fault !== undefined)
    return (
      <main>
        <h1>gridpact</h1>
        <Notice kind="bad">{fault}</Notice>
      </main>
    );
  if (config === undefined)
    return (
      <main>
        <h1>gridpact</h1>
        <Notice kind="busy">Opening the market…</Notice>
      </main>
    );
  return <Market config={config} />;
}

function Market({ config }: { config: Config }) {
  const { view, fault } = useMarket(config);
  const [shown, setShown] = useState<ViewName>(named);
  useEffect(() => {
    const moved = (): void => setShown(named());
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  const show = (name: string): void => {
    setShown(name as ViewName);
    history.replaceState(undefined, "", `#${name}`);
  };
  return (
    <Tabs.Root value={shown} onValueChange={show}>
      <header>
        <div className="in">
          <h1>{config.name}</h1>
          <Session view={view} />
        </div>
        <Tabs.List className="tabs in" aria-label="Views">
          {VIEWS.map(([name, words]) => (
            <Tabs.Trigger key={name} value={name}>
              {words}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
      </header>
      <main>
        {view?.away !== undefined && <Notice kind="bad">{view.away}</Notice>}
        {view === undefined &&
          (fault === undefined ? (
            <Notice kind="busy">Opening the market…</Notice>
          ) : (
            <Notice kind="bad">{fault}</Notice>
          ))}
        {view !== undefined && (
          <Suspense fallback={<Notice kind="busy">Loading this view…</Notice>}>
            <Tabs.Content value="prosumer">
              <Guard>
                <Prosumer view={view} />
              </Guard>
            </Tabs.Content>
            <Tabs.Content value="operator">
              <Guard>
                <Operator view={view} />
              </Guard>
            </Tabs.Content>
            <Tabs.Content value="auditor">
              <Guard>
                <Auditor view={view} />
              </Guard>
            </Tabs.Content>
          </Suspense>
        )}
      </main>
      <footer>
        Times by the clock of {config.timeZone}. This page keeps nothing and asks nobody but the chain and this host.
      </footer>
    </Tabs.Root>
  );
}

/** The newest session in one line. */
function Session({ view }: { view: MarketView | undefined }) {
  const seen = view?.seen;
  if (view === undefined || seen === undefined) return null;
  const { session, head, reorg } = seen;
  if (session === undefined) return <p role="status">No session has been frozen yet. Block {head.number}.</p>;
  const { terms, outcome } = session;
  const words = {
    open: `is being cleared, ${duration(Number(terms.deadline) - head.timestamp)} to its deadline`,
    settled: "has settled",
    cancelled: "was cancelled",
    void: "is void: it was not settled in time, and nothing of it counts",
  };
  return (
    <p role="status">
      The session of {moment(view.config, Number(terms.start))} {words[outcome.kind]}.
      {reorg && " The chain went back a few blocks; everything was read again."}
    </p>
  );
}
