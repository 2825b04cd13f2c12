import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "../../io/output.ts";
import { defaultSettings, type Market, type MarketSettings } from "../../market/scenario/market.ts";
import { createNetwork, type Network } from "../../market/formulation/network.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import type { Solution } from "../../market/result/solution.ts";
import { clear } from "../../simulation/clear.ts";
import { loadScenario, takeHours } from "../../scenarios/loadScenario.ts";
import type { LimitReport, OutOfSample } from "../../simulation/outOfSample/monteCarlo.ts";

/** What every experiment draws, with one seed. */
export const DRAWS = 10_000;
export const SEED = 1;
export const PROMISE = "eps is promised per two-sided constraint and hour, not jointly over the network";

/** Only the first hours of every case, to try an experiment out. */
export type Horizon = { readonly hours?: number };

/** How plans are made that are played through. */
export type PlanMethod = "central" | "anderson";

export const lastingFor = (sustain: number): string => (sustain === 0 ? "by the hour" : `for ${sustain} h`);

/** A line every hundred iterations, of clearings that take long. */
export function countingIterations({ name, hours, risk }: Scenario, iteration: number): void {
  if (iteration % 100 !== 0) return;
  say(`${name}, ${hours} h, answers ${lastingFor(risk.sustainHours ?? 0)}: iteration ${iteration}`);
}

export type Cell = string | number;
export type Experiment = {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** File name's suffix ("" for the first) to SVG. */
  readonly figures: Readonly<Record<string, string>>;
  /** What the table has no room for, beside it as NAME.json. */
  readonly json?: unknown;
  /** Paragraphs of Markdown with what was measured. */
  readonly text: readonly string[];
};

export type Solved = {
  readonly objective: number;
  readonly solution: Solution;
  readonly market: Market;
  /** The real limits, whether or not the clearing knew them. */
  readonly network: Network;
  readonly seconds: number;
};

export function scenarioOf(name: string, hours?: number): Scenario {
  const scenario = loadScenario(name);
  return hours === undefined ? scenario : takeHours(scenario, hours);
}

/** Clears by the central method; a string says why there is no result. */
export function solve(
  scenario: Scenario,
  market: Partial<MarketSettings> = {},
  more: { readonly trade?: boolean; readonly reserve?: "joint" | "sequential" } = {},
): Solved | string {
  const session = clear(scenario, {
    method: "central",
    trade: more.trade ?? true,
    rhoScale: 1,
    maxIterations: 1,
    market: { ...defaultSettings(scenario), ...market },
    reserve: more.reserve ?? "joint",
  });
  if (session.outcome === undefined) return session.reason ?? session.status;
  return {
    objective: session.outcome.objective,
    solution: session.outcome.solution,
    market: session.market,
    network: createNetwork(session.market),
    seconds: session.wallMs / 1000,
  };
}

/**
 * MWh over the horizon, up and down added: what prosumers book, what the utility holds, what K sigma asks of everybody.
 */
export function reserveOf({ market, solution }: Solved): { booked: number; utility: number; required: number } {
  let [booked, utility, required] = [0, 0, 0];
  for (let t = 0; t < market.hours; t++)
    solution.schedules.forEach((s, i) => {
      booked += (s.reserveUpMw[t] + s.reserveDownMw[t]) * market.dt;
      utility += 2 * Math.max(0, s.utilityShareMw[t]) * market.dt;
      required += 2 * market.halfWidth[t] * market.sigma[t][i] * market.dt;
    });
  return { booked, utility, required };
}

/** Constraints that the fitted errors move: where they cancel, what is left is error too small to need an answer. */
export const moved = (o: OutOfSample): LimitReport[] => o.limits.filter((row) => row.deviation > 1e-6);

export function worstOf(rows: readonly LimitReport[]): LimitReport | undefined {
  return rows.reduce<LimitReport | undefined>(
    (a, b) => (a === undefined || b.violation.heldOut.probability > a.violation.heldOut.probability ? b : a),
    undefined,
  );
}

const cell = (value: Cell): string =>
  typeof value === "number"
    ? String(Number(value.toPrecision(10)))
    : /[",\n]/.test(value)
      ? `"${value.replaceAll('"', '""')}"`
      : value;

/** What `write` writes of an experiment with one figure. */
export const filesOf = (name: string): string[] => ["csv", "json", "svg", "md"].map((kind) => `${name}.${kind}`);

/** Writes NAME.csv, NAME.svg (and further figures), NAME.json where there is one, and NAME.md into a folder. */
export function write(folder: string, name: string, command: string, experiment: Experiment): string[] {
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  const put = (file: string, text: string): void => {
    writeFileSync(join(folder, file), text);
    files.push(join(folder, file));
  };
  put(`${name}.csv`, `${[experiment.header, ...experiment.rows].map((row) => row.map(cell).join(",")).join("\n")}\n`);
  if (experiment.json !== undefined) put(`${name}.json`, `${JSON.stringify(experiment.json, null, 1)}\n`);
  for (const [suffix, picture] of Object.entries(experiment.figures)) put(`${name}${suffix}.svg`, picture);
  const pictures = Object.keys(experiment.figures)
    .sort((a, b) => a.length - b.length)
    .map((suffix) => `![${experiment.title}](${name}${suffix}.svg)`);
  put(
    `${name}.md`,
    [
      `# ${experiment.title}`,
      `Command: \`${command}\`. Every number is in [${name}.csv](${name}.csv).`,
      ...experiment.text,
      ...pictures,
    ].join("\n\n") + "\n",
  );
  return files;
}
