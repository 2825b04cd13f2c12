/** Bills, convergence, and the linear network model against AC. */
import * as Plot from "@observablehq/plot";
import type { ClearingJson } from "../../records/clearingJson.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { bills, loadings, range } from "../derive.ts";
import { colour, hourAxis, hourLine, nameAxis, svg } from "../plot.ts";

const limits = (at: readonly number[]): Plot.Markish =>
  Plot.ruleY(at, { stroke: "var(--bad)", strokeDasharray: "2 3", strokeWidth: 1.5 });

/** Zero residuals have no place on a log scale and are left out. */
export function residualChart({ residuals }: ClearingJson): string {
  const rows = residuals.flatMap(({ primal, dual }, k) => [
    { k: k + 1, value: primal, kind: "primal" },
    { k: k + 1, value: dual, kind: "dual" },
  ]);
  const values = rows.map(({ value }) => value).filter((value) => value > 0);
  const [low, high] = [Math.min(1, ...values), Math.max(1, ...values)];
  return svg({
    ariaLabel: "Residuals by iteration",
    marginLeft: 64,
    x: { label: "iteration", labelAnchor: "center", labelArrow: "none" },
    y: {
      type: "log",
      label: "residual / tolerance",
      grid: true,
      ticks: range(20)
        .map((k) => 10 ** (k - 8))
        .filter((tick) => tick >= low && tick <= high),
      tickFormat: (tick: number) => (tick >= 0.01 && tick < 1000 ? `${tick}` : tick.toExponential(0).replace("+", "")),
    },
    color: { domain: ["primal", "dual"], range: [0, 1].map(colour) },
    marks: [
      limits([1]),
      Plot.line(
        rows.filter(({ value }) => value > 0),
        { x: "k", y: "value", stroke: "kind", strokeWidth: 1.8 },
      ),
    ],
  });
}

export const BILL_KINDS = ["energy", "reserve", "carbon", "network", "device cost"] as const;
export const BILL_TINTS = [0, 2, 4, 1, 5];

export function billChart(clearing: ClearingJson): string {
  const all = bills(clearing);
  const rows = all.flatMap((bill) =>
    BILL_KINDS.map((kind) => ({
      bus: `${bill.bus}`,
      kind,
      dollars: kind === "device cost" ? bill.deviceCost : bill[kind],
    })),
  );
  return svg({
    ariaLabel: "Bill of every prosumer",
    width: 1140,
    height: 300,
    x: {
      ...nameAxis(
        "prosumer at bus",
        all.map(({ bus }) => `${bus}`),
        30,
      ),
      padding: 0.25,
    },
    y: { label: "$ over the session: pays (above), is paid (below)", grid: true, nice: true },
    color: { domain: [...BILL_KINDS], range: BILL_TINTS.map(colour) },
    marks: [
      Plot.barY(rows, {
        x: "bus",
        y: "dollars",
        fill: "kind",
        order: [...BILL_KINDS],
        title: (d: (typeof rows)[number]) => `bus ${d.bus}, ${d.kind}: ${d.dollars.toFixed(2)} $`,
      }),
      Plot.ruleY([0]),
      Plot.dot(all, {
        x: (d: { bus: number }) => `${d.bus}`,
        y: "total",
        fill: "var(--card)",
        stroke: "var(--ink)",
        strokeWidth: 2,
        r: all.length > 30 ? 3 : 4.5,
        title: (d: { bus: number; total: number }) => `bus ${d.bus}, total: ${d.total.toFixed(2)} $`,
      }),
    ],
  });
}

/** The linear model the market is cleared on, then the full AC sweep of the same point, dashed over it. */
const models = (linear: readonly number[], ac: readonly number[]): Plot.Markish[] => [
  hourLine(linear, { stroke: colour(0) }),
  hourLine(ac, { stroke: colour(1), strokeDasharray: "5 3" }),
];

export function acVoltageChart({ network: { voltage, ac } }: ClearingJson, { hours, feeder }: Scenario): string {
  const low = Math.min(...feeder.buses.map(({ vMinPu }) => vMinPu));
  const high = Math.max(...feeder.buses.map(({ vMaxPu }) => vMaxPu));
  const lowest = voltage.map((row) => Math.min(...row));
  const highest = voltage.map((row) => Math.max(...row));
  return svg({
    ariaLabel: "Lowest and highest voltage by hour, linear model and AC",
    x: hourAxis(hours),
    y: {
      label: "p.u.",
      grid: true,
      domain: [Math.min(low, ...ac.minVoltage) - 0.01, Math.max(high, ...ac.maxVoltage) + 0.01],
    },
    marks: [limits([low, high]), ...models(lowest, ac.minVoltage), ...models(highest, ac.maxVoltage)],
  });
}

export function acLoadingChart(clearing: ClearingJson, { hours, feeder }: Scenario): string {
  const linear = loadings(clearing.network, feeder).map((row) => 100 * Math.max(0, ...row));
  const ac = clearing.network.ac.maxLoading.map((loading) => 100 * loading);
  return svg({
    ariaLabel: "Highest loading by hour, linear model and AC",
    x: hourAxis(hours),
    y: { label: "% of rating", grid: true, zero: true, nice: true },
    marks: [limits([100]), ...models(linear, ac), Plot.ruleY([0])],
  });
}
