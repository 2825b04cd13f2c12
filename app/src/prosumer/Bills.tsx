/** What the last session came to, why, and the receipts of all. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import type { Billed } from "../proof.ts";
import { clock, dollars, kwh, moment, number, ofNano, shortHash } from "../shown/format.ts";
import { Card, csv, Figures, Notice, saveText, Table } from "../shown/parts.tsx";
import { useProof, type Proof } from "../useProof.ts";

const Series = lazy(() => import("../shown/Series.tsx"));

export function Bills({ view, id }: { view: MarketView; id: number }) {
  const { proof, audited, fault } = useProof(view);
  const [bills, setBills] = useState<readonly Billed[]>();
  const [at, setAt] = useState(0);
  useEffect(() => {
    let ended = false;
    if (proof && audited) void proof.billsOf(view.config, audited, id).then((found) => void (ended || setBills(found)));
    return () => void (ended = true);
  }, [proof, audited, view.config, id]);
  if (fault !== undefined)
    return (
      <Card title="Your day" wide>
        <Notice kind="bad">{fault}</Notice>
      </Card>
    );
  if (bills === undefined || proof === undefined)
    return (
      <Card title="Your day" wide>
        <Notice kind="busy">Reading what has settled, and judging it in this browser…</Notice>
      </Card>
    );
  if (bills.length === 0)
    return (
      <Card title="Your day" wide>
        <Notice kind="info">
          No session with you in it has settled yet. Your mandate takes part from the next freeze on.
        </Notice>
      </Card>
    );
  const shown = bills[Math.min(at, bills.length - 1)];
  return (
    <>
      <Day view={view} billed={shown} verdict={proof.verdictText(shown.session.verdict)} />
      <Receipts
        view={view}
        bills={bills}
        id={id}
        verdictOf={(one) => proof.verdictText(one.session.verdict)}
        show={setAt}
        shown={bills.indexOf(shown)}
      />
    </>
  );
}

const PARTS = [
  ["energyNano", "Energy, bought less sold"],
  ["reserveNano", "Reserve: answers to forecast errors"],
  ["carbonNano", "Allowances for CO₂"],
  ["networkNano", "Network, less your part of the rebate"],
] as const;

function Day({ view, billed, verdict }: { view: MarketView; billed: Billed; verdict: string }) {
  const { bill, plain, session } = billed;
  const terms = session.terms!;
  const paid = ofNano(bill.paidNano);
  const start = Number(terms.start);
  const figures = [
    { label: paid < 0 ? "You are paid" : "You pay", value: dollars(Math.abs(paid)), detail: "all parts together" },
    ...(plain === undefined
      ? []
      : [
          {
            label: "By the tariff",
            value: dollars(Math.abs(plain.dollars)),
            detail: `you would ${plain.dollars < 0 ? "be paid" : "pay"}, for the same net energy`,
          },
          {
            label: plain.dollars >= paid ? "Better off by" : "Worse off by",
            value: dollars(Math.abs(plain.dollars - paid)),
            kind: plain.dollars >= paid ? ("good" as const) : ("bad" as const),
          },
        ]),
    {
      label: "Judged here",
      value: verdict.split(",")[0].split(":")[0],
      kind: session.verdict.kind === "valid" ? ("good" as const) : ("bad" as const),
    },
  ];
  return (
    <Card
      title={`Your day: session of ${moment(view.config, start)}`}
      wide
      note={`Times by the clock of ${view.config.timeZone}.`}
    >
      <Figures all={figures} />
      <div className="two">
        <Table
          caption="Bill by part"
          heads={["Part", "$"]}
          rows={PARTS.map(([part, name]) => [name, number(ofNano(bill[part]), 4)])}
          foot={["All", number(paid, 4)]}
        />
        <Why billed={billed} view={view} />
      </div>
      <Periods view={view} billed={billed} />
    </Card>
  );
}

/** Periods in a row for the same reason. */
function Why({ billed, view }: { billed: Billed; view: MarketView }) {
  const { plain, bill, session } = billed;
  const words = useWords();
  if (plain === undefined || words === undefined) return null;
  const terms = session.terms!;
  const timeOf = (t: number): string => clock(view.config, Number(terms.start) + t * terms.periodSeconds);
  const spans: { from: number; to: number; why: keyof typeof words }[] = [];
  plain.periods.forEach(({ why }, t) => {
    const last = spans.at(-1);
    if (last?.why === why) last.to = t;
    else spans.push({ from: t, to: t, why });
  });
  const rows = spans.map(({ from, to, why }) => {
    const prices = bill.periods
      .slice(from, to + 1)
      .flatMap(({ peerPrice }) => (peerPrice === undefined ? [] : [peerPrice]));
    const mean = prices.length === 0 ? "–" : number(prices.reduce((a, b) => a + b, 0) / prices.length, 4);
    return [`${timeOf(from)}–${timeOf(to + 1)}`, mean, words[why]];
  });
  return <Table caption="Why this price" heads={["Time", "$/kWh", "Why"]} rows={rows} words={[2]} />;
}

