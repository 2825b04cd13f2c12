import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import { wilson } from "../../market/risk/exposure.ts";
import { barFigure, type Bar } from "../../report/figures.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { firstSession, playIntraday, type IntradayDay } from "../../simulation/outOfSample/intraday.ts";
import { REPLAYED, tallying, type Tallies } from "../../simulation/outOfSample/replay.ts";
import { scenarioOf, type Cell, type Experiment, type Horizon } from "./common.ts";

/** How long answers have to go on, h (0: booked by the hour), and after how many hours the rest is cleared again. */
const CASES = [
  [0, 24],
  [0, 1],
  [1, 1],
  [3, 3],
  [6, 6],
  [24, 24],
] as const;

/** `days`: only so many held-out days; `every`: only those cleared again after so many hours. */
export type IntradayOptions = Horizon & { readonly days?: number; readonly every?: number };

type Case = {
  readonly sustain: number;
  readonly every: number;
  readonly days: readonly IntradayDay[];
  readonly tallies: Tallies;
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Held-out days as consecutive sessions: the rest of a day cleared again and again, from where its batteries are. */
export function intradayExperiment({ hours, days: most = Infinity, every }: IntradayOptions = {}): Experiment {
  const scenario = scenarioOf("ieee15", hours);
  const count = Math.min(most, scenario.uncertainty.testErrors[0].length);
  const cases = CASES.filter((one) => every === undefined || one[1] === every).map(([sustain, hour]): Case => {
    const whole = withSustain(scenario, sustain);
    const first = firstSession(whole);
    const { tallies, count: counted } = tallying();
    const { prosumers, dt } = createMarket(whole, defaultSettings(whole));
    const days = Array.from({ length: count }, (_, day) =>
      playIntraday(whole, { day, every: Math.max(1, Math.round(hour / dt)), first }, (limit, i, t, beyond) =>
        counted(limit, beyond, [prosumers[i].id, t, day]),
      ),
    );
    return { sustain, every: hour, days, tallies };
  });
  return {
    title: "The rest of the day cleared again",
    header:
      "sustainHours,reclearHours,days,meanCostUsd,sessionsRefused,missingMwh,limit,looked,broken,brokenPercent,low,high,worst".split(
        ",",
      ),
    rows: cases.flatMap(rowsOf),
    figures: { "": figureOf(cases, count) },
    text: [
      `ieee15, central method, ts-drcc, eps .05 for every limit and hour; the first ${count} of ${scenario.uncertainty.testErrors[0].length} held-out days. Every H hours what is left of the day is cleared again: batteries begin with what their answers have left in them, generators at what they ran at, load still owes what it moved, batteries have to hold at the end what the day asked of them or as much as can still be reached, and forecasts are corrected by what the last errors say of those to come (\`scenarios/restOfDay.ts\`; the fitted days alike, so moments are those of corrected forecasts). The first H hours are settled. Nothing is taken to be brought back to plan: beyond a limit of stored energy a battery goes on from that limit. Cost is what was settled, energy that answers moved not included, allowances at the desk's prices for all together.`,
      ...cases.map(said),
    ],
  };
}

function rowsOf({ sustain, every, days, tallies }: Case): Cell[][] {
  const refused = days.reduce((sum, day) => sum + day.refused.length, 0);
  const [cost, missing] = [mean(days.map((day) => day.cost)), mean(days.map((day) => day.missingMwh))];
  return REPLAYED.map((limit) => {
    const { looked, broken, worst } = tallies[limit];
    const { probability, low, high } = wilson(broken, Math.max(1, looked));
    const name = worst ? `prosumer ${worst[0]} in period ${worst[1]} of day ${worst[2]}: ${worst[3].toFixed(4)}` : "";
    const share = [probability, low, high].map((value) => 100 * value);
    return [sustain, every, days.length, cost, refused, missing, limit, looked, broken, ...share, name];
  });
}

function said(one: Case): string {
  const { sustain, every, days, tallies } = one;
  const refused = days.reduce((sum, day) => sum + day.refused.length, 0);
  const parts = REPLAYED.map((limit) => {
    const { looked, broken, worst } = tallies[limit];
    const { probability, low, high } = wilson(broken, Math.max(1, looked));
    const [share, from, to] = [probability, low, high].map((value) => (100 * value).toFixed(2));
    const unit = limit === "stored energy" ? "MWh" : "MW";
    const named = worst
      ? `; worst: prosumer ${worst[0]} in period ${worst[1]} of day ${worst[2]}, ${worst[3].toFixed(4)} ${unit} beyond`
      : "";
    return `${limit} ${broken} of ${looked}, ${share} % (${from}-${to}${named})`;
  });
  const answers = sustain === 0 ? "by the hour" : `for ${sustain} h`;
  return `**Answers ${answers}, cleared again after ${every} h:** $${mean(days.map((day) => day.cost)).toFixed(2)} a day; sessions without a solution, in which the plan of before went on: ${refused}; batteries end ${mean(days.map((day) => day.missingMwh)).toFixed(4)} MWh a day below what the day asked. Beyond a limit: ${parts.join("; ")}.`;
}

function figureOf(cases: readonly Case[], days: number): string {
  const bars = cases.flatMap(({ sustain, every, tallies }): Bar[] =>
    REPLAYED.map((part) => ({
      group: `${sustain === 0 ? "hour" : `${sustain} h`} / ${every} h`,
      part,
      value: (100 * tallies[part].broken) / Math.max(1, tallies[part].looked),
    })),
  );
  const title = `Device-hours beyond a limit, ${days} held-out days cleared again and again`;
  return barFigure({ title, x: "answers last / cleared again after", y: "% of device-hours" }, bars);
}
