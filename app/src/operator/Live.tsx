/** A clearing as it goes on: residuals by iteration, from the node's own API. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import { moment } from "../shown/format.ts";
import { Card, Figures, Notice, Table } from "../shown/parts.tsx";
import { progressIn, type Progress } from "./answers.ts";

const Series = lazy(() => import("../shown/Series.tsx"));

/** Iterations that are kept and drawn. */
const KEPT = 600;
/** A browser gives up for good what answers no events, as a proxy does whose node is away. */
const AGAIN_MS = 3_000;
const STAGES: Readonly<Record<string, string>> = { over: "nothing under way" };

function useIterations(address: string | undefined) {
  const [events, setEvents] = useState<readonly Progress[]>([]);
  const [state, setState] = useState<"none" | "waiting" | "open" | "away">(address === undefined ? "none" : "waiting");
  useEffect(() => {
    if (address === undefined) return undefined;
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const open = (): void => {
      source = new EventSource(`${address}/session/iterations`);
      source.addEventListener("open", () => setState("open"));
      source.addEventListener("error", () => {
        setState("away");
        if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
      });
      source.addEventListener("session", ({ data }) => {
        const event = progressIn(data as string);
        if (event === undefined) return;
        setEvents((last) => {
          const same = last.at(-1)?.ordinal === event.ordinal && last.at(-1)?.attempt === event.attempt;
          return same ? [...last.slice(-KEPT), event] : [event];
        });
      });
    };
    open();
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [address]);
  return { events, state };
}

/** Over many powers of ten, down to the smallest. */
const residual = (value: number | undefined): string => value?.toExponential(1) ?? "–";

export function Live({ view }: { view: MarketView }) {
  const { events, state } = useIterations(view.config.node);
  const last = events.at(-1);
  // The node may be behind the chain: what it tells of another session is not told of this one.
  const terms = view.seen?.session?.terms;
  const session = last !== undefined && terms?.ordinal === BigInt(last.ordinal) ? terms : undefined;
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
              value: session === undefined ? `no. ${last.ordinal}` : moment(view.config, Number(session.start)),
            },
            { label: "It is", value: last.outcome, detail: STAGES[last.stage] ?? last.stage },
            {
              label: "Iteration",
              value: last.stage === "over" ? "–" : `${last.iteration}`,
              ...(last.stage !== "over" && { detail: `attempt ${last.attempt}` }),
            },
            {
              label: "Residual, primal",
              value: residual(last.primal),
            },
            { label: "Residual, dual", value: residual(last.dual) },
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
              rows={measured.slice(-20).map((one) => [`${one.iteration}`, residual(one.primal), residual(one.dual)])}
            />
          </details>
        </>
      )}
    </Card>
  );
}