type Words = Proof["WHY_TEXTS"];
function useWords(): Words | undefined {
  const [words, setWords] = useState<Words>();
  useEffect(() => void import("../proof.ts").then(({ WHY_TEXTS }) => setWords(WHY_TEXTS)), []);
  return words;
}

function Periods({ view, billed }: { view: MarketView; billed: Billed }) {
  const { bill, plain, scenario, session } = billed;
  const terms = session.terms!;
  const names = useMemo(
    () => bill.periods.map(({ period }) => clock(view.config, Number(terms.start) + period * terms.periodSeconds)),
    [bill, terms, view.config],
  );
  const energy = useMemo(
    () => [
      {
        label: "bought (+) or sold (−) net",
        colour: "energy",
        kind: "bars" as const,
        values: bill.periods.map((one) => (one.boughtWh + one.fromUtilityWh - one.soldWh - one.toUtilityWh) / 1e3),
      },
    ],
    [bill],
  );
  const prices = useMemo(
    () => [
      { label: "with members", colour: "energy", values: bill.periods.map(({ peerPrice }) => peerPrice ?? null) },
      ...(scenario === undefined
        ? []
        : [
            {
              label: "utility sells",
              colour: "utility",
              kind: "dashed" as const,
              values: scenario.tariff.buyPerMwh.map((price) => price / 1e3),
            },
            {
              label: "utility buys",
              colour: "utility",
              kind: "dashed" as const,
              values: scenario.tariff.sellPerMwh.map((price) => price / 1e3),
            },
          ]),
    ],
    [bill, scenario],
  );
  const rows = bill.periods.map((one, t) => [
    names[t],
    number((one.boughtWh + one.fromUtilityWh) / 1e3, 3),
    number((one.soldWh + one.toUtilityWh) / 1e3, 3),
    number(one.reserveSoldW / 1e3, 3),
    one.peerPrice === undefined ? "–" : number(one.peerPrice, 4),
    number(ofNano(one.paidNano), 4),
    plain === undefined ? "–" : number(plain.periods[t].dollars, 4),
  ]);
  return (
    <>
      <Suspense fallback={<Notice kind="busy">Drawing…</Notice>}>
        <div className="two">
          <Series label="Your energy" unit="kWh a period" names={names} lines={energy} />
          <Series label="Your price beside the tariff" unit="$/kWh" names={names} lines={prices} />
        </div>
      </Suspense>
      <details>
        <summary>Every period as a table</summary>
        <Table
          caption="Every period"
          heads={[
            "From",
            "Bought, kWh",
            "Sold, kWh",
            "Reserve sold, kW",
            "Price, $/kWh",
            "Paid, $",
            "By the tariff, $",
          ]}
          rows={rows}
        />
      </details>
    </>
  );
}

function Receipts(props: {
  view: MarketView;
  bills: readonly Billed[];
  id: number;
  verdictOf: (one: Billed) => string;
  show: (at: number) => void;
  shown: number;
}) {
  const { view, bills, id, verdictOf, show, shown } = props;
  const energy = ({ bill }: Billed, what: "bought" | "sold"): number =>
    bill.periods.reduce(
      (sum, one) => sum + (what === "bought" ? one.boughtWh + one.fromUtilityWh : one.soldWh + one.toUtilityWh),
      0,
    );
  const save = (): void =>
    saveText(
      `receipts-${id}.csv`,
      csv([
        [
          "start_utc",
          "batch",
          "transaction",
          "bought_wh",
          "sold_wh",
          "energy_usd",
          "reserve_usd",
          "carbon_usd",
          "network_usd",
          "paid_usd",
          "verdict",
        ],
        ...bills.map((one) => [
          new Date(1000 * Number(one.session.terms!.start)).toISOString(),
          one.session.batch,
          one.session.transaction,
          energy(one, "bought"),
          energy(one, "sold"),
          ...[...PARTS.map(([part]) => part), "paidNano" as const].map((part) => ofNano(one.bill[part])),
          verdictOf(one),
        ]),
      ]),
    );
  return (
    <Card title="Receipts" wide>
      <Table
        caption="Sessions that you took part in"
        heads={["Session", "Bought", "Sold", "Paid", "Verdict", "Batch"]}
        words={[4, 5]}
        current={shown}
        rows={bills.map((one, k) => [
          {
            key: one.session.batch,
            shown: (
              <button className="link" onClick={() => show(k)}>
                {moment(view.config, Number(one.session.terms!.start))}
              </button>
            ),
          },
          kwh(energy(one, "bought")),
          kwh(energy(one, "sold")),
          dollars(ofNano(one.bill.paidNano)),
          verdictOf(one),
          { key: "batch", shown: <code>{shortHash(one.session.batch)}</code> },
        ])}
      />
      <div className="actions">
        <button onClick={save}>Save as CSV</button>
      </div>
    </Card>
  );
}
