import { DEFAULT_RHO } from "../../clearing/settings.ts";
import { lineFigure, scatterFigure } from "../../report/figures.ts";
import { inChild } from "./child.ts";
import type { Cell, Experiment } from "./common.ts";
import { SCANNED, type ConvergenceRow, type ConvergenceTask } from "./convergenceRun.ts";

/**
 * At the default rho the small feeder's day whole and six hours of the large one's; at every rho six hours and two,
 * where the accelerated methods stay at the default on the large one: all of it would take hours (--hours 24 asks for
 * the whole day at the default).
 */
const TASKS: readonly ConvergenceTask[] = [
  { feeder: "ieee15", hours: 24, scanHours: 6, scanAll: true, maxIterations: 3000 },
  { feeder: "ieee141", hours: 6, scanHours: 2, scanAll: false, maxIterations: 1000 },
];

export type ConvergenceOptions = {
  readonly hours?: number;
  readonly maxIterations?: number;
};

const solved = ({ status }: ConvergenceRow): boolean => status === "solved";
const said = (row: ConvergenceRow): string =>
  `${solved(row) ? "" : "not within "}${row.iterations}${row.rejected > 0 ? ` (${row.rejected} rejected)` : ""}`;

function scanOf(rows: readonly ConvergenceRow[], task: ConvergenceTask) {
  return SCANNED.map(({ name }) => ({
    name,
    rows: rows
      .filter((row) => row.feeder === task.feeder && row.hours === task.scanHours && row.way === name)
      .sort((a, b) => a.rhoScale - b.rhoScale),
  }));
}

function scanText(rows: readonly ConvergenceRow[], task: ConvergenceTask): string {
  const each = scanOf(rows, task).map(({ name, rows: runs }) => {
    const [best] = runs.filter(solved).sort((x, y) => x.iterations - y.iterations);
    const missed = runs.filter((row) => !solved(row)).length;
    if (runs.length === 1) return `${name} ${said(runs[0])} at the default`;
    const least = best ? `${best.iterations} at its best (x ${best.rhoScale.toFixed(2)})` : "at none";
    return `${name} ${least}${missed > 0 ? `, ${missed} of ${runs.length} not within ${task.maxIterations}` : ""}`;
  });
  return `**${task.feeder}, ${task.scanHours} h, iterations at nine multiples of the default rho:** ${each.join("; ")}.`;
}

function figuresOf(rows: readonly ConvergenceRow[], task: ConvergenceTask): [residuals: string, scan: string] {
  const { feeder, hours, scanHours, maxIterations } = task;
  const atDefault = rows.filter((row) => row.feeder === feeder && row.hours === hours && row.rhoScale === 1);
  return [
    lineFigure(
      {
        title: `${feeder}, ${hours} h: residuals, default rho`,
        x: "iteration",
        y: "larger residual over its tolerance",
      },
      atDefault.map((row) => ({
        name: solved(row) ? row.way : `${row.way} (not within ${maxIterations})`,
        points: row.curve,
        dashed: !solved(row),
      })),
      { yLog: true },
      [{ at: 1, name: "stopping rule" }],
    ),
    scatterFigure(
      {
        title: `${feeder}, ${scanHours} h: iterations against rho; at ${maxIterations}: not within`,
        x: "multiple of the default rho",
        y: "iterations",
      },
      scanOf(rows, task).map(({ name, rows: runs }) => ({
        name,
        points: runs.map((row) => [row.rhoScale, row.iterations] as const),
      })),
      { xLog: true, yLog: true },
      { joined: true },
    ),
  ];
}

/** Residuals against iterations for every method, and iterations against rho. */
export async function convergenceExperiment(options: ConvergenceOptions = {}): Promise<Experiment> {
  const tasks = TASKS.map((task) => ({
    ...task,
    ...(options.hours === undefined
      ? {}
      : { hours: options.hours, scanHours: Math.min(options.hours, task.scanHours) }),
    ...(options.maxIterations === undefined ? {} : { maxIterations: options.maxIterations }),
  }));
  // Only iterations are counted, so the runs may share the machine.
  const parts = tasks.flatMap((task) => (["default", "scan"] as const).map((part) => ({ ...task, part })));
  const rows = (await Promise.all(parts.map((part) => inChild<ConvergenceRow[]>("./convergenceRun", part)))).flat();
  const figures: Record<string, string> = {};
  for (const [k, task] of tasks.entries()) {
    const [residuals, scan] = figuresOf(rows, task);
    figures[k === 0 ? "" : `-${task.feeder}`] = residuals;
    figures[`-rho-${task.feeder}`] = scan;
  }
  return {
    title: "How the methods converge",
    header: "feeder,hours,method,rhoScale,status,iterations,rejected,primalOverTolerance,dualOverTolerance".split(","),
    rows: rows.map((r): Cell[] => [
      r.feeder,
      r.hours,
      r.way,
      r.rhoScale,
      r.status,
      r.iterations,
      r.rejected,
      r.last.primal,
      r.last.dual,
    ]),
    json: { rho: [...DEFAULT_RHO], tasks, rows },
    figures,
    text: [
      `ts-drcc, eps .05, from a cold start, to the certified end, as \`clear\` takes them; the line at 1 is where certificates begin to be asked for. Iterations are evaluations: those of extrapolated points that were thrown away count. What does not stop within ${tasks.map((task) => `${task.maxIterations} iterations (${task.feeder})`).join(" or ")} is shown as such. Curves are upper envelopes.`,
      ...tasks.flatMap((task) => {
        const { feeder, hours } = task;
        const atDefault = rows.filter((row) => row.feeder === feeder && row.hours === hours && row.rhoScale === 1);
        return [
          `**${feeder}, ${hours} h, iterations at the default rho:** ${atDefault.map((row) => `${row.way} ${said(row)}`).join(", ")}.`,
          scanText(rows, task),
        ];
      }),
    ],
  };
}
