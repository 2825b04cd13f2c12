/** Who keeps power ready for whose forecast errors, zone by zone. */
import { lazy, Suspense, useMemo } from "react";
import type { MarketView } from "../market.ts";
import type { Posted, SettledFeeder } from "../proof.ts";
import { beginnings, number } from "../shown/format.ts";
import { Card, Notice, Table } from "../shown/parts.tsx";

const Series = lazy(() => import("../shown/Series.tsx"));

type Props = { view: MarketView; session: Posted; feeder: SettledFeeder };

/** Lines that can be told apart; the table has all of them. */
const DRAWN = 6;

export default function Reserve({ view, session, feeder }: Props) {
  const { periods, zones } = feeder;
  const terms = session.terms!;
  const names = useMemo(() => beginnings(view.config, terms), [view.config, terms]);
  const lines = useMemo(
    () =>
      zones.slice(0, DRAWN).map(({ name }, zone) => ({
        label: name,
        colour: `c${zone + 1}`,
        values: periods.map(({ reserveKw }) => reserveKw[zone]),
      })),
    [zones, periods],
  );
  const most = (of: (period: (typeof periods)[number]) => number): string =>
    number(
      periods.reduce((all, one) => Math.max(all, of(one)), 0),
      2,
    );
  return (
    <Card
      title="Reserve by zone"
      wide
      note="A zone is a branch of the feeder at its root. Who sells reserve answers forecast errors, its own zone's or another's; the utility answers the rest."
    >
      <div className="two">
        <Suspense fallback={<Notice kind="busy">Drawing…</Notice>}>
          <Series label="Kept ready by members" unit="kW" names={names} lines={lines} />
        </Suspense>
        <Table
          caption="Zones, the most in any period"
          heads={["Zone", "Buses", "Members", "Kept ready, kW", "Errors that may come, kW"]}
          rows={zones.map(({ name, buses, members }, zone) => [
            name,
            `${buses}`,
            `${members.length}`,
            most(({ reserveKw }) => reserveKw[zone]),
            most(({ errorKw }) => errorKw[zone]),
          ])}
        />
      </div>
      <details>
        <summary>Every period as a table</summary>
        <Table
          caption="Reserve kept ready, kW"
          heads={["From", ...zones.map(({ name }) => name)]}
          rows={periods.map(({ reserveKw }, t) => [names[t], ...reserveKw.map((kw) => number(kw, 2))])}
        />
      </details>
    </Card>
  );
}
