/** A member's own day: where its energy came from, its price beside the tariff, its battery. */
import * as Plot from "@observablehq/plot";
import type { Day } from "../day.ts";
import type { OwnPeriod } from "../memberPage.ts";
import type { Frame } from "../plot.ts";
import { periodAxis, periodBars, periodLine, svg } from "../plot.ts";
import { tint, type Meaning } from "../theme.ts";
import { inUnit, withUnit } from "../units.ts";

export const OWN_KINDS = ["with members", "with the utility"] as const;
export const OWN_MEANINGS: readonly Meaning[] = ["energy", "utility"];

export function ownEnergyChart(
  { scenario, units: { power } }: Day,
  periods: readonly OwnPeriod[],
  frame: Frame,
): string {
  const rows = periods.flatMap(({ hour, boughtMw, soldMw, fromUtilityMw, toUtilityMw }) => [
    { hour, kind: OWN_KINDS[0], value: boughtMw },
    { hour, kind: OWN_KINDS[1], value: fromUtilityMw },
    { hour, kind: OWN_KINDS[0], value: -soldMw },
    { hour, kind: OWN_KINDS[1], value: -toUtilityMw },
  ]);
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: `${power.name} bought (above), sold (below)`, grid: true },
      color: { domain: [...OWN_KINDS], range: OWN_MEANINGS.map(tint) },
      marks: [
        periodBars(
          rows.filter(({ value }) => value !== 0),
          OWN_KINDS,
          scenario,
          power,
        ),
        Plot.ruleY([0]),
      ],
    },
    {
      title: "Energy bought and sold by period",
      says: "With members and with the utility; every figure is in the table.",
    },
  );
}

export function ownPriceChart(
  { scenario, units: { price } }: Day,
  periods: readonly OwnPeriod[],
  frame: Frame,
): string {
  const line = (of: (period: OwnPeriod) => number | undefined, options: Plot.LineOptions): Plot.Markish =>
    periodLine(
      periods.map((period) => {
        const value = of(period);
        return value === undefined ? undefined : price.factor * value;
      }),
      scenario,
      options,
    );
  const known = periods.flatMap((one) => (one.price === undefined ? [] : [one.price]));
  const dashed = { stroke: tint("utility"), strokeWidth: 1.6 };
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: price.name, grid: true, nice: true, zero: true },
      marks: [
        Plot.ruleY([0], { stroke: "var(--quiet)", strokeOpacity: 0.6 }),
        line(({ tariff }) => tariff, { ...dashed, strokeDasharray: "5 4" }),
        line(({ tariff, allowance }) => tariff + allowance, { ...dashed, strokeDasharray: "1.5 3" }),
        line(({ hour }) => scenario.tariff.sellPerMwh[hour], { ...dashed, strokeDasharray: "5 4" }),
        line((one) => one.price, { stroke: tint("energy"), strokeWidth: 3 }),
      ],
    },
    {
      title: "Your price beside the utility's",
      says:
        known.length === 0
          ? "You traded with no member."
          : `From ${inUnit(price, Math.min(...known))} to ${withUnit(price, Math.max(...known))}; dashed: what the utility asks and pays, dotted: its tariff and the allowance.`,
    },
  );
}

export function batteryChart({ clearing, scenario, units: { energy } }: Day, id: number, frame: Frame): string {
  const { storedMwh } = clearing.prosumers.find((one) => one.id === id)!.schedule;
  const battery = scenario.prosumers.find((one) => one.id === id)!.battery!;
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: {
        label: `${energy.name} stored at the end of the period`,
        grid: true,
        domain: [0, energy.factor * battery.maxMwh],
      },
      marks: [
        periodLine(
          storedMwh.map((mwh) => energy.factor * mwh),
          scenario,
          { stroke: tint("battery") },
        ),
        Plot.ruleY([energy.factor * battery.minMwh], { stroke: "var(--quiet)", strokeDasharray: "4 4" }),
      ],
    },
    {
      title: "Energy in your battery",
      says: `From ${withUnit(energy, battery.initialMwh)} at the start to ${withUnit(energy, storedMwh.at(-1)!)}; dashed: it is not emptied below that.`,
    },
  );
}
