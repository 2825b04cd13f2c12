/** What the last session came to, why, and the receipts of all. */
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import type { MarketView } from "../market.ts";
import type { Audited, Billed } from "../proof.ts";
import { beginnings, boundaries, dollars, kwh, moment, number, ofNano, shortHash } from "../shown/format.ts";
import { Card, csv, Figures, Notice, saveText, Table } from "../shown/parts.tsx";
import type { DeliveryView } from "../useDelivery.ts";
import { useProof, type Proof } from "../useProof.ts";
import type { Judged } from "./Metered.tsx";

const Plan = lazy(() => import("./Plan.tsx"));
const Metered = lazy(() => import("./Metered.tsx"));

const Series = lazy(() => import("../shown/Series.tsx"));

export function Bills({ view, id, delivery }: { view: MarketView; id: number; delivery: DeliveryView }) {
  const proven = useProof(view, delivery.kind === "found" ? delivery.delivered.entries.length : 0);
  const { proof, audited } = proven;
  const [bills, setBills] = useState<readonly Billed[]>();
  const [at, setAt] = useState(0);
  const [broken, setBroken] = useState<string>();
  useEffect(() => {
    let ended = false;
    if (proof && audited)
      proof.billsOf(view.config, audited, id).then(
        (found) => {
          if (ended) return;
          setBills(found);
          setBroken(undefined);
        },
        (error: Error) => void (ended || setBroken(`Your bills cannot be read: ${error.message.slice(0, 200)}`)),
      );
    return () => void (ended = true);
  }, [proof, audited, view.config, id]);
  const fault = proven.fault ?? broken;
  if (fault !== undefined && bills === undefined)
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
      {fault !== undefined && <Notice kind="bad">{fault}</Notice>}
      <Day view={view} billed={shown} verdict={proof.verdictText(shown.session.verdict)} />
      {delivery.kind === "found" && (
        <Suspense fallback={<Notice kind="busy">Reading what was metered…</Notice>}>
          <Metered
            view={view}
            billed={shown}
            id={id}
            delivered={delivery.delivered}
            verdict={entryVerdict(proof, audited, shown)}
          />
        </Suspense>
      )}
      <Receipts
        view={view}
        delivery={delivery}
        bills={bills}
        id={id}
        verdictOf={(one) => proof.verdictText(one.session.verdict)}
        show={setAt}
        shown={bills.indexOf(shown)}
      />
    </>
  );
}

/** Of the newest entry that was judged. */
function entryVerdict(proof: Proof, audited: Audited | undefined, { session }: Billed): Judged | undefined {
  const found = audited?.entries.findLast(({ sequence }) => sequence === session.sequence);
  return (
    found && { number: found.number, valid: found.verdict.kind === "valid", says: proof.verdictText(found.verdict) }
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
        <Suspense fallback={null}>
          <Plan key={session.batch} view={view} session={session} />
        </Suspense>
      </div>
      <Why billed={billed} view={view} />
      <Periods view={view} billed={billed} />
    </Card>
  );
}

/** Periods in a row for the same reason: what a kWh of net energy cost in them, part by part. */
function Why({ billed, view }: { billed: Billed; view: MarketView }) {
  const { plain, bill, scenario, session } = billed;
  const proof = useProofCode();
  if (plain === undefined || scenario === undefined || proof === undefined) return null;
  const terms = session.terms!;
  const times = boundaries(view.config, terms);
  const spans: { from: number; to: number; why: keyof Proof["WHY_TEXTS"] }[] = [];
  plain.periods.forEach(({ why }, t) => {
    const last = spans.at(-1);
    const same = last?.why === why && proof.netWh(bill.periods[last.from]) > 0 === proof.netWh(bill.periods[t]) > 0;
    if (last !== undefined && same) last.to = t;
    else spans.push({ from: t, to: t, why });
  });
  const { tariff, carbon } = scenario;
  const margin = (t: number) => ({ buy: tariff.buyPerMwh[t], allowance: carbon.gridTPerMwh[t] * carbon.deskBuyPerT });
  const rows = spans.map(({ from, to, why }) => {
    const parts = proof.priceParts(bill.periods.slice(from, to + 1), margin);
    const shown = (value: number | undefined): string => (value === undefined ? "–" : number(value, 4));
    return [
      `${times[from]}–${times[to + 1]}`,
      ...PRICE_PARTS.map(([part]) => shown(parts?.[part])),
      proof.WHY_TEXTS[why],
    ];
  });
  return (
    <>
      <Table
        caption="Why this price: $ for a kWh that you drew, net; of what you fed in, what you got"
        heads={["Time", ...PRICE_PARTS.map(([, name]) => name), "Why"]}
        rows={rows}
        words={[6]}
      />
      <p className="note">
        CO₂: what the energy cost beyond the utility's price, as far as an allowance for the utility's CO₂ is worth it.
        Network: limits that are reached; below zero where you relieve one. Risk: answers to forecast errors, bought
        less sold. The four add up to your bill of the period.
      </p>
    </>
  );
}

