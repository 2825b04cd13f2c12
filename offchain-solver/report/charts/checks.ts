/** Bills, convergence, and the linear network model against AC. */
import * as Plot from "@observablehq/plot";
import type { SweptClearing as ClearingJson } from "../../records/clearingJson.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import type { Day } from "../day.ts";
import type { Bill } from "../derive.ts";
import { bills, loadings, range } from "../derive.ts";
import type { Frame } from "../plot.ts";
import { nameAxis, periodAxis, periodLine, plotWidth, svg } from "../plot.ts";
import { inWords, nameOfAxis, shortNames, spoken } from "../labels.ts";
import { tint, type Meaning } from "../theme.ts";
import { withUnit } from "../units.ts";

const limits = (at: readonly number[]): Plot.Markish =>
  Plot.ruleY(at, { stroke: "var(--bad)", strokeDasharray: "2 3", strokeWidth: 1.5 });

/** The first of two lines that are to be compared is solid, the second dashed: no colour is taken from a meaning. */
export const FIRST = { stroke: "var(--ink)", strokeWidth: 1.8 } as const;
export const SECOND = { stroke: "var(--accent)", strokeWidth: 1.8, strokeDasharray: "5 3" } as const;

/** Zero residuals have no place on a log scale and are left out. */
export function residualChart({ residuals }: ClearingJson, frame: Frame): string {
  const values = residuals.flatMap(({ primal, dual }) => [primal, dual]).filter((value) => value > 0);
  const [low, high] = [Math.min(1, ...values), Math.max(1, ...values)];
  const line = (key: "primal" | "dual", style: Plot.LineOptions): Plot.Markish =>
    Plot.line(
      residuals.map((row, k) => ({ k: k + 1, value: row[key] })).filter(({ value }) => value > 0),
      { x: "k", y: "value", ...style },
    );
  const decades = range(30)
    .map((k) => 10 ** (k - 10))
    .filter((tick) => tick >= low && tick <= high);
  return svg(
    {
      ...frame,
      marginLeft: 64,
      x: { label: "iteration", labelAnchor: "center", labelArrow: "none", ticks: frame.phone ? 4 : 8 },
      y: {
        type: "log",
        label: "residual / tolerance",
        grid: true,
        ticks: decades,
        tickFormat: (tick: number) =>
          tick >= 0.01 && tick < 1000 ? `${tick}` : tick.toExponential(0).replace("+", ""),
      },
      marks: [limits([1]), line("primal", FIRST), line("dual", SECOND)],
    },
    {
      title: "Residuals by iteration",
      says: `${residuals.length} iterations; the last primal residual is ${(residuals.at(-1)?.primal ?? 0).toPrecision(2)} of its tolerance, the dual ${(residuals.at(-1)?.dual ?? 0).toPrecision(2)}.`,
    },
  );
}

export const BILL_PARTS = ["energy", "reserve", "carbon", "network", "deviceCost"] as const;
export type BillPart = (typeof BILL_PARTS)[number];
export const PART_NAMES: Readonly<Record<BillPart, string>> = {
  energy: "energy",
  reserve: "reserve",
  carbon: "carbon",
  network: "network",
  deviceCost: "device cost",
};
const PART_MEANINGS: Readonly<Record<BillPart, Meaning>> = {
  energy: "energy",
  reserve: "reserve",
  carbon: "carbon",
  network: "network",
  deviceCost: "device",
};
export const partTint = (part: BillPart): string => tint(PART_MEANINGS[part]);

/** Parts that somebody pays or is paid. */
export const partsOf = (all: readonly Bill[]): BillPart[] =>
  BILL_PARTS.filter((part) => all.some((bill) => bill[part] !== 0));

