/** A value by bus and period as a heat map with its colour ramp. */
import * as Plot from "@observablehq/plot";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { extent, number, range } from "../derive.ts";
import { beginOf, endOf, periodName } from "../periods.ts";
import type { Frame } from "../plot.ts";
import { nameAxis, periodAxis, svg } from "../plot.ts";
import type { Unit } from "../units.ts";
import { inUnit } from "../units.ts";

const RAMP_STEPS = 40;
const ZERO = 1e-6;

export type Heat = {
  readonly name: string;
  readonly unit: Unit;
  readonly scheme: Plot.ColorScheme;
  /** For values of both signs: white at zero, so that the sign is seen first. */
  readonly divergingScheme: Plot.ColorScheme;
};

export const networkCharge = (unit: Unit): Heat => ({
  name: "Network charge",
  unit,
  scheme: "RdPu",
  divergingScheme: "PiYG",
});

export const CARBON_INTENSITY: Heat = {
  name: "Carbon intensity",
  unit: { name: "g/kWh", factor: 1000, digits: 0 },
  scheme: "YlOrBr",
  divergingScheme: "BrBG",
};

function scaleOf(
  values: readonly number[],
  heat: Heat,
): { type: "linear"; scheme: Plot.ColorScheme; domain: number[] } {
  const [low, high] = extent(values);
  if (low < -ZERO && high > ZERO) {
    const most = Math.max(-low, high);
    return { type: "linear", scheme: heat.divergingScheme, domain: [-most, most] };
  }
  // From zero, so that a colour's depth is the value's size, and values that are all alike still have a scale.
  return { type: "linear", scheme: heat.scheme, domain: [Math.min(0, low), Math.max(0, high)] };
}

/** True where there is nothing to draw: every value is zero. */
export const allZero = (values: readonly (readonly number[])[]): boolean =>
  values.every((row) => row.every((value) => Math.abs(value) <= ZERO));

/** @param values [period][bus], in the record's unit, not all zero. */
export function heatMap(values: readonly (readonly number[])[], scenario: Scenario, heat: Heat, frame: Frame): string {
  const { unit } = heat;
  const order = range(scenario.feeder.buses.length).sort(
    (a, b) => scenario.feeder.buses[a].bus - scenario.feeder.buses[b].bus,
  );
  const names = order.map((b) => `${scenario.feeder.buses[b].bus}`);
  const cells = values.flatMap((row, hour) =>
    order.map((b, k) => ({ hour, bus: names[k], value: unit.factor * row[b] })),
  );
  type Cell = (typeof cells)[number];
  const shown = cells.map(({ value }) => value);
  const color = scaleOf(shown, heat);
  const many = names.length > 40;
  const side = many ? (frame.phone ? 3 : 4) : 16;
  const inset = many || frame.phone ? 0 : 0.5;
  const [lowest, highest] = extent(shown);
  const top = cells.find(({ value }) => value === highest)!;
  const map = svg(
    {
      ...frame,
      height: 66 + names.length * side,
      marginLeft: 48,
      marginTop: 12,
      x: periodAxis(scenario, frame),
      y: { padding: many ? 0 : 0.05, ...nameAxis("bus", names, (names.length * side) / 13) },
      color,
      marks: [
        Plot.barX(cells, {
          x1: (d: Cell) => beginOf(scenario, d.hour),
          x2: (d: Cell) => endOf(scenario, d.hour),
          y: "bus",
          fill: "value",
          inset,
          ...(frame.phone
            ? {}
            : {
                title: (d: Cell) =>
                  `bus ${d.bus}, ${periodName(scenario, d.hour)}: ${number(d.value, unit.digits)} ${unit.name}`,
              }),
        }),
      ],
    },
    {
      title: `${heat.name} by bus and period`,
      says: `From ${number(lowest, unit.digits)} to ${number(highest, unit.digits)} ${unit.name}; highest at bus ${top.bus}, ${periodName(scenario, top.hour)}.`,
    },
  );
  return map + ramp(heat, color, frame);
}

function ramp({ name, unit }: Heat, color: ReturnType<typeof scaleOf>, { width: frameWidth }: Frame): string {
  const [low, high] = color.domain;
  const width = (high - low) / RAMP_STEPS;
  return svg(
    {
      width: frameWidth,
      height: 40,
      marginTop: 4,
      marginBottom: 24,
      marginLeft: 48,
      marginRight: 70,
      x: { domain: [low, high], ticks: 5, label: null },
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
        Plot.text([unit.name], { frameAnchor: "right", textAnchor: "start", dx: 8, fill: "var(--quiet)" }),
      ],
    },
    {
      title: `Colours of ${name.toLowerCase()}`,
      says: `From ${number(low, unit.digits)} to ${number(high, unit.digits)} ${unit.name}.`,
    },
  );
}

/** The same values for reading: each period's lowest and highest with their buses. */
export function heatRows(values: readonly (readonly number[])[], scenario: Scenario, { unit }: Heat): string[][] {
  const { buses } = scenario.feeder;
  const at = (row: readonly number[], value: number): string => `${buses[row.indexOf(value)].bus}`;
  return values.map((row, t) => {
    const [low, high] = [Math.min(...row), Math.max(...row)];
    return [periodName(scenario, t), inUnit(unit, low), at(row, low), inUnit(unit, high), at(row, high)];
  });
}

export const heatHead = ({ unit }: Heat): string[] => [
  "Period",
  `Lowest, ${unit.name}`,
  "at bus",
  `Highest, ${unit.name}`,
  "at bus",
];