const PRICE_PARTS = [
  ["all", "All"],
  ["energy", "Energy"],
  ["carbon", "CO₂"],
  ["network", "Network"],
  ["risk", "Risk"],
] as const;

/** Loaded already where there is a bill. */
function useProofCode(): Proof | undefined {
  const [proof, setProof] = useState<Proof>();
  useEffect(() => void import("../proof.ts").then(setProof), []);
  return proof;
}

function Periods({ view, billed }: { view: MarketView; billed: Billed }) {
  const { bill, plain, scenario, session } = billed;
  const terms = session.terms!;
  const names = useMemo(() => beginnings(view.config, terms), [terms, view.config]);
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
  // Allowances are counted over the session: without them the periods do not add up to the bill.
  const inPeriods = bill.periods.reduce((sum, { paidNano }) => sum + paidNano, 0n);
  rows.push([
    "Whole session: allowances",
    ...["", "", "", ""],
    number(ofNano(bill.paidNano - inPeriods), 4),
    plain === undefined ? "–" : number(plain.allowancesDollars, 4),
  ]);
  const sum = (of: (one: (typeof bill.periods)[number]) => number): string =>
    number(bill.periods.reduce((all, one) => all + of(one), 0) / 1e3, 3);
  const foot = [
    "All",
    sum((one) => one.boughtWh + one.fromUtilityWh),
    sum((one) => one.soldWh + one.toUtilityWh),
    ...["", ""],
    number(ofNano(bill.paidNano), 4),
    plain === undefined ? "–" : number(plain.dollars, 4),
  ];
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
          foot={foot}
        />
      </details>
    </>
  );
}

/** What is paid at the meter has the sign of a bill: paid above zero. */
const meteredText = (movedNano: bigint | undefined): string =>
  movedNano === undefined ? "not yet" : dollars(ofNano(-movedNano));

type MeteredCells = { readonly kind: string; readonly movedNano: bigint; readonly transaction: string } | undefined;
const meteredCells = (metered: MeteredCells): (string | number)[] =>
  metered === undefined ? ["", "", ""] : [metered.kind, ofNano(-metered.movedNano), metered.transaction];

function Receipts(props: {
  view: MarketView;
  bills: readonly Billed[];
  id: number;
  delivery: DeliveryView;
  verdictOf: (one: Billed) => string;
  show: (at: number) => void;
  shown: number;
}) {
  const { view, bills, id, delivery, verdictOf, show, shown } = props;
  const metered = ({ session }: Billed) => {
    if (delivery.kind !== "found") return undefined;
    const { code, entries } = delivery.delivered;
    const own = entries.filter(({ sequence }) => sequence === session.sequence);
    const found = code.ownDelivery(own, id);
    return found && { ...found, transaction: own.at(-1)!.transaction };
  };
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
          "metered",
          "metered_usd",
          "metered_transaction",
        ],
        ...bills.map((one) => [
          new Date(1000 * Number(one.session.terms!.start)).toISOString(),
          one.session.batch,
          one.session.transaction,
          energy(one, "bought"),
          energy(one, "sold"),
          ...[...PARTS.map(([part]) => part), "paidNano" as const].map((part) => ofNano(one.bill[part])),
          verdictOf(one),
          ...meteredCells(metered(one)),
        ]),
      ]),
    );
  return (
    <Card title="Receipts" wide>
      <Table
        caption="Sessions that you took part in"
        heads={["Session", "Bought", "Sold", "Paid", "At the meter", "Verdict", "Batch"]}
        words={[5, 6]}
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
          meteredText(metered(one)?.movedNano),
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
