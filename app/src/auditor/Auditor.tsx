/** Every settled session with its verdict, judged in this browser; one of them in full. */
import { useEffect, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import type { Audited, AuditedSession } from "../proof.ts";
import { called, moment, shortHash } from "../shown/format.ts";
import { Card, csv, Figures, Notice, saveText, Table } from "../shown/parts.tsx";
import { useDelivery } from "../useDelivery.ts";
import { useProof, type Proof } from "../useProof.ts";
import { Carbon } from "./Carbon.tsx";
import { Entries } from "./Entries.tsx";
import { checksOf, follows } from "./checks.ts";

export default function Auditor({ view }: { view: MarketView }) {
  const delivery = useDelivery(view);
  const delivered = delivery.kind === "found" ? delivery.delivered : undefined;
  const { proof, audited, fault } = useProof(view, delivered?.entries.length);
  const [asked, setAsked] = useState("");
  const [open, setOpen] = useState<string>();
  const found = useMemo(
    () => (proof && audited ? searched(proof, audited, view, asked) : []),
    [proof, audited, view, asked],
  );
  if (fault !== undefined) return <Notice kind="bad">{fault}</Notice>;
  if (proof === undefined || audited === undefined)
    return <Notice kind="busy">Reading the chain and judging every session in this browser…</Notice>;
  const { standing, sessions, head, voided } = audited;
  const valid = sessions.filter(({ verdict }) => verdict.kind === "valid").length;
  const shown = sessions.find(({ batch }) => batch === open);
  return (
    <div className="grid">
      <Card
        title="The market"
        wide
        note="Nothing that a server says is believed: payloads come from the chain, bundles must hash to what was signed, and every rule runs again here."
      >
        <Figures
          all={[
            { label: "Sessions settled", value: `${sessions.length}` },
            { label: "Valid", value: `${valid}`, kind: valid === sessions.length ? "good" : "bad" },
            { label: "Came to nothing", value: `${voided.length}`, detail: "cancelled, or not settled in time" },
            {
              label: "Market as a whole",
              value: standing.kind,
              kind: standing.kind === "valid" ? "good" : "bad",
              detail: standing.kind === "valid" ? "code, ledger and counters" : proof.verdictText(standing),
            },
            { label: "Read up to block", value: `${head}` },
          ]}
        />
        <p className="hash">
          Released code of the market: <code>{proof.RELEASE.market.hash}</code>
        </p>
        <div className="actions">
          <button onClick={() => saveText("audit.html", proof.documentsOf(view.config, audited).html, "text/html")}>
            Save the report
          </button>
          <button
            onClick={() => saveText("audit.json", proof.documentsOf(view.config, audited).json, "application/json")}
          >
            Save audit.json
          </button>
        </div>
      </Card>
      <Card title="Sessions" wide>
        <div className="search">
          <label htmlFor="asked">Search by wallet, member, batch or credit</label>
          <input
            id="asked"
            type="search"
            value={asked}
            autoComplete="off"
            placeholder="0x…, a name or a number"
            onChange={({ target }) => setAsked(target.value)}
          />
          <button onClick={() => saveText("sessions.csv", sessionsCsv(proof, found))} disabled={found.length === 0}>
            Save as CSV
          </button>
        </div>
        {found.length === 0 ? (
          <Notice kind="info">
            {sessions.length === 0 ? "No session has settled yet." : "No session has anybody of that name in it."}
          </Notice>
        ) : (
          <Table
            caption="Settled sessions, newest first"
            heads={["Session", "Verdict", "Regrets, $", "Allowed, $", "Block", "Batch"]}
            words={[1, 5]}
            rows={found.map((one) => [
              {
                key: one.batch,
                shown: (
                  <button
                    className="link"
                    aria-expanded={open === one.batch}
                    onClick={() => setOpen(open === one.batch ? undefined : one.batch)}
                  >
                    {one.terms ? moment(view.config, Number(one.terms.start)) : `no. ${one.sequence}`}
                  </button>
                ),
              },
              { key: "verdict", shown: <Verdict session={one} proof={proof} /> },
              one.certificate?.regrets.toExponential(1) ?? "–",
              one.certificate?.allowed.toExponential(1) ?? "–",
              `${one.block}`,
              { key: "batch", shown: <code>{shortHash(one.batch)}</code> },
            ])}
          />
        )}
        {voided.length > 0 && (
          <Table
            caption="Came to nothing: nobody paid or got anything for them"
            heads={["Session", "Frozen as no."]}
            rows={[...voided]
              .reverse()
              .map(({ terms }) => [moment(view.config, Number(terms.start)), `${terms.ordinal}`])}
          />
        )}
      </Card>
      {shown !== undefined && (
        <>
          <Session key={shown.batch} view={view} proof={proof} audited={audited} session={shown} />
          {delivered !== undefined && (
            <Entries view={view} delivered={delivered} session={shown} proof={proof} audited={audited} />
          )}
        </>
      )}
      {delivery.kind === "fault" && <Notice kind="bad">{delivery.says}</Notice>}
      {delivered !== undefined && <Carbon view={view} delivered={delivered} asked={asked.trim()} />}
    </div>
  );
}

function Verdict({ session, proof }: { session: AuditedSession; proof: Proof }) {
  return <span className={`verdict ${session.verdict.kind}`}>{proof.verdictText(session.verdict)}</span>;
}

/** Newest first; by an account's wallet, number or name, or by a batch. */
function searched(
  proof: Proof,
  { sessions, wallets }: Audited,
  { config }: MarketView,
  asked: string,
): AuditedSession[] {
  const newest = [...sessions].reverse();
  const text = asked.trim().toLowerCase();
  if (text === "") return newest;
  const ids = [...wallets]
    .filter(
      ([id, wallet]) =>
        wallet.toLowerCase() === text || `${id}` === text || called(config, id).toLowerCase().includes(text),
    )
    .map(([id]) => id);
  return newest.filter((one) => one.batch === text || proof.membersOf(one).some((id) => ids.includes(id)));
}

const sessionsCsv = (proof: Proof, sessions: readonly AuditedSession[]): string =>
  csv([
    ["sequence", "start_utc", "verdict", "regrets_usd", "allowed_usd", "block", "transaction", "batch"],
    ...sessions.map((one) => [
      `${one.sequence}`,
      one.terms ? new Date(1000 * Number(one.terms.start)).toISOString() : "",
      proof.verdictText(one.verdict),
      one.certificate?.regrets ?? "",
      one.certificate?.allowed ?? "",
      one.block,
      one.transaction,
      one.batch,
    ]),
  ]);

const SIGNS = { passed: "✓", failed: "✗", "not reached": "–", undecided: "?" } as const;

function Session({
  view,
  proof,
  audited,
  session,
}: {
  view: MarketView;
  proof: Proof;
  audited: Audited;
  session: AuditedSession;
}) {
  const { terms } = session;
  const signers = useSigners(view, proof, session);
  const at = audited.sessions.indexOf(session);
  const chained = follows(audited.sessions, at);
  const checks = checksOf(audited, session);
  return (
    <>
      <Card
        title={terms ? `Session of ${moment(view.config, Number(terms.start))}` : `Batch number ${session.sequence}`}
        wide
      >
        <p>
          <Verdict session={session} proof={proof} />
        </p>
        <Table
          caption="Every check, in the order of the audit"
          heads={["Check", "State", "Holds"]}
          words={[1, 2]}
          rows={checks.map(({ name, says, state, detail }) => [
            name,
            {
              key: "state",
              shown: (
                <span className={`state ${state.replace(" ", "-")}`}>
                  <span aria-hidden="true">{SIGNS[state]}</span> {state}
                </span>
              ),
            },
            detail === "" ? says : `${says}. ${detail}`,
          ])}
        />
      </Card>
      <Card title="Proof" wide>
        <dl className="facts">
          <dt>Batch</dt>
          <dd>
            <code>{session.batch}</code>
          </dd>
          <dt>Before it</dt>
          <dd>
            <code>{terms?.previousBatch ?? "–"}</code>{" "}
            {!chained ? "✗ not the batch before" : at === 0 ? "✓ the first of all" : "✓ the batch before"}
          </dd>
          <dt>Terms</dt>
          <dd>
            <code>{terms?.termsHash ?? "–"}</code>
          </dd>
          <dt>Witness</dt>
          <dd>
            <code>{session.bundleHash ?? "–"}</code>
          </dd>
          <dt>Grid model</dt>
          <dd>
            <code>{terms?.gridModel ?? "–"}</code>
          </dd>
          <dt>Transaction</dt>
          <dd>
            <code>{session.transaction}</code>
          </dd>
        </dl>
        {signers === "fault" ? (
          <Notice kind="bad">Who signed cannot be read now: open the session again later.</Notice>
        ) : signers === undefined ? (
          <Notice kind="busy">Reading who signed…</Notice>
        ) : (
          <Table
            caption={`Signed by ${signers.filter(({ signed }) => signed).length} of ${signers.length}; ${signers.quorum} are a quorum`}
            heads={["Member", "Node key", "Signed"]}
            words={[1, 2]}
            rows={signers.map(({ name, key, signed }) => [
              name,
              { key: "key", shown: <code>{key}</code> },
              signed ? "✓ yes" : "no",
            ])}
          />
        )}
      </Card>
    </>
  );
}

type Signers = readonly { readonly name: string; readonly key: string; readonly signed: boolean }[] & {
  readonly quorum: number;
};

function useSigners(
  { config, deployment, provider }: MarketView,
  proof: Proof,
  session: AuditedSession,
): Signers | "fault" | undefined {
  const [signers, setSigners] = useState<Signers | "fault">();
  useEffect(() => {
    let ended = false;
    proof.signersOf(deployment, provider, session).then(
      ({ members, quorum }) => {
        const rows = members.map(({ id, key, signed }) => ({
          name: id === undefined ? "–" : called(config, id),
          key,
          signed,
        }));
        if (!ended) setSigners(Object.assign(rows, { quorum }));
      },
      () => void (ended || setSigners("fault")),
    );
    return () => void (ended = true);
  }, [config, deployment, provider, proof, session]);
  return signers;
}
