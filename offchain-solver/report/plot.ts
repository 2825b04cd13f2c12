/** Observable Plot without a browser: a chart is a string of SVG. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Kinds of the day's energy, money and methods: the palette in theme.ts, from 0. */
export const colour = (index: number): string => `var(--c${(index % 8) + 1})`;

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Room for labels of 12 px; Plot's own defaults are for 10 px. */
const DEFAULTS: Plot.PlotOptions = {
  width: 560,
  height: 260,
  marginLeft: 56,
  marginRight: 16,
  marginTop: 28,
  marginBottom: 40,
  style: { fontFamily: FONT, fontSize: "12px", background: "none" },
};

export function svg(options: Plot.PlotOptions): string {
  // The project is checked without browser types; Plot's own type of a document is enough.
  const window = parseHTML("<!doctype html><html><body></body></html>") as unknown as Plot.PlotOptions;
  const node = Plot.plot({ ...DEFAULTS, ...options, document: window.document });
  node.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  if (options.ariaLabel !== undefined) node.setAttribute("role", "img");
  return node.outerHTML;
}

/** Hours 0..n as a continuous axis, a period being the stretch between two of them. */
export function hourAxis(hours: number): Plot.ScaleOptions {
  const step = hours <= 12 ? 1 : hours <= 24 ? 3 : 6;
  return {
    label: "hour of the session",
    labelAnchor: "center",
    labelArrow: "none",
    domain: [0, hours],
    ticks: Array.from({ length: Math.floor(hours / step) + 1 }, (_, k) => k * step),
    tickFormat: (t: number) => `${t}`,
  };
}

/** Names along an axis, every so many left out where there are more than fit. */
export function nameAxis(label: string, names: readonly string[], fit: number): Plot.ScaleOptions {
  const every = Math.ceil(names.length / fit);
  return {
    label,
    labelAnchor: "center",
    labelArrow: "none",
    domain: [...names],
    tickSize: 0,
    tickFormat: (name: string, k: number) => (k % every === 0 ? name : ""),
  };
}

export type HourBar = { readonly hour: number; readonly kind: string; readonly mw: number };

/** Stacked bars by hour: what is above and below zero stacks apart. */
export function hourBars(rows: readonly HourBar[], kinds: readonly string[]): Plot.Markish {
  return Plot.rectY(rows, {
    x1: (d: HourBar) => d.hour + 0.06,
    x2: (d: HourBar) => d.hour + 0.94,
    y: "mw",
    fill: "kind",
    order: [...kinds],
    title: (d: HourBar) => `hour ${d.hour}, ${d.kind}: ${d.mw.toFixed(3)} MW`,
  });
}

/** A step line through the hours; it needs the end of the last one too. */
export function hourLine(values: readonly number[], options: Plot.LineOptions): Plot.Markish {
  const rows = values.map((value, hour) => ({ hour, value }));
  const last = rows.at(-1);
  if (last !== undefined) rows.push({ hour: last.hour + 1, value: last.value });
  return Plot.line(rows, { x: "hour", y: "value", curve: "step-after", strokeWidth: 2, ...options });
}

export type HourSpread = { readonly hour: number; readonly low: number; readonly mean: number; readonly high: number };

/** A band from the lowest to the highest price of an hour, with the mean as a bar. */
export function spreads(rows: readonly HourSpread[], tint: string, unit: string): Plot.Markish[] {
  const hours = { x1: "hour", x2: (d: HourSpread) => d.hour + 1 };
  return [
    Plot.rect(rows, {
      ...hours,
      y1: "low",
      y2: "high",
      fill: tint,
      fillOpacity: 0.25,
      title: (d: HourSpread) =>
        `hour ${d.hour}: ${d.low.toFixed(2)} to ${d.high.toFixed(2)}, mean ${d.mean.toFixed(2)} ${unit}`,
    }),
    Plot.ruleY(rows, { ...hours, y: "mean", stroke: tint, strokeWidth: 3 }),
  ];
}
