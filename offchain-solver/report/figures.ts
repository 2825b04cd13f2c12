/**
 * Figures of experiments as SVG files: lines, bars, dots with intervals. Every axis says what it shows and in which
 * unit.
 */
import * as Plot from "@observablehq/plot";
import { escape } from "./derive.ts";
import { described, seriesColour, svg } from "./plot.ts";
import type { Key } from "./standalone.ts";
import { CHARACTER, at, keys, standaloneCss, text } from "./standalone.ts";

export type Labels = {
  readonly title: string;
  /** With the unit, as "time, s". */
  readonly x: string;
  readonly y: string;
};

export type AxisKind = { readonly xLog?: boolean; readonly yLog?: boolean; readonly yZero?: boolean };
/** A line across the figure that the values are to be read against, such as the promised probability. */
export type Mark = { readonly at: number; readonly name: string };

const WIDTH = 760;
const PLOT_HEIGHT = 360;
const MARGIN = 20;

/** Breaks the legend into lines by the estimated width of its labels. */
function legendRows(all: readonly Key[]): Key[][] {
  const rows: Key[][] = [[]];
  let used = 0;
  for (const key of all) {
    const width = 39 + CHARACTER * key.text.length;
    if (used + width > WIDTH - 2 * MARGIN && used > 0) {
      rows.push([]);
      used = 0;
    }
    rows[rows.length - 1].push(key);
    used += width;
  }
  return rows.filter((row) => row.length > 0);
}

