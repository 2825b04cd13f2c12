/** What was promised and what was delivered, period by period. */
import * as Plot from "@observablehq/plot";
import type { DeliveryJson } from "../../records/deliveryJson.ts";
import type { Day } from "../day.ts";
import { range } from "../derive.ts";
import { periodAxis, periodBars, periodLine, svg, type Frame } from "../plot.ts";
import { tint, type Meaning } from "../theme.ts";

export const DELIVERY_KINDS = ["called of reserve", "too much", "too little"] as const;
export const DELIVERY_MEANINGS: readonly Meaning[] = ["reserve", "generator", "utility"];

/** W h to MW of the period's mean power. */
const mwOf = ({ periodSeconds }: DeliveryJson, wh: number): number => (wh * 3600) / periodSeconds / 1e6;

/** Bars: called energy, and what is left between position and meter; lines: all net feed-in, promised and metered. */
export function deliveryChart(delivery: DeliveryJson, { scenario, units: { power } }: Day, frame: Frame): string {
  const { members, periods } = delivery;
  const each = (of: (member: DeliveryJson["members"][number], t: number) => number): number[] =>
    range(periods).map((t) => members.reduce((sum, one) => sum + mwOf(delivery, of(one, t)), 0));
  const deviation = (one: DeliveryJson["members"][number], t: number): number =>
    one.quality[t] === "missing" ? 0 : one.meteredWh[t] - one.promisedWh[t] - one.calledWh[t];
  const values = [
    each((one, t) => Math.max(0, one.calledWh[t])),
    each((one, t) => Math.max(0, deviation(one, t))),
    each((one, t) => Math.min(0, deviation(one, t))),
  ];
  const rows = DELIVERY_KINDS.flatMap((kind, k) => values[k].map((value, hour) => ({ hour, kind, value })));
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: power.name, grid: true },
      color: { domain: [...DELIVERY_KINDS], range: DELIVERY_MEANINGS.map(tint) },
      marks: [
        periodBars(
          rows.filter(({ value }) => Math.abs(value) > 1e-12),
          DELIVERY_KINDS,
          scenario,
          power,
        ),
        periodLine(
          each((one, t) => one.promisedWh[t]).map((mw) => power.factor * mw),
          scenario,
          { stroke: "var(--ink)", strokeWidth: 1.6, strokeDasharray: "4 3" },
        ),
        periodLine(
          each((one, t) => one.meteredWh[t]).map((mw) => power.factor * mw),
          scenario,
          { stroke: tint("energy"), strokeWidth: 1.8 },
        ),
        Plot.ruleY([0]),
      ],
    },
    {
      title: "Delivered against promised by period",
      says: "Bars: reserve that was called, and what was fed in too much or too little; lines: net feed-in of all, as promised and as metered.",
    },
  );
}
