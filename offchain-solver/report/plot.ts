/** Observable Plot without a browser: a chart is a string of SVG. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Scenario } from "../market/scenario/scenario.ts";
import { escape, range } from "./derive.ts";
import { beginOf, endOf, periodName, timeAxis } from "./periods.ts";
import { tint, type Meaning } from "./theme.ts";
import type { Unit } from "./units.ts";
import { withUnit } from "./units.ts";

/** Series that have no meaning of their own: the palette in theme.ts, from 0. */
export const colour = (index: number): string => `var(--c${(index % 8) + 1})`;

/** Series that several figures show: one colour in all of them, whichever others stand beside them. */
const KNOWN: readonly (readonly [name: string, colour: string])[] = [
  ["plain, vanishing regularisation", colour(1)],
  ["plain", colour(0)],
  ["over-relaxed", colour(2)],
  ["gsa, one ratio", colour(3)],
  ["gsa, several ratios", colour(4)],
  ["anderson", colour(7)],
  ["booked by prosumers", tint("reserve")],
  ["booking", tint("reserve")],
  ["utility", tint("utility")],
  ["line", tint("network")],
  ["voltage", colour(0)],
];

/** The colour of a series by what its name begins with; by its place among the others where nothing is known of it. */
export const seriesColour = (name: string, index: number): string =>
  KNOWN.find(([known]) => name === known || name.startsWith(`${known} `))?.[1] ?? colour(index);

const FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif";

/** The room a chart is drawn for: letters keep their size, so a narrow chart is drawn anew, not shrunk. */
export type Frame = { readonly width: number; readonly height: number; readonly phone: boolean };
export const FULL: Frame = { width: 1140, height: 280, phone: false };
export const HALF: Frame = { width: 560, height: 260, phone: false };
export const PHONE: Frame = { width: 322, height: 240, phone: true };

/** Left and right of a chart's axes, px. */
const SIDES = { left: 56, right: 20 };
export const plotWidth = ({ width }: Frame): number => width - SIDES.left - SIDES.right;

/**
 * The same chart for every room there may be; the page shows the one that fits. A wide card has room for the full one.
 */
export function framed(draw: (frame: Frame) => string, wide = false): string {
  const frames = [...(wide ? ([["full", FULL]] as const) : []), ["half", HALF] as const, ["phone", PHONE] as const];
  return `<div class="frames${wide ? " three" : ""}">${frames.map(([name, frame]) => `<div class="${name}">${draw(frame)}</div>`).join("")}</div>`;
}

/** Room for labels of 12 px; Plot's own defaults are for 10 px. */
const DEFAULTS: Plot.PlotOptions = {
  width: 560,
  height: 260,
  marginLeft: SIDES.left,
  marginRight: SIDES.right,
  marginTop: 28,
  marginBottom: 40,
  style: { fontFamily: FONT, fontSize: "12px", background: "none" },
};

/** What a picture shows and what it says, for those who hear it. */
export type Words = { readonly title: string; readonly says: string };

/** A picture's name and its description as its first children. */
export const described = (svg: string, { title, says }: Words): string =>
  svg.replace(/<svg [^>]*>/, (open) => `${open}<title>${escape(title)}</title><desc>${escape(says)}</desc>`);

export function svg(options: Plot.PlotOptions, words?: Words): string {
  // The project is checked without browser types; Plot's own type of a document is enough.
  const window = parseHTML("<!doctype html><html><body></body></html>") as unknown as Plot.PlotOptions;
  const named = words === undefined ? {} : { ariaLabel: words.title };
  const node = Plot.plot({ ...DEFAULTS, ...options, ...named, document: window.document });
  node.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  if (words === undefined) return node.outerHTML;
  node.setAttribute("role", "img");
  return described(node.outerHTML, words);
}

/** Names along an axis, every so many left out where there are more than fit. */
export function nameAxis(label: string, names: readonly string[], fit: number): Plot.ScaleOptions {
  const every = Math.ceil(names.length / Math.max(1, fit));
  return {
    label,
    labelAnchor: "center",
    labelArrow: "none",
    domain: [...names],
    tickSize: 0,
    tickFormat: (name: string, k: number) => (k % every === 0 ? name : ""),
  };
}

