import { InputError } from "../../io/inputError.ts";
import { wilson } from "../../market/risk/exposure.ts";
import { barFigure, type Bar } from "../../report/figures.ts";
import { REPLAYED, type Replayed } from "../../simulation/outOfSample/replay.ts";
import { DRAWS, scenarioOf, SEED, type Cell, type Experiment, type Horizon } from "./common.ts";
import { daysDrawnAnew, IntradayDays, type PlayedDay } from "./intradayDays.ts";

/** How long answers have to go on, h (0: booked by the hour), and after how many hours the rest is cleared again. */
const CASES = [
  [0, 24],
  [24, 24],
  [6, 6],
  [3, 3],
  [1, 1],
  [0, 1],
] as const;

export type IntradayOptions = Horizon & {
  readonly scenario?: string;
  /** Cleared by the agents in place of the central method. */
  readonly agents?: boolean;
  /** Only so many held-out days, only those cleared again after so many hours, or whose answers last so long. */
  readonly days?: number;
  readonly every?: number;
  readonly sustain?: number;
  /** Days already played, to go on from and to add to. */
  readonly keep?: string;
};

type Case = {
  readonly sustain: number;
  readonly every: number;
  readonly days: readonly PlayedDay[];
  /** % more than booked by the hour and never cleared again, on the same days. */
  readonly more: number;
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const costOf = (days: readonly PlayedDay[]): number => mean(days.map(({ cost }) => cost));
const missingOf = (days: readonly PlayedDay[]): number => mean(days.map(({ missingMwh }) => missingMwh));
const refusedOf = (days: readonly PlayedDay[]): number => sum(days.map(({ refused }) => refused.length));

/** Held-out days as consecutive sessions: the rest of a day cleared again and again, from where its batteries are. */
export function intradayExperiment({
  hours,
  scenario: name = "ieee15",
  agents = false,
  days: most = Infinity,
  every,
  sustain: lasting,
  keep,
}: IntradayOptions = {}) {
  const chosen = chosenCases(every, lasting);
  const scenario = scenarioOf(name, hours);
  const held = scenario.uncertainty.testErrors[0].length;
  const count = Math.min(most, held);
  const played = new IntradayDays(scenario, agents ? "anderson" : "central", keep);
  const courses = chosen.map((): PlayedDay[] => []);
  const base: PlayedDay[] = [];
  // Day by day, so that what is cut off in the middle has the same days of every course.
  for (let day = 0; day < count; day++) {
    base.push(played.day(0, 24, day));
    chosen.forEach(([sustain, hour], k) => courses[k].push(played.day(sustain, hour, day)));
  }
  const cases = chosen.map(([sustain, hour], k): Case => {
    const more = 100 * (costOf(courses[k]) / costOf(base) - 1);
    return { sustain, every: hour, days: courses[k], more };
  });
  const page: Experiment = {
    title: "The rest of the day cleared again",
    header:
      "sustainHours,reclearHours,days,meanCostUsd,morePercent,sessionsRefused,missingMwh,limit,looked,broken,brokenPercent,low,high,lowByDays,highByDays,daysBroken,unusual,worst".split(
        ",",
      ),
    rows: cases.flatMap(rowsOf),
    figures: { "": figureOf(cases, count) },
    text: [
      `${name}, ${agents ? "agents (anderson)" : "central method"}, ts-drcc, eps .05 for every limit and hour; the first ${count} of ${held} held-out days. Every H hours what is left of the day is cleared again: batteries begin with what their answers have left in them, generators at what they ran at, load still owes what it moved, batteries have to hold at the end what the day asked of them or as much as can still be reached, and forecasts are corrected by what the last errors say of those to come (\`scenarios/restOfDay.ts\`; the fitted days alike, so moments are those of corrected forecasts). The first H hours are settled. Nothing is taken to be brought back to plan: beyond a limit of stored energy a battery goes on from that limit. Cost is what was settled and what answers did, allowances at the desk's prices for all together; more or less than booked by the hour, cleared once, on the same days.`,
      `Two intervals stand beside every share: the binomial one takes hours to be independent; of ${DRAWS} draws of as many whole days from those played, 95 % lie within the second ("by days"), which knows that hours of one day fail together. A limit held at eps .05 has room for at least sqrt(.95/.05) = 4.36 deviations of what answers may come to by the fitted law: answers of more are called unusual, and no two-sided bound on those moments covers them.`,
      "Three things that costs do not say, in figures of the 15-bus day. Energy that a battery beyond its limit did not have costs nothing: by the hour and once a day .080 MWh a day are given for nothing, some $3 to 6. By the hour whoever owns a generator and a battery answers nothing, since nobody says which of them would, and nobody pays for it: the base is $322.20 a day; if their batteries answer it is $324.50, if their generators do $316.60, with half each $320.24. And 28 days are few: answers for one hour instead of by the hour, cleared again every hour, cost $.29 a day more on the same days, with a standard error of $2.20.",
      ...cases.map(said),
    ],
  };
  return page;
}

/** Rows that are asked for. Throws InputError where there is none. */
function chosenCases(every: number | undefined, lasting: number | undefined): (typeof CASES)[number][] {
  const chosen = CASES.filter(
    ([sustain, hour]) => (every === undefined || hour === every) && (lasting === undefined || sustain === lasting),
  );
  if (chosen.length > 0) return chosen;
  const asked = [every === undefined ? [] : `--every ${every}`, lasting === undefined ? [] : `--sustain ${lasting}`];
  const known = CASES.map(([sustain, hour]) => `${hour} and ${sustain}`).join(", ");
  throw new InputError(`${asked.flat().join(" ")}: is no row; there are --every and --sustain ${known}`);
}

/** What is said of one limit in one course. */
function figuresOf({ days }: Case, limit: Replayed) {
  const own = (day: PlayedDay) => day.beyond.filter((one) => one.limit === limit);
  const looked = sum(days.map((day) => day.looked[limit]));
  const broken = sum(days.map((day) => own(day).length));
  const byDays = daysDrawnAnew(days, (day) => [own(day).length, day.looked[limit]], DRAWS, SEED);
  const worst = days.flatMap((day) => own(day).map((one) => ({ ...one, day: day.day }))).sort((a, b) => b.by - a.by)[0];
  const unusual = sum(days.map((day) => own(day).filter(({ deviations = 0 }) => deviations > ROOM).length));
  const daysBroken = days.filter((day) => own(day).length > 0).length;
  const { probability, low, high } = wilson(broken, Math.max(1, looked));
  const [share, from, to, fromByDays, toByDays] = [probability, low, high, ...byDays].map((value) => 100 * value);
  return { looked, broken, share, from, to, fromByDays, toByDays, daysBroken, unusual, worst };
}

/** Deviations that a limit held at eps .05 has room for on its nearer side. */
const ROOM = Math.sqrt(0.95 / 0.05);

type Worst = ReturnType<typeof figuresOf>["worst"] | undefined;

const worstText = (worst: Worst): string =>
  worst === undefined
    ? ""
    : `prosumer ${worst.prosumer} in period ${worst.period} of day ${worst.day}, ${worst.by.toFixed(4)} ${worst.limit === "stored energy" ? "MWh" : "MW"} beyond${worst.deviations === undefined ? "" : ` after answers of ${worst.deviations.toFixed(1)} deviations`}`;

function rowsOf(one: Case): Cell[][] {
  const { sustain, every, days, more } = one;
  const course = [sustain, every, days.length, costOf(days), more, refusedOf(days), missingOf(days)];
  return REPLAYED.map((limit) => {
    const { looked, broken, share, from, to, fromByDays, toByDays, ...rest } = figuresOf(one, limit);
    const shares = [share, from, to, fromByDays, toByDays];
    return [...course, limit, looked, broken, ...shares, rest.daysBroken, rest.unusual, worstText(rest.worst)];
  });
}

function said(one: Case): string {
  const { sustain, every, days, more } = one;
  const parts = REPLAYED.map((limit) => {
    const found = figuresOf(one, limit);
    const [share, from, to, fromByDays, toByDays] = [
      found.share,
      found.from,
      found.to,
      found.fromByDays,
      found.toByDays,
    ].map((value) => value.toFixed(2));
    const why = sustain === 0 ? "" : `, ${found.unusual} of them after unusual answers`;
    const named =
      found.worst === undefined
        ? ""
        : `, on ${found.daysBroken} of ${days.length} days${why}; worst: ${worstText(found.worst)}`;
    return `${limit} ${found.broken} of ${found.looked}, ${share} % (${from}-${to}, by days ${fromByDays}-${toByDays}${named})`;
  });
  const answers = sustain === 0 ? "by the hour" : `for ${sustain} h`;
  return `**Answers ${answers}, cleared again after ${every} h:** $${costOf(days).toFixed(2)} a day (${more >= 0 ? "+" : ""}${more.toFixed(1)} %); sessions without a solution, in which the plan of before went on: ${refusedOf(days)}; batteries end ${missingOf(days).toFixed(4)} MWh a day below what the day asked. Beyond a limit: ${parts.join("; ")}.`;
}

function figureOf(cases: readonly Case[], days: number): string {
  const bars = cases.flatMap((one): Bar[] =>
    REPLAYED.map((part) => ({
      group: `${one.sustain === 0 ? "hour" : `${one.sustain} h`} / ${one.every} h`,
      part,
      value: figuresOf(one, part).share,
    })),
  );
  const title = `Device-hours beyond a limit, ${days} held-out days cleared again and again`;
  return barFigure({ title, x: "answers last / cleared again after", y: "% of device-hours" }, bars);
}
