/** The feeder of a settled session, the clearing under way, and how the nodes are. */
import { lazy, Suspense, useEffect, useState } from "react";
import type { MarketView } from "../market.ts";
import type { AuditedSession, SettledFeeder } from "../proof.ts";
import { boundaries, called, moment, number } from "../shown/format.ts";
import { Card, Notice, Table } from "../shown/parts.tsx";
import { useProof } from "../useProof.ts";
import { Live } from "./Live.tsx";
import { Nodes } from "./Nodes.tsx";

const Reserve = lazy(() => import("./Reserve.tsx"));
const Feeder = lazy(() => import("./Feeder.tsx"));

export default function Operator({ view }: { view: MarketView }) {
  const { proof, audited, fault } = useProof(view);
  const [batch, setBatch] = useState<string>();
  const sessions = audited?.sessions.filter(({ payload }) => payload !== undefined) ?? [];
  const session = sessions.find((one) => one.batch === batch) ?? sessions.at(-1);
  const feeder = useFeeder(view, proof, session);
  return (
    <div className="grid">
      <Live view={view} />
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      {fault === undefined && audited === undefined && <Notice kind="busy">Reading the settled sessions…</Notice>}
      {audited !== undefined && session === undefined && (
        <Card title="Feeder" wide>
          <Notice kind="info">No session has settled yet: there is nothing to draw.</Notice>
        </Card>
      )}
      {session !== undefined && sessions.length > 1 && (
        <p className="who">
          <label>
            Session{" "}
            <select value={session.batch} onChange={({ target }) => setBatch(target.value)}>
              {[...sessions].reverse().map((one) => (
                <option key={one.batch} value={one.batch}>
                  {moment(view.config, Number(one.terms?.start ?? 0))}
                </option>
              ))}
            </select>
          </label>
        </p>
      )}
      {session !== undefined && feeder === "missing" && (
        <Card title="Feeder" wide>
          <Notice kind="bad">The witness of this session is nowhere to be had: the feeder cannot be drawn.</Notice>
        </Card>
      )}
      {session !== undefined && typeof feeder === "object" && (
        <>
          <Suspense fallback={<Notice kind="busy">Drawing the feeder…</Notice>}>
            <Feeder key={session.batch} view={view} session={session} feeder={feeder} />
          </Suspense>
          <Binding view={view} session={session} feeder={feeder} />
          <Suspense fallback={null}>
            <Reserve view={view} session={session} feeder={feeder} />
          </Suspense>
        </>
      )}
      <Nodes view={view} />
    </div>
  );
}

function useFeeder(view: MarketView, proof: ReturnType<typeof useProof>["proof"], session: AuditedSession | undefined) {
  const [feeder, setFeeder] = useState<{ batch: string; found: SettledFeeder | "missing" }>();
  useEffect(() => {
    let ended = false;
    if (proof !== undefined && session !== undefined)
      proof.feederOf(view.config, session).then(
        (found) => void (ended || setFeeder({ batch: session.batch, found: found ?? "missing" })),
        () => void (ended || setFeeder({ batch: session.batch, found: "missing" })),
      );
    return () => void (ended = true);
  }, [view.config, proof, session]);
  return feeder?.batch === session?.batch ? feeder?.found : undefined;
}

function Binding({ view, session, feeder }: { view: MarketView; session: AuditedSession; feeder: SettledFeeder }) {
  const terms = session.terms!;
  const times = boundaries(view.config, terms);
  const rows = feeder.binding.map(({ period, kind, name, price, behind }) => [
    `${times[period]}–${times[period + 1]}`,
    name,
    kind === "voltage" ? `${number(price, 4)} $/h for 0.01 p.u.` : `${number(price, 4)} $/h for 1 MVA`,
    behind.map(({ id, part }) => `${called(view.config, id)} ${number(100 * part, 0)} %`).join(", "),
  ]);
  return (
    <Card
      title="Limits that bind"
      wide
      note="What a little more room would be worth, and whose injections press on it most. Room for forecast errors counts as used."
    >
      {rows.length === 0 ? (
        <Notice kind="good">No limit of the network binds in this session.</Notice>
      ) : (
        <Table
          caption="Binding limits"
          heads={["Time", "Limit", "Shadow price", "Behind it"]}
          rows={rows}
          words={[1, 3]}
        />
      )}
    </Card>
  );
}
