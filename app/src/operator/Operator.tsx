/** The feeder of a settled session, the clearing under way, and how the nodes are. */
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import type { MarketView } from "../market.ts";
import type { AuditedSession, Posted, SettledFeeder } from "../proof.ts";
import { boundaries, called, moment, number } from "../shown/format.ts";
import { Guard } from "../shown/Guard.tsx";
import { Card, Notice, Table } from "../shown/parts.tsx";
import { useProof, type Proof, type Proven } from "../useProof.ts";
import { Live } from "./Live.tsx";
import { Nodes } from "./Nodes.tsx";

const Reserve = lazy(() => import("./Reserve.tsx"));
// Asked for with this view, not once there is something to draw.
const drawing = import("./Feeder.tsx");
const Feeder = lazy(() => drawing);

export default function Operator({ view }: { view: MarketView }) {
  const [idle, setIdle] = useState(false);
  const { proof, audited, fault } = useProof(view, 0, !idle);
  const newest = useNewest(view, proof);
  const [batch, setBatch] = useState<string>();
  const sessions = audited?.sessions.filter(({ payload }) => payload !== undefined) ?? [];
  const judged = sessions.find((one) => one.batch === batch) ?? sessions.at(-1);
  const session: Posted | undefined = audited === undefined && newest !== "none" ? newest : judged;
  const feeder = useFeeder(view, proof, session);
  const drawn = useCallback((): void => {
    // Once it is painted: judging takes this browser's thread for a second or two.
    requestAnimationFrame(() => setTimeout(() => setIdle(true)));
  }, []);
  const nothing = newest === "none" || feeder === "missing";
  useEffect(() => {
    if (nothing) setIdle(true);
  }, [nothing]);
  return (
    <div className="grid">
      <Guard>
        <Live view={view} />
      </Guard>
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      {fault === undefined && audited === undefined && session === undefined && (
        <Notice kind="busy">Reading the settled sessions…</Notice>
      )}
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
          <Judged proof={proof} session={judged?.batch === session.batch ? judged : undefined} fault={fault} />
          <Suspense fallback={<Notice kind="busy">Drawing the feeder…</Notice>}>
            <Guard key={session.batch}>
              <Feeder view={view} session={session} feeder={feeder} drawn={drawn} />
            </Guard>
          </Suspense>
          <Binding view={view} session={session} feeder={feeder} />
          <Suspense fallback={null}>
            <Guard key={session.batch}>
              <Reserve view={view} session={session} feeder={feeder} />
            </Guard>
          </Suspense>
        </>
      )}
      <Guard>
        <Nodes view={view} />
      </Guard>
    </div>
  );
}

/** What this browser finds of the session that is drawn. */
function Judged({ proof, session, fault }: Pick<Proven, "proof" | "fault"> & { session: AuditedSession | undefined }) {
  if (session === undefined || proof === undefined)
    return fault === undefined ? (
      <Notice kind="busy">
        Drawn from the published proof, whose hash is on the chain. This browser is checking what it says…
      </Notice>
    ) : null;
  const { verdict } = session;
  return (
    <Notice kind={verdict.kind === "valid" ? "good" : verdict.kind === "invalid" ? "bad" : "info"}>
      Checked in this browser: {proof.verdictText(verdict)}.
    </Notice>
  );
}

/** The newest settled session, before anybody has judged it; undefined: not known yet. */
function useNewest(view: MarketView, proof: Proof | undefined): Posted | "none" | undefined {
  const [newest, setNewest] = useState<Posted | "none">();
  const { settled } = view.seen ?? {};
  const seen = view.seen !== undefined;
  const batch = settled?.outcome.kind === "settled" ? settled.outcome.batch : undefined;
  useEffect(() => {
    let ended = false;
    if (proof !== undefined && seen)
      proof.newestOf(view).then(
        (found) => void (ended || setNewest(found ?? "none")),
        // The audit asks the same chain, and says what is wrong with it.
        () => void (ended || setNewest("none")),
      );
    return () => void (ended = true);
    // Every look at the chain makes another view; what settled last is the same until another has.
  }, [proof, seen, batch]);
  return newest;
}

function useFeeder({ config }: MarketView, proof: Proof | undefined, session: Posted | undefined) {
  const [feeder, setFeeder] = useState<{ batch: string; found: SettledFeeder | "missing" }>();
  const batch = session?.batch;
  useEffect(() => {
    let ended = false;
    if (proof !== undefined && session !== undefined)
      proof.feederOf(config, session).then(
        (found) => void (ended || setFeeder({ batch: session.batch, found: found ?? "missing" })),
        () => void (ended || setFeeder({ batch: session.batch, found: "missing" })),
      );
    return () => void (ended = true);
    // The same session once it is judged is drawn already.
  }, [config, proof, batch]);
  return feeder?.batch === batch ? feeder?.found : undefined;
}

function Binding({ view, session, feeder }: { view: MarketView; session: Posted; feeder: SettledFeeder }) {
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
