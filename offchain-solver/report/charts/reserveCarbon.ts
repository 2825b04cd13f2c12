/** Reserve and carbon: what is held, what is emitted, and their prices. */
import * as Plot from "@observablehq/plot";
import type { ClearingJson } from "../../records/clearingJson.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { hourPrices, range, total } from "../derive.ts";
import { colour, hourAxis, hourBars, hourLine, nameAxis, spreads, svg } from "../plot.ts";

export const RESERVE_KINDS = ["from other prosumers", "from the utility"] as const;
export const RESERVE_TINTS = [2, 5];

/** Reserve that is traded (own shares are not) and what the devices have booked each way. */
export function reserveChart(clearing: ClearingJson, scenario: Scenario): string {
  const { hours } = scenario;
  const at = (trades: readonly { readonly hour: number; readonly mw: number }[], t: number): number =>
    total(trades.filter(({ hour }) => hour === t).map(({ mw }) => mw));
  const booked = (key: "reserveUpMw" | "reserveDownMw"): number[] =>
    range(hours).map((t) => total(clearing.prosumers.map(({ schedule }) => schedule[key][t])));
  const rows = range(hours).flatMap((hour) => [
    { hour, kind: RESERVE_KINDS[0], mw: at(clearing.trades.reserve, hour) },
    { hour, kind: RESERVE_KINDS[1], mw: at(clearing.utilityReserve, hour) },
  ]);
  return svg({
    ariaLabel: "Reserve by hour",
    x: hourAxis(hours),
    y: { label: "MW", grid: true },
    color: { domain: [...RESERVE_KINDS], range: RESERVE_TINTS.map(colour) },
    marks: [
      hourBars(rows, RESERVE_KINDS),
      hourLine(booked("reserveUpMw"), { stroke: "var(--ink)", strokeWidth: 1.6 }),
      hourLine(booked("reserveDownMw"), { stroke: "var(--ink)", strokeWidth: 1.6, strokeDasharray: "4 3" }),
      Plot.ruleY([0]),
    ],
  });
}

export function reservePriceChart(clearing: ClearingJson, scenario: Scenario): string {
  const { hours, tariff } = scenario;
  const traded = hourPrices(clearing.trades.reserve, hours).flatMap((price, hour) =>
    price === undefined ? [] : [{ hour, ...price }],
  );
  const utility = tariff.reserveUpPerMw + tariff.reserveDownPerMw;
  return svg({
    ariaLabel: "Reserve price by hour",
    x: hourAxis(hours),
    y: { label: "$/MW", grid: true, zero: true, nice: true },
    marks: [
      Plot.ruleY([utility], { stroke: colour(5), strokeDasharray: "5 4", strokeWidth: 1.5 }),
      ...spreads(traded, colour(2), "$/MW"),
      Plot.ruleY([0]),
    ],
  });
}

export const CARBON_KINDS = ["emitted", "free allowance"] as const;
export const CARBON_TINTS = [4, 2];

/** Emissions against the free allowance; the gap is traded, bought from or sold to the desk. */
export function carbonChart(clearing: ClearingJson): string {
  const rows = clearing.prosumers.flatMap(({ bus, carbon }, i) => [
    { bus: `${bus}`, at: i - 0.4, kind: CARBON_KINDS[0], kg: 1000 * carbon.emissionsT },
    { bus: `${bus}`, at: i, kind: CARBON_KINDS[1], kg: 1000 * carbon.allowanceT },
  ]);
  const names = clearing.prosumers.map(({ bus }) => `${bus}`);
  const every = Math.ceil(names.length / 17);
  return svg({
    ariaLabel: "Emissions and allowances by prosumer",
    x: {
      label: "prosumer at bus",
      labelAnchor: "center",
      labelArrow: "none",
      domain: [-0.6, names.length - 0.4],
      ticks: range(names.length).filter((k) => k % every === 0),
      tickFormat: (k: number) => names[k],
      tickSize: 0,
    },
    y: { label: "kg CO₂ over the session", grid: true },
    color: { domain: [...CARBON_KINDS], range: CARBON_TINTS.map(colour) },
    marks: [
      Plot.rect(rows, {
        x1: "at",
        x2: (d: { at: number }) => d.at + 0.38,
        y1: 0,
        y2: "kg",
        fill: "kind",
        title: (d: { bus: string; kind: string; kg: number }) => `bus ${d.bus}, ${d.kind}: ${d.kg.toFixed(1)} kg`,
      }),
      Plot.ruleY([0]),
    ],
  });
}

type Result = ClearingJson["prosumers"][number];

export function allowancePriceChart({ prosumers }: ClearingJson, scenario: Scenario): string {
  const { deskBuyPerT, deskSellPerT } = scenario.carbon;
  const axis = nameAxis(
    "prosumer at bus",
    prosumers.map(({ bus }) => `${bus}`),
    17,
  );
  return svg({
    ariaLabel: "Marginal carbon price by prosumer",
    x: { ...axis, type: "point" },
    y: { label: "$/t", grid: true, domain: [deskSellPerT - 1, deskBuyPerT + 1] },
    marks: [
      Plot.ruleY([deskBuyPerT, deskSellPerT], { stroke: colour(5), strokeDasharray: "5 4", strokeWidth: 1.5 }),
      Plot.dot(prosumers, {
        x: (d: Result) => `${d.bus}`,
        y: (d: Result) => d.carbon.priceMu,
        fill: colour(4),
        r: prosumers.length > 30 ? 2.5 : 5,
        title: (d: Result) => `bus ${d.bus}: ${d.carbon.priceMu.toFixed(3)} $/t`,
      }),
    ],
  });
}
