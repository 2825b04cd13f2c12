/** What was entered for a session after its end, each account's money reckoned again from the readings. */
import { useMemo } from "react";
import type { MarketView } from "../market.ts";
import type { Audited, AuditedSession } from "../proof.ts";
import { called, kwh, number, ofNano, shortHash } from "../shown/format.ts";
import { Card, Notice, Table, type Cell } from "../shown/parts.tsx";
import type { Delivered } from "../useDelivery.ts";
import type { Proof } from "../useProof.ts";

type Props = { view: MarketView; delivered: Delivered; session: AuditedSession; proof: Proof; audited: Audited };

export function Entries({ view, delivered, session, proof, audited }: Props) {
  const verdictOf = (number: number): Cell => {
    const found = audited.entries.find((one) => one.sequence === session.sequence && one.number === number);
    if (found === undefined) return "not yet";
    const shown = <span className={`verdict ${found.verdict.kind}`}>{proof.verdictText(found.verdict)}</span>;
    return { key: "verdict", shown };
  };
  const { code, entries } = delivered;
  const own = useMemo(
    () => entries.filter(({ sequence }) => sequence === session.sequence),
    [entries, session.sequence],
  );
  const rows = useMemo(
    () =>
      (own.at(-1)?.read?.readings.rows ?? []).flatMap(({ id }) => {
        const found = code.ownDelivery(own, id);
        return found === undefined ? [] : [{ id, ...found }];
      }),
    [code, own],
  );
  if (own.length === 0)
    return (
      <Card title="After the meters" wide>
        <Notice kind="info">Nothing has been metered of this session yet.</Notice>
      </Card>
    );
  const sum = [...own.at(-1)!.moved.values()].reduce((all, { nano }) => all + nano, 0n);
  const total = (of: (periods: (typeof rows)[number]["periods"][number]) => number, k: number): string =>
    kwh(rows[k].periods.reduce((all, one) => all + of(one), 0));
  return (
    <Card
      title="After the meters"
      wide
      note="Readings are the transaction's own data and hash to what the quorum signed; charges are reckoned again here."
    >
      <Table
        caption="Entries"
        heads={["Entry", "Kind", "Readings", "Verdict", "Block", "Transaction"]}
        words={[1, 2, 3, 5]}
        rows={own.map((one) => [
          `${one.entry}`,
          one.kind,
          one.read === undefined ? "✗ cannot be read" : `✓ ${shortHash(one.committed.readings)}`,
          verdictOf(one.entry),
          `${one.block}`,
          { key: "transaction", shown: <code>{shortHash(one.transaction)}</code> },
        ])}
      />
      <Table
        caption={`Members at the meter; what moved adds up to ${number(ofNano(sum), 9)} $`}
        heads={["Member", "Promised", "Delivered", "Received, $", "Bound or unpaid, $", "CO₂, kg"]}
        rows={rows.map((one, k) => [
          called(view.config, one.id),
          total(({ promisedWh, calledWh }) => promisedWh + calledWh, k),
          total(({ meteredWh }) => meteredWh ?? 0, k),
          number(ofNano(one.movedNano), 4),
          one.parts.boundNano === 0n ? "none" : number(ofNano(one.parts.boundNano), 4),
          number(one.emissionsG / 1e3, 3),
        ])}
      />
    </Card>
  );
}
