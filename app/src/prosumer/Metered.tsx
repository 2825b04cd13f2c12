/** What became of a session at the owner's meter: promised beside metered, and what that costs. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { OwnDelivery } from "../delivery.ts";
import type { MarketView } from "../market.ts";
import type { Billed } from "../proof.ts";
import { beginnings, dollars, kwh, number, ofNano, shortHash } from "../shown/format.ts";
import { Card, Figures, Notice, Table, type Figure } from "../shown/parts.tsx";
import type { Delivered } from "../useDelivery.ts";

const Series = lazy(() => import("../shown/Series.tsx"));

/** What this browser found of a session's entry of that number. */
export type Judged = { readonly number: number; readonly valid: boolean; readonly says: string };

type Props = { view: MarketView; billed: Billed; id: number; delivered: Delivered; verdict: Judged | undefined };

const KINDS: Readonly<Record<OwnDelivery["kind"], readonly [string, string]>> = {
  provisional: ["provisional", "values may still come"],
  final: ["final", "what was held is free"],
  correction: ["corrected", "a later entry replaced an earlier one"],
};

/** Received, so that the sum is what the account gained. */
const PARTS = [
  ["shortNano", "Less delivered, or more drawn, than promised"],
  ["longNano", "More delivered, or less drawn, than promised"],
  ["responsesNano", "Energy of reserve that was called"],
  ["penaltyNano", "Reserve that was called and not delivered"],
  ["allowancesNano", "Allowances bought for CO₂ that nothing covered"],
  ["boundNano", "Beyond the bound of your connection, or what others could not pay"],
] as const;

export default function Metered({ view, billed, id, delivered, verdict }: Props) {
  const { sequence } = billed.session;
  const { code, entries } = delivered;
  const own = useMemo(() => entries.filter((one) => one.sequence === sequence), [entries, sequence]);
  const found = useMemo(() => code.ownDelivery(own, id), [code, own, id]);
  const most = useMostCharge(view, delivered, billed, id);
  const bound = most !== undefined && most > 0 && (
    <p className="note">
      Whatever is said of your meter, a session like this can take at most {dollars(most)}, the bound of the connection
      that you signed, and never more than your deposit.
    </p>
  );
  if (found === undefined)
    return (
      <Card title="At the meter" wide>
        <Notice kind="info">
          {own.length === 0
            ? "Nothing has been metered of this session yet. Readings come an hour after its end at the earliest."
            : "The readings of this session were entered in a way that this page cannot read."}
        </Notice>
        {bound}
      </Card>
    );
  const [kind, says] = KINDS[found.kind];
  const sum = (of: (one: OwnDelivery["periods"][number]) => number): number =>
    found.periods.reduce((all, one) => all + of(one), 0);
  const moved = ofNano(found.movedNano);
  return (
    <Card title="At the meter" wide note="What you promised, what the meter measured, and what the difference costs.">
      <Figures
        all={[
          { label: "Readings", value: kind, detail: says },
          { label: "Promised, net", value: kwh(sum(({ promisedWh, calledWh }) => promisedWh + calledWh)) },
          { label: "Delivered, net", value: kwh(sum(({ meteredWh }) => meteredWh ?? 0)), detail: "fed in less drawn" },
          {
            label: moved < 0 ? "You pay" : "You are paid",
            value: dollars(Math.abs(moved)),
            detail: "for the difference",
          },
          {
            label: "CO₂ emitted",
            value: `${number(found.emissionsG / 1e3, 3)} kg`,
            detail: `${number(found.surrenderedG / 1e3, 3)} kg surrendered, ${number(found.boughtG / 1e3, 3)} kg bought`,
          },
          verdictFigure(verdict?.number === own.at(-1)?.entry ? verdict : undefined),
          { label: "Set free", value: dollars(Number(found.releasedMilli) / 1e3), detail: "held since settlement" },
        ]}
      />
      <div className="two">
        <Table
          caption="Bill of the meter by part"
          heads={["Part", "Received, $"]}
          rows={PARTS.map(([part, name]) => [name, number(ofNano(found.parts[part]), 4)])}
          foot={["All", number(moved, 4)]}
        />
        <div>
          <Drawn view={view} billed={billed} found={found} />
          {bound}
          <p className="note">
            Entry {own.length} of {own.length}, transaction <code>{shortHash(own.at(-1)!.transaction)}</code>
          </p>
        </div>
      </div>
      <Periods view={view} billed={billed} found={found} />
    </Card>
  );
}

/** The readings are the newest ones; an older entry's verdict says nothing of them. */
const verdictFigure = (verdict: Judged | undefined): Figure =>
  verdict === undefined
    ? { label: "Readings judged here", value: "not yet" }
    : {
        label: "Readings judged here",
        value: verdict.says.split(/[:,]/)[0],
        ...(!verdict.valid && { detail: verdict.says }),
        kind: verdict.valid ? "good" : "bad",
      };

type Shown = { view: MarketView; billed: Billed; found: OwnDelivery };

const useNames = (view: MarketView, { session }: Billed): readonly string[] =>
  useMemo(() => beginnings(view.config, session.terms!), [view.config, session]);

function Drawn({ view, billed, found }: Shown) {
  const names = useNames(view, billed);
  const lines = useMemo(
    () => [
      {
        label: "delivered",
        colour: "energy",
        kind: "bars" as const,
        values: found.periods.map(({ meteredWh }) => (meteredWh === undefined ? null : meteredWh / 1e3)),
      },
      {
        label: "promised",
        colour: "ink",
        values: found.periods.map(({ promisedWh, calledWh }) => (promisedWh + calledWh) / 1e3),
      },
    ],
    [found],
  );
  return (
    <Suspense fallback={<Notice kind="busy">Drawing…</Notice>}>
      <Series
        label="Delivered against promised"
        unit="kWh a period, fed in (+) or drawn (−)"
        names={names}
        lines={lines}
      />
    </Suspense>
  );
}

function Periods({ view, billed, found }: Shown) {
  const names = useNames(view, billed);
  return (
    <details>
      <summary>Every period at the meter as a table</summary>
      <Table
        caption="Promised and delivered by period"
        heads={["From", "Promised, kWh", "Called, kWh", "Delivered, kWh", "Renewable, kWh", "Value", "Received, $"]}
        words={[5]}
        rows={found.periods.map((one, t) => [
          names[t],
          number(one.promisedWh / 1e3, 3),
          number(one.calledWh / 1e3, 3),
          one.meteredWh === undefined ? "–" : number(one.meteredWh / 1e3, 3),
          number(one.renewableWh / 1e3, 3),
          one.quality,
          number(ofNano(one.nano), 4),
        ])}
      />
    </details>
  );
}

/** The contract's own figure, $; undefined while it is asked for. */
function useMostCharge({ provider }: MarketView, { code, deployment }: Delivered, { session }: Billed, id: number) {
  const [most, setMost] = useState<number>();
  const { periodSeconds, periods } = session.terms!;
  useEffect(() => {
    let ended = false;
    code.mostCharge(deployment, provider, id, { periodSeconds, periods }).then(
      (nano) => void (ended || setMost(ofNano(nano))),
      () => undefined,
    );
    return () => void (ended = true);
  }, [code, deployment, provider, id, periodSeconds, periods]);
  return most;
}
