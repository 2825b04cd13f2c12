/** Series over a session's periods; the table beside it says the same. */
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

export type Line = {
  readonly label: string;
  /** A colour of the theme's, by name. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  readonly kind?: "line" | "bars" | "dashed";
};

type Props = {
  readonly label: string;
  readonly unit: string;
  readonly names: readonly string[];
  readonly lines: readonly Line[];
  readonly log?: boolean;
};

const HEIGHT = 220;

/** Nothing is cut off below: a bar's length is its value. */
const fromZero = (_: uPlot, low: number | null, high: number | null): [number, number] => {
  const [least, most] = [Math.min(0, low ?? 0), Math.max(0, high ?? 0)];
  const room = 0.08 * (most - least || 1);
  return [least < 0 ? least - room : 0, most > 0 ? most + room : 0];
};

/** A value holds for all of its period, as a bar does: from half before its mark to half after. */
const levels: uPlot.Series.PathBuilder = (plot, series, first, last) => {
  const stroke = new Path2D();
  const values = plot.data[series];
  let open = false;
  for (let k = first; k <= last; k++) {
    const value = values[k];
    if (typeof value !== "number") {
      open = false;
      continue;
    }
    const y = plot.valToPos(value, "y", true);
    stroke[open ? "lineTo" : "moveTo"](plot.valToPos(k - 0.5, "x", true), y);
    stroke.lineTo(plot.valToPos(k + 0.5, "x", true), y);
    open = true;
  }
  return { stroke, flags: 0 };
};

/** A canvas keeps the colours that it was drawn in: by day, by night, and on paper it is drawn anew. */
function useDark(): boolean {
  const [dark, setDark] = useState(false);
  useEffect(() => {
    const asked = matchMedia("(prefers-color-scheme: dark)");
    const look = (): void => setDark(asked.matches);
    look();
    asked.addEventListener("change", look);
    return () => asked.removeEventListener("change", look);
  }, []);
  return dark;
}

export default function Series({ label, unit, names, lines, log }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const dark = useDark();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const colours = getComputedStyle(document.documentElement);
    const tint = (name: string): string => colours.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: tint("quiet"), grid: { stroke: tint("line"), width: 1 }, ticks: { show: false } };
    const bars = uPlot.paths.bars?.({ size: [0.7, 60] });
    const series = lines.map(({ label: name, colour, kind }): uPlot.Series => ({
      label: name,
      stroke: tint(colour),
      width: kind === "bars" ? 0 : 2,
      points: { show: false },
      ...(kind === "bars" && bars && { fill: tint(colour), paths: bars }),
      ...(kind !== "bars" && !log && { paths: levels }),
      ...(kind === "dashed" && { dash: [6, 4] }),
    }));
    const every = Math.max(1, Math.ceil(names.length / Math.max(2, Math.floor(element.clientWidth / 70))));
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [-0.6, names.length - 0.4] }, y: log ? { distr: 3 } : { range: fromZero } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            splits: () => names.map((_, k) => k).filter((k) => k % every === 0),
            values: (_, splits) => splits.map((k) => names[k] ?? ""),
          },
          { ...axis, size: 58 },
        ],
        series: [{}, ...series],
      },
      [names.map((_, k) => k), ...lines.map(({ values }) => [...values])],
      element,
    );
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
    };
  }, [names, lines, log, dark]);
  return (
    <figure>
      <figcaption>
        {label}, {unit}
        <span className="legend">
          {lines.map(({ label: name, colour, kind }) => (
            <span key={name}>
              <i
                style={{
                  background: kind === "dashed" ? "none" : `var(--${colour})`,
                  borderTop: kind === "dashed" ? `3px dashed var(--${colour})` : "0",
                }}
                aria-hidden="true"
              />
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} className="plot" role="img" aria-label={`${label}, ${unit}; the table has every value`} />
    </figure>
  );
}
