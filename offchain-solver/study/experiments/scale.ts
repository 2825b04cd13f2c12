import { InputError } from "../../io/inputError.ts";
import { scatterFigure } from "../../report/figures.ts";
import { inChild } from "./child.ts";
import { SEED, type Cell, type Experiment } from "./common.ts";
import type { ScaleRow, ScaleTask } from "./scaleRun.ts";

export const SIZES = [100, 300, 1000] as const;
const HOURS = 24;
const ITERATIONS = 60;
/** Of a run to the tolerance. */
const PATIENCE = 20_000;
/**
 * Prosumers times hours up to which the whole problem is solved at once as well: a thousand over 24 hours had not ended
 * in half an hour.
 */
const CENTRAL_UP_TO = 8_000;
/** Of the child's heap, MB; what it touches is less and is measured. */
const HEAP_MB = 8000;

export type ScaleOptions = {
  readonly sizes?: readonly number[];
  readonly hours?: number;
  readonly iterations?: number;
  /** How many prosumers to clear to the tolerance as well. */
  readonly solve?: number;
};

/** Exponent k of y = c x^k by least squares on logarithms. */
export function exponentOf(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (at: 0 | 1): number => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  return (
    logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / logs.reduce((sum, [x]) => sum + (x - mx) * (x - mx), 0)
  );
}

function wholeText(r: ScaleRow): string {
  const limits = `${r.limits} limits in the working sets at the end`;
  const run = `**${r.prosumers} prosumers, ${r.hours} h, to the tolerance:** ${r.status} after ${r.done} iterations, ${r.totalS.toFixed(0)} s on the clock of a shared machine (${r.cpuMs.toFixed(0)} ms of processor time in the median iteration), ${r.peakMb.toFixed(0)} MB at its peak, ${limits}`;
  if (r.objective === undefined || r.regret === undefined) return `${run}.`;
  const regret = `objective $${r.objective.toFixed(2)}, regrets $${r.regret.toFixed(4)} (${(r.regret / Math.abs(r.objective)).toExponential(1)} of it)`;
  const { central } = r;
  const gap =
    central === undefined
      ? "; how far the optimum is was not measured: regrets are reckoned at each prosumer's own y, and y - z is not zero"
      : central.gap === undefined
        ? `; the whole problem at once: ${central.status} after ${central.seconds.toFixed(0)} s`
        : `; ${central.gap.toExponential(1)} of the objective from the whole problem solved at once in ${central.seconds.toFixed(0)} s`;
  return `${run}; ${regret}${gap}.`;
}

const HEADER =
  "prosumers,buses,pairs,shareSlots,iterations,status,cpuMsPerIteration,operatorMsPerIteration,wallMsPerIteration,peakMb,messagesPerIteration,bytesPerIteration,workingLimits,totalS";

/** [size, what is measured there] */
type Against = (of: (row: ScaleRow) => number) => [number, number][];

function figuresOf(hours: number, against: Against): Experiment["figures"] {
  const logarithmic = [{ xLog: true, yLog: true }, { joined: true }] as const;
  return {
    "": scatterFigure(
      {
        title: `Time of one iteration, all agents in one process, ${hours} h`,
        x: "prosumers",
        y: "processor time, ms",
      },
      [
        { name: "all agents", points: against((r) => r.cpuMs) },
        { name: "of which the operator", points: against((r) => r.operatorMs) },
      ],
      ...logarithmic,
    ),
    "-memory": scatterFigure(
      { title: "Peak memory of all agents in one process", x: "prosumers", y: "resident memory, MB" },
      [{ name: "peak", points: against((r) => r.peakMb) }],
      ...logarithmic,
    ),
    "-messages": scatterFigure(
      { title: "Messages and kilobytes of one iteration", x: "prosumers", y: "messages, kB" },
      [
        { name: "messages", points: against((r) => r.messages) },
        { name: "kB", points: against((r) => r.bytes / 1000) },
      ],
      ...logarithmic,
    ),
  };
}

const cellsOf = (r: ScaleRow): Cell[] => [
  r.prosumers,
  r.buses,
  r.pairs,
  r.shares,
  r.done,
  r.status,
  r.cpuMs,
  r.operatorMs,
  r.wallMs,
  r.peakMb,
  r.messages,
  r.bytes,
  r.limits,
  r.totalS,
];

const sizeText = (r: ScaleRow): string =>
  `**${r.prosumers} prosumers, ${r.buses} buses, ${r.pairs} pairs:** ${r.cpuMs.toFixed(0)} ms an iteration, ${r.operatorMs.toFixed(1)} ms of it the operator's with ${r.limits} limits in its working sets; ${r.messages.toFixed(0)} messages and ${(r.bytes / 1e6).toFixed(2)} MB an iteration; ${r.peakMb.toFixed(0)} MB at its peak.`;

function textsOf(rows: readonly ScaleRow[], hours: number, iterations: number, against: Against): string[] {
  const slope = (of: (row: ScaleRow) => number): string => exponentOf(against(of)).toFixed(2);
  return [
    `Default method (anderson), ts-drcc, ${hours} h, \`scenario generate --seed ${SEED}\`: partner lists are bounded, so pairs, lines and limits grow with the prosumers. Medians (of the operator's part the mean) over ${iterations} iterations from a cold start, the first left out; processor time of the one thread that runs all agents, so that other work on the machine counts little. Each size runs in a process of its own. Nodes on machines of their own would share all but the operator's part.`,
    ...rows.map(sizeText),
    `Fitted exponents from ${rows[0].prosumers} to ${rows[rows.length - 1].prosumers} prosumers: time ${slope((r) => r.cpuMs)}, the operator's part ${slope((r) => r.operatorMs)}, memory ${slope((r) => r.peakMb)}, messages ${slope((r) => r.messages)}, bytes ${slope((r) => r.bytes)}.`,
  ];
}

const measured = (task: ScaleTask): Promise<ScaleRow> => inChild<ScaleRow>("./scaleRun", task, HEAP_MB);

/** Time, memory and messages of an iteration against the number of prosumers. */
export async function scaleExperiment(options: ScaleOptions = {}): Promise<Experiment> {
  const sizes = options.sizes ?? SIZES;
  if (sizes.length < 2) throw new InputError(`--most leaves ${sizes.join() || "no size"}: a slope needs two or more`);
  const [hours, iterations] = [options.hours ?? HOURS, options.iterations ?? ITERATIONS];
  const rows: ScaleRow[] = [];
  // One after the other: times are measured.
  for (const prosumers of sizes) rows.push(await measured({ prosumers, seed: SEED, hours, iterations }));
  const { solve: prosumers } = options;
  const whole =
    prosumers === undefined
      ? undefined
      : await measured({
          prosumers,
          seed: SEED,
          hours,
          iterations: PATIENCE,
          central: prosumers * hours <= CENTRAL_UP_TO,
        });
  const against: Against = (of) => rows.map((row) => [row.prosumers, of(row)]);
  return {
    title: "What more prosumers cost",
    header: HEADER.split(","),
    rows: rows.map(cellsOf),
    json: {
      seed: SEED,
      hours,
      iterations,
      exponents: { cpuMs: exponentOf(against((r) => r.cpuMs)) },
      rows,
      ...(whole && { whole }),
    },
    figures: figuresOf(hours, against),
    text: [...textsOf(rows, hours, iterations, against), ...(whole ? [wholeText(whole)] : [])],
  };
}
