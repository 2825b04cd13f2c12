/** Energy: prices, sources and uses, trades. */
import * as Plot from "@observablehq/plot";
import type { Day } from "../day.ts";
import type { HourPrice } from "../derive.ts";
import {
  ENERGY_KINDS,
  betweenProsumers,
  busPrices,
  energyBalance,
  hourPrices,
  posted,
  range,
  total,
  type EnergyKind,
} from "../derive.ts";
import { inWords, type Labelled } from "../labels.ts";
import { beginOf, periodName } from "../periods.ts";
import type { Frame } from "../plot.ts";
import { periodAxis, periodLine, powerChart, spreads, svg } from "../plot.ts";
import { tint, type Meaning } from "../theme.ts";
import { inUnit, withUnit } from "../units.ts";

export const KIND_MEANINGS: Readonly<Record<EnergyKind, Meaning>> = {
  wind: "wind",
  PV: "pv",
  generators: "generator",
  battery: "battery",
  vehicles: "vehicle",
  "heat pumps": "heatPump",
  utility: "utility",
  load: "load",
};

/** Who feeds and who draws, period by period; both halves are equally high. */
export function balanceChart({ clearing, scenario, units: { power } }: Day, frame: Frame): string {
  const rows = energyBalance(clearing, scenario).map(({ mw, ...row }) => ({ ...row, value: mw }));
  const kinds = ENERGY_KINDS.filter((kind) => rows.some((row) => row.kind === kind));
  const label = "fed in (above) and drawn (below)";
  const meanings = kinds.map((kind) => KIND_MEANINGS[kind]);
  return powerChart({ scenario, power }, rows, { kinds, meanings, label }, frame, {
    title: "Source and use of energy by period",
    says: `Kinds: ${kinds.join(", ")}.`,
  });
}

export type PriceRow = {
  readonly hour: number;
  /** What the utility asks and pays, $/MWh. */
  readonly buy: number;
  readonly sell: number;
  /** What the allowances for a MWh from the utility cost whoever needs them most, $/MWh. */
  readonly allowance: number;
  readonly traded: HourPrice | undefined;
};

/**
 * Every period's posted price beside what the same MWh would cost from the utility: its tariff and the allowance for
 * its emissions.
 */
export function priceRows({ clearing, scenario }: Day): PriceRow[] {
  const { tariff, carbon, hours } = scenario;
  const prices = hourPrices(betweenProsumers(posted(clearing, "energy")), hours);
  const mu = clearing.settings.carbon ? Math.max(0, ...clearing.prosumers.map((one) => one.carbon.priceMu)) : 0;
  return range(hours).map((hour) => ({
    hour,
    buy: tariff.buyPerMwh[hour],
    sell: tariff.sellPerMwh[hour],
    allowance: mu * carbon.gridTPerMwh[hour],
    traded: prices[hour],
  }));
}

/**
 * Mean and spread of the traded prices between what the utility asks and what it pays, and what that leaves at the
 * buses.
 */
export function energyPriceChart(day: Day, frame: Frame): string {
  const { clearing, scenario, units } = day;
  const { price } = units;
  const rows = priceRows(day);
  const traded = rows.flatMap(({ hour, traded: one }) => (one === undefined ? [] : [{ hour, ...one }]));
  const line = (values: readonly number[], dash: string): Plot.Markish =>
    periodLine(
      values.map((value) => price.factor * value),
      scenario,
      { stroke: tint("utility"), strokeDasharray: dash, strokeWidth: 1.6 },
    );
  const means = traded.map(({ mean }) => mean);
  const { periodHours: length } = scenario;
  type Bus = { hour: number; low: number; high: number };
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: price.name, grid: true, nice: true, zero: true },
      marks: [
        Plot.ruleY([0], { stroke: "var(--quiet)", strokeOpacity: 0.6 }),
        line(
          rows.map(({ buy }) => buy),
          "5 4",
        ),
        line(
          rows.map(({ sell }) => sell),
          "5 4",
        ),
        ...(rows.some(({ allowance }) => allowance > 0)
          ? [
              line(
                rows.map(({ buy, allowance }) => buy + allowance),
                "1.5 3",
              ),
            ]
          : []),
        ...spreads(traded, scenario, tint("energy"), price),
        Plot.rect(busPrices(clearing), {
          x1: (d: Bus) => beginOf(scenario, d.hour) + 0.38 * length,
          x2: (d: Bus) => beginOf(scenario, d.hour) + 0.62 * length,
          y1: (d: Bus) => price.factor * d.low,
          y2: (d: Bus) => price.factor * d.high,
          fill: tint("network"),
          fillOpacity: 0.6,
          title: (d: Bus) =>
            `${periodName(scenario, d.hour)}: at the buses ${withUnit(price, d.low)} to ${withUnit(price, d.high)}`,
        }),
      ],
    },
    {
      title: "Energy prices by period",
      says:
        means.length === 0
          ? inWords(scenario, "Nothing is traded between prosumers; the utility's tariff alone is drawn.")
          : `Mean traded price from ${inUnit(price, Math.min(...means))} to ${withUnit(price, Math.max(...means))}, beside the utility's tariff.`,
    },
  );
}

export const tradeKinds = (scenario: Labelled): readonly [string, string] => [
  inWords(scenario, "between prosumers"),
  "with the utility",
];
export const TRADE_MEANINGS: readonly Meaning[] = ["energy", "utility"];

/** Posted energy: what the utility buys is below zero. */
export function tradeChart({ clearing, scenario, units: { power } }: Day, frame: Frame): string {
  const trades = posted(clearing, "energy");
  const sum = (hour: number, keep: (trade: (typeof trades)[number]) => boolean): number =>
    total(trades.filter((trade) => trade.hour === hour && keep(trade)).map(({ mw }) => mw));
  const kinds = tradeKinds(scenario);
  const [peers, utility] = kinds;
  const rows = range(scenario.hours).flatMap((hour) => [
    { hour, kind: peers, value: sum(hour, (trade) => betweenProsumers([trade]).length > 0) },
    { hour, kind: utility, value: sum(hour, ({ seller }) => seller === "utility") },
    { hour, kind: utility, value: -sum(hour, ({ buyer }) => buyer === "utility") },
  ]);
  const label = "bought (above), sold to the utility (below)";
  return powerChart({ scenario, power }, rows, { kinds, meanings: TRADE_MEANINGS, label }, frame, {
    title: "Energy traded by period",
    says: inWords(scenario, "What prosumers trade with one another and with the utility, as settled."),
  });
}
