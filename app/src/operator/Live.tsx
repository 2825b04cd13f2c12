/** A clearing as it goes on: residuals by iteration, from the node's own API. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import { moment, number } from "../shown/format.ts";
import { Card, Figures, Notice, Table } from "../shown/parts.tsx";

const Series = lazy(() => import("../shown/Series.tsx"));

type Event = {
  readonly ordinal: number;
  readonly outcome: string;
  readonly stage: string;
  readonly attempt: number;
  readonly iteration: number;
  readonly primal?: number;
  readonly dual?: number;
  readonly refusal?: string;
};

/** Iterations that are kept and drawn. */
const KEPT = 600;
const STAGES: Readonly<Record<string, string>> = { over: "nothing under way" };

function useIterations(address: string | undefined) {
  const [events, setEvents] = useState<readonly Event[]>([]);
  const [state, setState] = useState<"none" | "waiting" | "open" | "away">(address === undefined ? "none" : "waiting");
  useEffect(() => {
    if (address === undefined) return undefined;
    const source = new EventSource(`${address}/session/iterations`);
    source.addEventListener("open", () => setState("open"));
    source.addEventListener("error", () => setState("away"));
    source.addEventListener("session", ({ data }) => {
      const event = JSON.parse(data as string) as Event | null;
      if (event === null) return;
      setEvents((last) => {
        const same = last.at(-1)?.ordinal === event.ordinal && last.at(-1)?.attempt === event.attempt;
        return same ? [...last.slice(-KEPT), event] : [event];
      });
    });
    return () => source.close();
  }, [address]);
  return { events, state };
}

export function Live({ view }: { view: MarketView }) {
  const { events, state } = useIterations(view.config.node);
  const last = events.at(-1);
  const session = view.seen?.session;
  const measured = useMemo(() => events.filter(({ primal }) => primal !== undefined && primal > 0), [events]);
  const names = useMemo(() => measured.map(({ iteration }) => `${iteration}`), [measured]);
  const lines = useMemo(
    () => [
      { label: "primal", colour: "energy", values: measured.map(({ primal }) => primal ?? null) },
      {
        label: "dual",
        colour: "network",
        values: measured.map(({ dual }) => (dual !== undefined && dual > 0 ? dual : null)),
      },
    ],
    [measured],
  );
  return (
    <Card title="Clearing now" wide>
      {state === "none" && <Notice kind="info">This host names no node whose clearing could be followed.</Notice>}
      {state === "away" && <Notice kind="bad">The node does not answer. The page keeps trying.</Notice>}
      {state === "waiting" && <Notice kind="busy">Asking the node…</Notice>}
      {last === undefined && state === "open" && <Notice kind="info">No session has been frozen yet.</Notice>}
      {last !== undefined && (
        <Figures
          all={[
            {
              label: "Session",
              value: session === undefined ? `no. ${last.ordinal}` : moment(view.config, Number(session.terms.start)),
            },
            { label: "It is", value: last.outcome, detail: STAGES[last.stage] ?? last.stage },
            {
              label: "Iteration",
              value: last.stage === "over" ? "–" : `${last.iteration}`,
              ...(last.stage !== "over" && { detail: `attempt ${last.attempt}` }),
            },
            {
              label: "Residual, primal",
              value: last.primal === undefined ? "–" : last.primal.toExponential(1),
            },
            { label: "Residual, dual", value: last.dual === undefined ? "–" : last.dual.toExponential(1) },
          ]}
        />
      )}
      {last?.refusal !== undefined && <Notice kind="bad">The node refused: {last.refusal}</Notice>}
      {measured.length > 1 && (
        <>
          <Suspense fallback={<Notice kind="busy">Drawing…</Notice>}>
            <Series label="Residuals by iteration" unit="log scale" names={names} lines={lines} log />
          </Suspense>
          <details>
            <summary>The last iterations as a table</summary>
            <Table
              caption="Last iterations"
              heads={["Iteration", "Primal", "Dual"]}
              rows={measured
                .slice(-20)
                .map((one) => [`${one.iteration}`, number(one.primal ?? NaN, 6), number(one.dual ?? NaN, 6)])}
            />
          </details>
        </>
      )}
    </Card>
  );
}