function figure(title: string, legend: readonly Key[], options: Plot.PlotOptions): string {
  const rows = legendRows(legend);
  const top = 50 + 20 * rows.length;
  const plot = svg({
    width: WIDTH - 2 * MARGIN,
    height: PLOT_HEIGHT,
    marginLeft: 64,
    marginBottom: 44,
    ...options,
    ariaLabel: title,
  });
  const height = top + PLOT_HEIGHT + 8;
  const lines = rows.map((row, k) => keys(MARGIN, 58 + 20 * k, row)).join("");
  const axis = (one: unknown): string => (one as { label?: string } | undefined)?.label ?? "";
  const says = `${axis(options.y)} by ${axis(options.x)}${legend.length === 0 ? "" : `: ${legend.map(({ text: name }) => name).join("; ")}`}.`;
  const svgText = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
<style>${standaloneCss}</style>
<rect width="${WIDTH}" height="${height}" rx="10" style="fill:var(--card);stroke:var(--line)"/>
${text(MARGIN, 34, title, "title")}
${lines}
${at(MARGIN, top, plot)}
</svg>
`;
  return described(svgText, { title, says });
}

const centred = (label: string): Plot.ScaleOptions => ({ label, labelAnchor: "center", labelArrow: "none" });
const logTicks = { tickFormat: "~g", ticks: 6 } as const;
const markKeys = (marks: readonly Mark[]): Key[] =>
  marks.map(({ name }) => ({ colour: "var(--bad)", text: name, line: "dashed" }));
const markRules = (marks: readonly Mark[]): Plot.Markish =>
  Plot.ruleY(
    marks.map(({ at: value }) => value),
    { stroke: "var(--bad)", strokeDasharray: "5 4", strokeWidth: 1.5 },
  );

/** Room to the right for half of a label of six digits: a log axis ends at its last value, which may be a tick. */
const LOG_MARGIN = 24;

function axisOptions(
  { x, y }: Labels,
  { xLog, yLog, yZero }: AxisKind,
): Pick<Plot.PlotOptions, "marginRight" | "x" | "y"> {
  return {
    ...(xLog ? { marginRight: LOG_MARGIN } : {}),
    x: { ...centred(x), ...(xLog ? { type: "log", ...logTicks } : {}) },
    y: {
      label: y,
      labelArrow: "none",
      grid: true,
      ...(yLog ? { type: "log", ...logTicks } : { nice: true, zero: yZero ?? false }),
    },
  };
}

export type Series = {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
};

/** On a log axis values <= 0 have no place and are left out. */
function shown(series: Series, { xLog, yLog }: AxisKind): { x: number; y: number }[] {
  return series.points.map(([x, y]) => ({ x, y })).filter(({ x, y }) => (!xLog || x > 0) && (!yLog || y > 0));
}

/** Curves such as residuals against iterations. */
export function lineFigure(
  labels: Labels,
  series: readonly Series[],
  axes: AxisKind = {},
  marks: readonly Mark[] = [],
): string {
  const legend = series.map(({ name, dashed }, k): Key => ({
    colour: seriesColour(name, k),
    text: name,
    line: dashed ? "dashed" : "solid",
  }));
  return figure(labels.title, [...legend, ...markKeys(marks)], {
    ...axisOptions(labels, axes),
    marks: [
      markRules(marks),
      ...series.map((one, k) =>
        Plot.line(shown(one, axes), {
          x: "x",
          y: "y",
          stroke: seriesColour(one.name, k),
          strokeWidth: 2,
          ...(one.dashed ? { strokeDasharray: "6 4" } : {}),
        }),
      ),
    ],
  });
}

/** Measured points with a line through each series, such as time against size on log-log axes. */
export function scatterFigure(
  labels: Labels,
  series: readonly Series[],
  axes: AxisKind = {},
  { joined = false }: { readonly joined?: boolean } = {},
): string {
  return figure(
    labels.title,
    series.map(({ name }, k) => ({ colour: seriesColour(name, k), text: name })),
    {
      ...axisOptions(labels, axes),
      marks: series.flatMap((one, k) => [
        ...(joined
          ? [Plot.line(shown(one, axes), { x: "x", y: "y", stroke: seriesColour(one.name, k), strokeWidth: 1.5 })]
          : []),
        Plot.dot(shown(one, axes), { x: "x", y: "y", fill: seriesColour(one.name, k), r: joined ? 4 : 3 }),
      ]),
    },
  );
}

export type Bar = { readonly group: string; readonly part: string; readonly value: number };

/** Stacked bars, one per group, such as the cost of a day by risk method; the total is written over each. */
export function barFigure(labels: Labels, bars: readonly Bar[], digits = 1): string {
  const groups = [...new Set(bars.map(({ group }) => group))];
  const parts = [...new Set(bars.map(({ part }) => part))];
  const totals = groups.map((group) => {
    const of = bars.filter((bar) => bar.group === group).map(({ value }) => value);
    const sum = of.reduce((a, b) => a + b, 0);
    return { group, sum, top: of.reduce((a, b) => a + Math.max(0, b), 0) };
  });
  return figure(
    labels.title,
    parts.length > 1 ? parts.map((name, k) => ({ colour: seriesColour(name, k), text: name })) : [],
    {
      x: { ...centred(labels.x), domain: groups, tickSize: 0, padding: 0.35 },
      y: { label: labels.y, labelArrow: "none", grid: true, zero: true, nice: true },
      color: { domain: parts, range: parts.map(seriesColour) },
      marks: [
        Plot.barY(bars, { x: "group", y: "value", fill: "part", order: parts }),
        Plot.ruleY([0]),
        Plot.text(totals, {
          x: "group",
          y: "top",
          text: (d: { sum: number }) => d.sum.toFixed(digits),
          dy: -8,
          fill: "var(--ink)",
          fontSize: 12,
        }),
      ],
    },
  );
}

export type Interval = {
  readonly group: string;
  readonly series: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
};

/**
 * Dots with their intervals by group, series side by side, such as violation probabilities against the promised one.
 */
export function intervalFigure(
  labels: Labels,
  intervals: readonly Interval[],
  marks: readonly Mark[] = [],
  axes: AxisKind = { yZero: true },
): string {
  const groups = [...new Set(intervals.map(({ group }) => group))];
  const names = [...new Set(intervals.map(({ series }) => series))];
  const place = ({ group, series }: Interval): number =>
    groups.indexOf(group) + ((names.indexOf(series) + 1) / (names.length + 1) - 0.5) * 0.8;
  const tint = ({ series }: Interval): string => seriesColour(series, names.indexOf(series));
  const kept = intervals.filter(({ value }) => !axes.yLog || value > 0);
  const lowest = Math.min(...kept.map(({ value }) => value));
  return figure(
    labels.title,
    [
      ...(names.length > 1 ? names.map((text, k) => ({ colour: seriesColour(text, k), text })) : []),
      ...markKeys(marks),
    ],
    {
      ...axisOptions(labels, axes),
      x: {
        ...centred(labels.x),
        domain: [-0.5, groups.length - 0.5],
        ticks: groups.map((_, k) => k),
        tickFormat: (k: number) => groups[k],
        tickSize: 0,
      },
      marks: [
        markRules(marks),
        Plot.ruleX(kept, {
          x: place,
          // An interval that reaches 0 is cut where the log axis ends.
          y1: (d: Interval) => (axes.yLog ? Math.max(d.low, lowest / 3) : d.low),
          y2: "high",
          stroke: tint,
          strokeWidth: 1.8,
        }),
        Plot.dot(kept, { x: place, y: "value", fill: tint, r: 4.5 }),
        ...(axes.yLog ? [] : [Plot.ruleY([0])]),
      ],
    },
  );
}
