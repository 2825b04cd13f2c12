/** A value by bus and hour as a heat map with its colour ramp. */
import * as Plot from "@observablehq/plot";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { range } from "../derive.ts";
import { nameAxis, svg } from "../plot.ts";

const RAMP_STEPS = 40;

export type Heat = {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
  readonly scheme: Plot.ColorScheme;
  /** For values of both signs: white at zero, so that the sign is seen first. */
  readonly divergingScheme: Plot.ColorScheme;
};

function scaleOf(
  values: readonly number[],
  heat: Heat,
): { type: "linear"; scheme: Plot.ColorScheme; domain: number[] } {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (low < -1e-6 && high > 1e-6) {
    const most = Math.max(-low, high);
    return { type: "linear", scheme: heat.divergingScheme, domain: [-most, most] };
  }
  // All the same: any width will do, but a scale needs one.
  const room = high - low < 1e-6 ? 1 : 0;
  return { type: "linear", scheme: heat.scheme, domain: [low, high + room] };
}

/** @param values [hour][bus] */
export function heatMap(values: readonly (readonly number[])[], scenario: Scenario, heat: Heat): string {
  const { buses } = scenario.feeder;
  const cells = values.flatMap((row, hour) => row.map((value, b) => ({ hour, bus: `${buses[b].bus}`, value })));
  const color = scaleOf(
    cells.map(({ value }) => value),
    heat,
  );
  const many = buses.length > 40;
  const hourNames = range(values.length).map(String);
  const map = svg({
    ariaLabel: `${heat.name} by bus and hour`,
    height: 66 + buses.length * (many ? 4 : 16),
    marginLeft: 48,
    marginTop: 12,
    x: { ...nameAxis("hour of the session", hourNames, 8), padding: many ? 0 : 0.05 },
    y: {
      padding: many ? 0 : 0.05,
      ...nameAxis(
        "bus",
        buses.map(({ bus }) => `${bus}`),
        30,
      ),
    },
    color,
    marks: [
      Plot.cell(cells, {
        x: (d: { hour: number }) => `${d.hour}`,
        y: "bus",
        fill: "value",
        inset: many ? 0 : 0.5,
        title: (d: { hour: number; bus: string; value: number }) =>
          `bus ${d.bus}, hour ${d.hour}: ${d.value.toFixed(heat.digits)} ${heat.unit}`,
      }),
    ],
  });
  const [low, high] = color.domain;
  const width = (high - low) / RAMP_STEPS;
  const ramp = svg({
    ariaLabel: `Colours of ${heat.name}`,
    width: 560,
    height: 40,
    marginTop: 4,
    marginBottom: 24,
    marginLeft: 48,
    marginRight: 90,
    x: { domain: [low, high], ticks: 6, label: null },
    y: { axis: null },
    color,
    marks: [
      Plot.rect(range(RAMP_STEPS), {
        x1: (k: number) => low + k * width,
        x2: (k: number) => low + (k + 1) * width,
        y1: 0,
        y2: 1,
        fill: (k: number) => low + (k + 0.5) * width,
        inset: -0.3,
      }),
      Plot.text([heat.unit], { frameAnchor: "right", textAnchor: "start", dx: 8, fill: "var(--quiet)" }),
    ],
  });
  return map + ramp;
}

export const NETWORK_CHARGE: Heat = {
  name: "Network charge",
  unit: "$/MWh",
  digits: 2,
  scheme: "YlOrBr",
  divergingScheme: "PuOr",
};

export const CARBON_INTENSITY: Heat = {
  name: "Carbon intensity",
  unit: "g/kWh",
  digits: 0,
  scheme: "YlGnBu",
  divergingScheme: "RdYlBu",
};
