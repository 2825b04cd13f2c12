import { lineFigure } from "../../report/figures.ts";
import { scenarioOf } from "./common.ts";
import { inChild } from "./child.ts";
import type { Cell, Experiment } from "./common.ts";
import type { Course, ReclearingRow } from "./reclearingRun.ts";

const INSTANCES = ["ieee15", "ieee15:0.1", "ieee141"] as const;
/** What the figures show of the changes: all forecasts one way, and each on its own. */
const SHOWN = ["all - 5 %", "each within 5 %, seed 1"];

/** `most`: only instances with at most so many prosumers. */
export type ReclearingOptions = { readonly hours?: number; readonly most?: number };

const decades = ({ start }: Course): number => Math.log10(start);
const span = (values: readonly number[], digits = 0): string => {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return low === high ? low : `${low} to ${high}`;
};
const rounded = (value: number): number => Number(value.toPrecision(4));

function figureOf(rows: readonly ReclearingRow[]): string {
  const [{ instance, hours }] = rows;
  const shown = rows.filter(({ change }) => SHOWN.includes(change));
  return lineFigure(
    {
      title: `${instance}, ${hours} h: forecasts 5 % off, cold and warm`,
      x: "evaluation",
      y: "larger residual over its tolerance",
    },
    shown.flatMap(({ change, cold, warm }) => [
      { name: `${change}, cold`, points: cold.curve, dashed: true },
      { name: `${change}, warm`, points: warm.curve },
    ]),
    { yLog: true },
    [{ at: 1, name: "stopping rule" }],
  );
}

/** What the text says of one instance's changes that were solved, which the table has in full, and which were not. */
export function summaryOf(rows: readonly ReclearingRow[]): string {
  const [{ instance, hours }] = rows;
  const solved = rows.filter(({ status }) => status === "solved");
  const of = (what: (row: ReclearingRow) => number, digits?: number): string => span(solved.map(what), digits);
  const missed = rows.filter(({ status }) => status !== "solved").map(({ change, status }) => `${change}: ${status}`);
  const unsolved = missed.length > 0 ? [`Not solved: ${missed.join("; ")}.`] : [];
  if (solved.length === 0) return [`**${instance}, ${hours} h:**`, ...unsolved].join(" ");
  return [
    `**${instance}, ${hours} h:** ${of(({ cold }) => cold.end)} evaluations cold, ${of(({ warm }) => warm.end)} warm, ${of(({ cold, warm }) => warm.end / cold.end, 2)} of the cold ones.`,
    `A warm start begins ${of(({ warm }) => decades(warm), 1)} decades above the stopping rule, a cold one ${of(({ cold }) => decades(cold), 1)}, and so has ${of(({ cold, warm }) => decades(warm) / decades(cold), 2)} of its decades to go; the cold run is that far after ${of(({ passes }) => passes)} evaluations, ${of(({ passes, cold }) => (100 * passes) / cold.end)} % of its own.`,
    `The last decade takes ${of(({ cold }) => cold.end - cold.ten)} cold and ${of(({ warm }) => warm.end - warm.ten)} warm.`,
    ...unsolved,
  ].join(" ");
}

/** Residuals against evaluations of sessions cleared again with changed forecasts, cold and warm. */
export async function reclearingExperiment({
  hours = 24,
  most = Infinity,
}: ReclearingOptions = {}): Promise<Experiment> {
  const instances = INSTANCES.filter((name) => scenarioOf(name.split(":")[0]).prosumers.length <= most);
  // Only evaluations are counted, so the runs may share the machine.
  const each = await Promise.all(
    instances.map((instance) => inChild<ReclearingRow[]>("./reclearingRun", { instance, hours })),
  );
  const course = ({ start, hundred, ten, end }: Course): Cell[] => [rounded(start), hundred, ten, end];
  const columns = ["startOverTolerance", "at100", "at10", "evaluations"];
  return {
    title: "What a warm start saves",
    header: ["instance", "hours", "change", "status"].concat(
      columns.map((name) => `cold ${name}`),
      columns.map((name) => `warm ${name}`),
      "coldPassesWarmStartAt",
    ),
    rows: each
      .flat()
      .map((r): Cell[] => [r.instance, r.hours, r.change, r.status, ...course(r.cold), ...course(r.warm), r.passes]),
    figures: Object.fromEntries(
      each.map((rows, k) => [k === 0 ? "" : `-${instances[k].replace(":", "-")}`, figureOf(rows)]),
    ),
    text: [
      "Default method (anderson), ts-drcc: a session is cleared as forecast, then with every forecast of wind and sun 5 % down, 5 % up, and each plant's and hour's on its own within 5 % (four seeds), from nothing and from where the first one ended. What is compared is the larger residual over its tolerance, 1 being the stopping rule.",
      ...each.map(summaryOf),
      "An iteration that gained as much with every evaluation would take as large a share of them warm as it has of the decades to go: what is less has been faster than a cold run over the decades that both have to go. What slows those down is the subject of [decision 0010](../decisions/0010-what-a-warm-start-cannot-save.md).",
    ],
  };
}
