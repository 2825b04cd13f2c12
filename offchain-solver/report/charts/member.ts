/** A member's own day: where its energy came from, its price beside the tariff, its devices. */
import * as Plot from "@observablehq/plot";
import type { DevicePicture } from "../../market/devices/device.ts";
import type { Day } from "../day.ts";
import type { OwnPeriod } from "../memberPage.ts";
import type { Frame } from "../plot.ts";
import { periodAxis, periodBand, periodLine, powerChart, svg } from "../plot.ts";
import { tint, type Meaning } from "../theme.ts";
import { inUnit, withUnit, type Unit } from "../units.ts";

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
  const label = "bought (above), sold (below)";
  return powerChart({ scenario, power }, rows, { kinds: OWN_KINDS, meanings: OWN_MEANINGS, label }, frame, {
    title: "Energy bought and sold by period",
    says: "With members and with the utility; every figure is in the table.",
  });
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

const DEGREES: Unit = { name: "°C", factor: 1, digits: 1 };

/** What a device holds at the end of every period, between what it may. */
export function deviceChart({ scenario, units: { energy } }: Day, picture: DevicePicture, frame: Frame): string {
  const { title, line, low, high, start, band } = picture;
  const unit = picture.unit === "energy" ? energy : DEGREES;
  const scaled = (values: readonly number[]): number[] => values.map((value) => unit.factor * value);
  const limit = (values: readonly number[]): Plot.Markish =>
    periodLine(scaled(values), scenario, { stroke: "var(--quiet)", strokeDasharray: "4 4", strokeWidth: 1.4 });
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: `${unit.name} ${picture.label}`, grid: true, nice: true, zero: picture.unit === "energy" },
      marks: [
        ...(band ? [periodBand(scaled(band.low), scaled(band.high), scenario, tint(picture.colour))] : []),
        limit(low),
        limit(high),
        periodLine(scaled(line), scenario, { stroke: tint(picture.colour) }),
      ],
    },
    {
      title,
      says: `From ${withUnit(unit, start)} at the start to ${withUnit(unit, line.at(-1)!)}; dashed: ${picture.limits}${band ? `; shaded: ${band.says}` : ""}.`,
    },
  );
}
