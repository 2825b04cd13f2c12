/** Energy: prices, sources and uses, trades. */
import * as Plot from "@observablehq/plot";
import type { ClearingJson } from "../../records/clearingJson.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { ENERGY_KINDS, busPrices, energyBalance, hourPrices, range, total } from "../derive.ts";
import { colour, hourAxis, hourBars, hourLine, nameAxis, spreads, svg } from "../plot.ts";

export const ENERGY_TINTS = [2, 1, 3, 5, 0];

/** Who feeds and who draws, hour by hour; both halves are equally high. */
export function balanceChart(clearing: ClearingJson, scenario: Scenario, size: Plot.PlotOptions = {}): string {
  return svg({
    ariaLabel: "Energy by source and use, by hour",
    ...size,
    x: hourAxis(scenario.hours),
    y: { label: "MW fed in (above) and drawn (below)", grid: true },
    color: { domain: [...ENERGY_KINDS], range: ENERGY_TINTS.map(colour) },
    marks: [hourBars(energyBalance(clearing, scenario), ENERGY_KINDS), Plot.ruleY([0])],
  });
}

/** Mean and spread of the traded prices between what the utility asks and what it pays, and what that leaves at the buses. */
export function energyPriceChart(clearing: ClearingJson, scenario: Scenario, size: Plot.PlotOptions = {}): string {
  const { hours, tariff } = scenario;
  const traded = hourPrices(clearing.trades.energy, hours).flatMap((price, hour) =>
    price === undefined ? [] : [{ hour, ...price }],
  );
  return svg({
    ariaLabel: "Energy prices by hour",
    width: 1140,
    height: 280,
    ...size,
    x: hourAxis(hours),
    y: { label: "$/MWh", grid: true, nice: true, zero: true },
    marks: [
      Plot.ruleY([0], { stroke: "var(--quiet)", strokeOpacity: 0.6 }),
      hourLine(tariff.buyPerMwh.slice(0, hours), { stroke: colour(5), strokeDasharray: "5 4", strokeWidth: 1.5 }),
      hourLine(tariff.sellPerMwh.slice(0, hours), { stroke: colour(5), strokeDasharray: "5 4", strokeWidth: 1.5 }),
      ...spreads(traded, colour(0), "$/MWh"),
      Plot.rect(busPrices(clearing), {
        x1: (d: { hour: number }) => d.hour + 0.38,
        x2: (d: { hour: number }) => d.hour + 0.62,
        y1: "low",
        y2: "high",
        fill: colour(1),
        fillOpacity: 0.6,
        title: (d: { hour: number; low: number; high: number }) =>
          `hour ${d.hour}: at the buses ${d.low.toFixed(2)} to ${d.high.toFixed(2)} $/MWh`,
      }),
    ],
  });
}

export const TRADE_KINDS = ["between prosumers", "from the utility", "to the utility"] as const;
export const TRADE_TINTS = [0, 5, 1];

export function tradeChart(clearing: ClearingJson, scenario: Scenario): string {
  const { hours } = scenario;
  const peers = hourPrices(clearing.trades.energy, hours).map((price) => price?.mw ?? 0);
  const sum = (key: "importMw" | "exportMw", t: number): number =>
    total(clearing.prosumers.map(({ schedule }) => schedule[key][t]));
  const rows = range(hours).flatMap((hour) => [
    { hour, kind: TRADE_KINDS[0], mw: peers[hour] },
    { hour, kind: TRADE_KINDS[1], mw: sum("importMw", hour) },
    { hour, kind: TRADE_KINDS[2], mw: -sum("exportMw", hour) },
  ]);
  return svg({
    ariaLabel: "Energy traded by hour",
    x: hourAxis(hours),
    y: { label: "MW bought (above) and exported (below)", grid: true },
    color: { domain: [...TRADE_KINDS], range: TRADE_TINTS.map(colour) },
    marks: [hourBars(rows, TRADE_KINDS), Plot.ruleY([0])],
  });
}

type Cell = { readonly seller: string; readonly buyer: string; readonly mwh: number };

/** MWh over the horizon from every seller (row) to every buyer (column), by bus. */
export function tradeMatrix(clearing: ClearingJson, scenario: Scenario): string {
  const busOf = new Map(scenario.prosumers.map(({ id, bus }) => [id, `${bus}`]));
  const sums = new Map<string, Map<string, number>>();
  for (const { seller, buyer, mw } of clearing.trades.energy) {
    const row = sums.get(busOf.get(seller)!) ?? new Map<string, number>();
    row.set(busOf.get(buyer)!, (row.get(busOf.get(buyer)!) ?? 0) + mw * scenario.periodHours);
    sums.set(busOf.get(seller)!, row);
  }
  const cells: Cell[] = [...sums].flatMap(([seller, row]) => [...row].map(([buyer, mwh]) => ({ seller, buyer, mwh })));
  const most = Math.max(...cells.map(({ mwh }) => mwh), 1e-9);
  const names = scenario.prosumers.map(({ bus }) => `${bus}`);
  const few = names.length <= 20;
  const text = Plot.text(
    cells.filter(({ mwh }) => mwh >= 0.005),
    {
      x: "buyer",
      y: "seller",
      text: (d: Cell) => d.mwh.toFixed(2).replace(/^0/, ""),
      fontSize: 10,
      fill: (d: Cell) => (d.mwh > 0.6 * most ? "var(--card)" : "var(--ink)"),
    },
  );
  return svg({
    ariaLabel: "Energy from seller to buyer over the session",
    height: few ? 64 + names.length * 19 : 540,
    marginLeft: 48,
    marginTop: 44,
    marginBottom: 8,
    x: { ...nameAxis("buyer (bus)", names, 18), axis: "top" },
    y: { ...nameAxis("seller (bus)", names, 40) },
    marks: [
      Plot.cell(
        names.flatMap((seller) => names.map((buyer) => ({ seller, buyer }))),
        { x: "buyer", y: "seller", fill: "var(--line)", fillOpacity: few ? 0.35 : 0, inset: 1 },
      ),
      Plot.cell(cells, {
        x: "buyer",
        y: "seller",
        fill: colour(0),
        // Plot takes numbers between 0 and 1 as opacities as they are.
        fillOpacity: (d: Cell) => 0.06 + 0.94 * (few ? d.mwh / most : Math.sqrt(d.mwh / most)),
        inset: few ? 1 : 0,
        title: (d: Cell) => `bus ${d.seller} to bus ${d.buyer}: ${d.mwh.toFixed(3)} MWh`,
      }),
      ...(few ? [text] : []),
    ],
  });
}