export function billChart({ clearing, scenario, units: { money } }: Day, frame: Frame): string {
  const all = bills(clearing);
  const nameOf = shortNames(scenario, clearing.prosumers);
  const parts = partsOf(all);
  const names = parts.map((part) => PART_NAMES[part]);
  const rows = all.flatMap((bill) =>
    parts.map((part) => ({ name: nameOf.get(bill.id)!, kind: PART_NAMES[part], dollars: bill[part] })),
  );
  return svg(
    {
      ...frame,
      height: Math.max(frame.height, 280),
      x: { ...nameAxis(nameOfAxis(scenario, "prosumer"), [...nameOf.values()], plotWidth(frame) / 30), padding: 0.25 },
      y: {
        label: `${money.name} over the session: ${frame.phone ? "pays (+), is paid (−)" : "pays (above), is paid (below)"}`,
        grid: true,
        nice: true,
      },
      color: { domain: names, range: parts.map(partTint) },
      marks: [
        Plot.barY(rows, {
          x: "name",
          y: (d: (typeof rows)[number]) => money.factor * d.dollars,
          fill: "kind",
          order: names,
          title: (d: (typeof rows)[number]) => `${spoken(scenario, d.name)}, ${d.kind}: ${withUnit(money, d.dollars)}`,
        }),
        Plot.ruleY([0]),
        Plot.dot(all, {
          x: (d: Bill) => nameOf.get(d.id),
          y: (d: Bill) => money.factor * d.total,
          fill: "var(--card)",
          stroke: "var(--ink)",
          strokeWidth: 2,
          r: all.length > 30 || frame.phone ? 3 : 4.5,
          title: (d: Bill) => `${spoken(scenario, nameOf.get(d.id)!)}, total: ${withUnit(money, d.total)}`,
        }),
      ],
    },
    {
      title: inWords(scenario, "Bill of every prosumer"),
      says: `${all.length} bills from ${withUnit(money, Math.min(...all.map((bill) => bill.total)))} to ${withUnit(money, Math.max(...all.map((bill) => bill.total)))}; the table below has every part.`,
    },
  );
}

export function acVoltageChart({ clearing, scenario }: Day, frame: Frame): string {
  const { voltage, ac } = clearing.network;
  const { buses } = scenario.feeder;
  const low = Math.min(...buses.map(({ vMinPu }) => vMinPu));
  const high = Math.max(...buses.map(({ vMaxPu }) => vMaxPu));
  const of = (pick: (...values: number[]) => number): number[] => voltage.map((row) => pick(...row));
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: {
        label: "p.u.",
        grid: true,
        domain: [Math.min(low, ...ac.minVoltage) - 0.01, Math.max(high, ...ac.maxVoltage) + 0.01],
      },
      marks: [
        limits([low, high]),
        periodLine(of(Math.min), scenario, FIRST),
        periodLine(of(Math.max), scenario, FIRST),
        periodLine(ac.minVoltage, scenario, SECOND),
        periodLine(ac.maxVoltage, scenario, SECOND),
      ],
    },
    {
      title: "Lowest and highest voltage by period, linear model and AC",
      says: `By AC from ${Math.min(...ac.minVoltage).toFixed(4)} to ${Math.max(...ac.maxVoltage).toFixed(4)} p.u.; limits ${low} to ${high}.`,
    },
  );
}

export function acLoadingChart({ clearing, scenario }: Day, frame: Frame): string {
  const linear = loadings(clearing.network, scenario.feeder).map((row) => 100 * Math.max(0, ...row));
  const ac = clearing.network.ac.maxLoading.map((loading) => 100 * loading);
  return svg(
    {
      ...frame,
      x: periodAxis(scenario, frame),
      y: { label: "% of rating", grid: true, zero: true, nice: true },
      marks: [limits([100]), periodLine(linear, scenario, FIRST), periodLine(ac, scenario, SECOND), Plot.ruleY([0])],
    },
    {
      title: "Highest loading by period, linear model and AC",
      says: `At most ${Math.max(...ac).toFixed(1)} % of a rating by AC.`,
    },
  );
}

/** Whether any branch has a rating to be loaded to. */
export const rated = ({ feeder }: Scenario): boolean => feeder.branches.some(({ ratingMva }) => ratingMva !== null);
