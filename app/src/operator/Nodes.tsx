/** Whether every node that this host names answers, and sees the chain. */
import { useEffect, useState } from "react";
import type { MarketView } from "../market.ts";
import { called } from "../shown/format.ts";
import { Card, Table } from "../shown/parts.tsx";
import { healthIn, type Health } from "./answers.ts";

export function Nodes({ view }: { view: MarketView }) {
  const { config, tick } = view;
  const [health, setHealth] = useState<ReadonlyMap<number, Health>>(new Map());
  useEffect(() => {
    let ended = false;
    for (const { id, url } of config.nodes)
      void fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) })
        .then(async (response) => healthIn(await response.json()))
        .catch((): Health => ({ status: "does not answer" }))
        .then((found) => {
          if (!ended) setHealth((all) => new Map([...all, [id, found]]));
        });
    return () => void (ended = true);
  }, [config.nodes, tick]);
  if (config.nodes.length === 0) return null;
  return (
    <Card title="Nodes" wide>
      <Table
        caption="Nodes that this host names"
        heads={["Node", "State", "Block seen", "Journal entries"]}
        words={[1]}
        rows={config.nodes.map(({ id }) => {
          const one = health.get(id);
          const ok = one?.status === "ok";
          return [
            called(config, id),
            {
              key: "state",
              shown: (
                <span className={`state ${ok ? "passed" : one === undefined ? "not-reached" : "failed"}`}>
                  {one === undefined ? "asking…" : ok ? "✓ ok" : `✗ ${one.status}`}
                </span>
              ),
            },
            `${one?.block ?? "–"}`,
            `${one?.journal ?? "–"}`,
          ];
        })}
      />
    </Card>
  );
}
