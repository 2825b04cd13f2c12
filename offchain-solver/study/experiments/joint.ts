import type { RiskMethod } from "../../market/scenario/scenario.ts";
import { barFigure, type Bar } from "../../report/figures.ts";
import { PROMISE, reserveOf, scenarioOf, solve, type Cell, type Experiment } from "./common.ts";
import type { Horizon } from "./common.ts";

const WAYS = [
  { name: "joint", more: { reserve: "joint" } },
  { name: "sequential", more: { reserve: "sequential" } },
  { name: "no trade", more: { trade: false } },
] as const;
const METHODS: readonly RiskMethod[] = ["gaussian", "ts-drcc", "bonferroni"];

/** Energy and reserve at once, one after the other, and without trade. */
export function jointExperiment({ hours: most = Infinity }: Horizon = {}): Experiment {
  const rows: Cell[][] = [];
  const text: string[] = [];
  const figures: Record<string, string> = {};
  for (const { feeder, hours } of [
    { feeder: "ieee15", hours: 24 },
    { feeder: "ieee141", hours: 12 },
  ]) {
    const scenario = scenarioOf(feeder, Math.min(hours, most));
    const bars: Bar[] = [];
    for (const risk of METHODS) {
      const cost = new Map<string, number>();
      const said: string[] = [];
      for (const { name, more } of WAYS) {
        const solved = solve(scenario, { risk }, more);
        if (typeof solved === "string") {
          rows.push([feeder, hours, risk, name, solved]);
          said.push(`${name}: ${solved}`);
          continue;
        }
        const { booked, utility } = reserveOf(solved);
        cost.set(name, solved.objective);
        rows.push([feeder, hours, risk, name, "solved", solved.objective, booked, utility]);
        said.push(`${name} $${solved.objective.toFixed(2)}`);
        bars.push({ group: `${risk}, ${name}`, part: "cost", value: solved.objective });
      }
      const joint = cost.get("joint") ?? NaN;
      const sequential = cost.get("sequential");
      const alone = cost.get("no trade");
      text.push(
        `**${feeder}, ${hours} h, ${risk}:** ${said.join("; ")}.` +
          (sequential === undefined
            ? ""
            : ` Clearing reserve after energy costs ${(100 * (sequential / joint - 1)).toFixed(2)} % more.`) +
          (alone === undefined ? "" : ` Trade saves ${(100 * (1 - joint / alone)).toFixed(1)} % of going it alone.`),
      );
    }
    const ts = bars.filter(({ group }) => group.startsWith("ts-drcc"));
    figures[feeder === "ieee15" ? "" : `-${feeder}`] = barFigure(
      { title: `${feeder}, ${hours} h: cost of the day, ts-drcc`, x: "how the market clears", y: "cost, $" },
      ts.map((bar) => ({ ...bar, group: bar.group.slice("ts-drcc, ".length) })),
    );
  }
  return {
    title: "Joint or sequential",
    header: "feeder,hours,method,way,status,costUsd,bookedMwh,utilityMwh".split(","),
    rows,
    figures,
    text: [
      `Central method, eps .05 (${PROMISE}). Sequential: energy is cleared first with deterministic limits; its trades then stand while reserve is cleared, devices and utility connections may be redispatched. What is feasible after that is feasible jointly, so joint never costs more. ieee141 is cut to its first 12 hours.`,
      ...text,
    ],
  };
}