/** The time axis of a session in a frame. */
export const periodAxis = (scenario: Scenario, frame: Frame): Plot.ScaleOptions => timeAxis(scenario, plotWidth(frame));

export type Bar = { readonly hour: number; readonly kind: string; readonly value: number };

/**
 * Stacked bars by period: what is above and below zero stacks apart. `value` is in the record's unit, drawn and told in
 * `unit`.
 */
export function periodBars(
  rows: readonly Bar[],
  kinds: readonly string[],
  scenario: Scenario,
  unit: Unit,
): Plot.Markish {
  const gap = 0.06 * scenario.periodHours;
  return Plot.rectY(rows, {
    x1: (d: Bar) => beginOf(scenario, d.hour) + gap,
    x2: (d: Bar) => endOf(scenario, d.hour) - gap,
    y: (d: Bar) => unit.factor * d.value,
    fill: "kind",
    order: [...kinds],
    title: (d: Bar) => `${periodName(scenario, d.hour)}, ${d.kind}: ${withUnit(unit, d.value)}`,
  });
}

/** What bars of power stand for: kinds with their colours, and the words at the axis. */
export type Kinds = {
  readonly kinds: readonly string[];
  readonly meanings: readonly Meaning[];
  readonly label: string;
};

/** Power by period and kind, MW, in above zero and out below. */
export function powerChart(
  { scenario, power }: { readonly scenario: Scenario; readonly power: Unit },
  rows: readonly Bar[],
  { kinds, meanings, label }: Kinds,
  frame: Frame,
  words: Words,
): string {
  const shown = rows.filter(({ value }) => value !== 0);
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: `${power.name} ${label}`, grid: true },
      color: { domain: [...kinds], range: meanings.map(tint) },
      marks: [periodBars(shown, kinds, scenario, power), Plot.ruleY([0])],
    },
    words,
  );
}

/**
 * A step line through the periods, from the first one's begin to the last one's end. A period without a value is a gap.
 */
export function periodLine(
  values: readonly (number | undefined)[],
  scenario: Scenario,
  options: Plot.LineOptions,
): Plot.Markish {
  const rows = values.flatMap((value, hour) => [
    { at: beginOf(scenario, hour), value },
    { at: endOf(scenario, hour), value },
  ]);
  return Plot.line(rows, { x: "at", y: (d: { value?: number }) => d.value ?? NaN, strokeWidth: 2, ...options });
}

/** What lies between two lines of one value a period. */
export function periodBand(
  low: readonly number[],
  high: readonly number[],
  scenario: Scenario,
  fill: string,
): Plot.Markish {
  return Plot.rect(range(low.length), {
    x1: (t: number) => beginOf(scenario, t),
    x2: (t: number) => endOf(scenario, t),
    y1: (t: number) => low[t],
    y2: (t: number) => high[t],
    fill,
    fillOpacity: 0.2,
  });
}

export type Spread = { readonly hour: number; readonly low: number; readonly mean: number; readonly high: number };

/** A band from the lowest to the highest price of a period, with the mean as a bar. */
export function spreads(rows: readonly Spread[], scenario: Scenario, fill: string, unit: Unit): Plot.Markish[] {
  const hours = {
    x1: (d: Spread) => beginOf(scenario, d.hour),
    x2: (d: Spread) => endOf(scenario, d.hour),
  };
  const shown = (price: number): number => unit.factor * price;
  return [
    Plot.rect(rows, {
      ...hours,
      y1: (d: Spread) => shown(d.low),
      y2: (d: Spread) => shown(d.high),
      fill,
      fillOpacity: 0.25,
      title: (d: Spread) =>
        `${periodName(scenario, d.hour)}: ${withUnit(unit, d.low)} to ${withUnit(unit, d.high)}, mean ${withUnit(unit, d.mean)}`,
    }),
    Plot.ruleY(rows, { ...hours, y: (d: Spread) => shown(d.mean), stroke: fill, strokeWidth: 3 }),
  ];
}

/** As many ticks as values from which a name is left out every so often. */
export const someOf = (count: number, fit: number): number[] => {
  const every = Math.ceil(count / Math.max(1, fit));
  return range(count).filter((k) => k % every === 0);
};
