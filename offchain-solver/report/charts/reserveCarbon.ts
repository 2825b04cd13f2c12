/** Reserve and carbon: what is held, what is emitted, and their prices. */
import * as Plot from "@observablehq/plot";
import type { Day } from "../day.ts";
import { betweenProsumers, byBus, hourPrices, posted, range, total } from "../derive.ts";
import type { Frame } from "../plot.ts";
import { nameAxis, periodAxis, periodBars, periodLine, plotWidth, someOf, spreads, svg } from "../plot.ts";
import { currencyOf, inWords, type Labelled, nameOfAxis, shortNames, spoken } from "../labels.ts";
import { tint, type Meaning } from "../theme.ts";
import { withUnit } from "../units.ts";

export const reserveKinds = (scenario: Labelled): readonly [string, string] => [
  inWords(scenario, "from other prosumers"),
  "from the utility",
];
export const RESERVE_MEANINGS: readonly Meaning[] = ["reserve", "utility"];

/** Reserve that is bought (own shares are not) and what the devices have booked each way. */
export function reserveChart({ clearing, scenario, units: { power } }: Day, frame: Frame): string {
  const kinds = reserveKinds(scenario);
  const { hours } = scenario;
  const trades = posted(clearing, "reserve");
  const rows = range(hours).flatMap((hour) => {
    const now = trades.filter((trade) => trade.hour === hour);
    const all = total(now.map(({ mw }) => mw));
    const peers = total(betweenProsumers(now).map(({ mw }) => mw));
    return [
      { hour, kind: kinds[0], value: peers },
      { hour, kind: kinds[1], value: all - peers },
    ];
  });
  const booked = (key: "reserveUpMw" | "reserveDownMw"): number[] =>
    range(hours).map((t) => power.factor * total(clearing.prosumers.map(({ schedule }) => schedule[key][t])));
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: power.name, grid: true },
      color: { domain: [...kinds], range: RESERVE_MEANINGS.map(tint) },
      marks: [
        periodBars(
          rows.filter(({ value }) => value > 1e-12),
          kinds,
          scenario,
          power,
        ),
        periodLine(booked("reserveUpMw"), scenario, { stroke: "var(--ink)", strokeWidth: 1.6 }),
        periodLine(booked("reserveDownMw"), scenario, {
          stroke: "var(--ink)",
          strokeWidth: 1.6,
          strokeDasharray: "4 3",
        }),
        Plot.ruleY([0]),
      ],
    },
    {
      title: "Reserve by period",
      says: inWords(
        scenario,
        "Bars: bought from other prosumers and from the utility; lines: booked in devices, up and down.",
      ),
    },
  );
}

export function reservePriceChart({ clearing, scenario, units: { reservePrice } }: Day, frame: Frame): string {
  const { hours, tariff } = scenario;
  const traded = hourPrices(betweenProsumers(posted(clearing, "reserve")), hours).flatMap((price, hour) =>
    price === undefined ? [] : [{ hour, ...price }],
  );
  const utility = reservePrice.factor * (tariff.reserveUpPerMw + tariff.reserveDownPerMw);
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: `${reservePrice.name} for one hour`, grid: true, zero: true, nice: true },
      marks: [
        Plot.ruleY([utility], { stroke: tint("utility"), strokeDasharray: "5 4", strokeWidth: 1.6 }),
        ...spreads(traded, scenario, tint("reserve"), reservePrice),
        Plot.ruleY([0]),
      ],
    },
    {
      title: "Reserve price by period",
      says: inWords(scenario, `${traded.length} of ${hours} periods have reserve traded between prosumers.`),
    },
  );
}

export const CARBON_KINDS = ["emitted", "free allowance"] as const;
export const CARBON_MEANINGS: readonly Meaning[] = ["carbon", "allowance"];

/** Emissions against the free allowance; the gap is traded, bought from or sold to the desk. */
export function carbonChart({ clearing, scenario, units: { mass } }: Day, frame: Frame): string {
  const kinds = clearing.settings.carbon ? CARBON_KINDS : ([CARBON_KINDS[0]] as const);
  const prosumers = byBus(clearing.prosumers);
  const names = [...shortNames(scenario, clearing.prosumers).values()];
  const width = 0.8 / kinds.length;
  const rows = prosumers.flatMap(({ carbon }, i) =>
    kinds.map((kind, k) => ({
      name: names[i],
      at: i - 0.4 + k * width,
      kind,
      t: k === 0 ? carbon.emissionsT : carbon.allowanceT,
    })),
  );
  type Row = (typeof rows)[number];
  return svg(
    {
      ...frame,
      x: {
        label: nameOfAxis(scenario, "prosumer"),
        labelAnchor: "center",
        labelArrow: "none",
        domain: [-0.6, names.length - 0.4],
        ticks: someOf(names.length, plotWidth(frame) / 28),
        tickFormat: (k: number) => names[k],
        tickSize: 0,
      },
      y: { label: `${mass.name} CO₂ over the session`, grid: true },
      color: { domain: [...kinds], range: CARBON_MEANINGS.slice(0, kinds.length).map(tint) },
      marks: [
        Plot.rect(rows, {
          x1: "at",
          x2: (d: Row) => d.at + width,
          y1: 0,
          y2: (d: Row) => mass.factor * d.t,
          fill: "kind",
          title: (d: Row) => `${spoken(scenario, d.name)}, ${d.kind}: ${withUnit(mass, d.t)}`,
        }),
        Plot.ruleY([0]),
      ],
    },
    {
      title: inWords(scenario, "Emissions by prosumer"),
      says: inWords(scenario, `${kinds.join(" and ")} of ${names.length} prosumers.`),
    },
  );
}

type Result = Day["clearing"]["prosumers"][number];

export function allowancePriceChart({ clearing, scenario }: Day, frame: Frame): string {
  const { deskBuyPerT, deskSellPerT } = scenario.carbon;
  const nameOf = shortNames(scenario, clearing.prosumers);
  const prices = clearing.prosumers.map(({ carbon }) => carbon.priceMu);
  const [low, high] = [Math.min(deskSellPerT, ...prices), Math.max(deskBuyPerT, ...prices)];
  const room = Math.max(0.2, 0.1 * (high - low));
  return svg(
    {
      ...frame,
      x: { ...nameAxis(nameOfAxis(scenario, "prosumer"), [...nameOf.values()], plotWidth(frame) / 28), type: "point" },
      y: { label: `${currencyOf(scenario).whole}/t`, grid: true, domain: [low - room, high + room] },
      marks: [
        Plot.ruleY([deskBuyPerT, deskSellPerT], {
          stroke: tint("utility"),
          strokeDasharray: "5 4",
          strokeWidth: 1.6,
        }),
        Plot.dot(clearing.prosumers, {
          x: (d: Result) => nameOf.get(d.id),
          y: (d: Result) => d.carbon.priceMu,
          fill: tint("carbon"),
          r: prices.length > 30 || frame.phone ? 2.5 : 5,
          title: (d: Result) =>
            `${spoken(scenario, nameOf.get(d.id)!)}: ${d.carbon.priceMu.toFixed(3)} ${currencyOf(scenario).whole}/t`,
        }),
      ],
    },
    {
      title: inWords(scenario, "Marginal carbon price by prosumer"),
      says: `From ${Math.min(...prices).toFixed(2)} to ${Math.max(...prices).toFixed(2)} ${currencyOf(scenario).whole}/t; the desk sells at ${deskBuyPerT} and buys at ${deskSellPerT}.`,
    },
  );
}
