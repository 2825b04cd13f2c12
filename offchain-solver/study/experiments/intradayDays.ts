/** Held-out days cleared again and again, kept one by one: they take hours, and may be played in parts. */
import * as z from "zod";
import { createMarket, defaultSettings } from "../../market/scenario/market.ts";
import type { Scenario } from "../../market/scenario/scenario.ts";
import { seeded } from "../../scenarios/prng.ts";
import { withSustain } from "../../scenarios/withSustain.ts";
import { firstSession, playIntraday } from "../../simulation/outOfSample/intraday.ts";
import { byAgents, centrally, type Plan, type Planner } from "../../simulation/outOfSample/plan.ts";
import { REPLAY_TOLERANCE, REPLAYED } from "../../simulation/outOfSample/replay.ts";
import { countingIterations, type PlanMethod } from "./common.ts";
import { keepLine, keptLines } from "./kept.ts";

const LimitSchema = z.enum(REPLAYED);
const count = z.number().int().nonnegative();

/** One held-out day, cleared again after every so many hours. */
const PlayedDaySchema = z.strictObject({
  scenario: z.string(),
  hours: count,
  method: z.enum(["central", "anderson"]).default("central"),
  /** How long answers have to go on, h (0: booked by the hour), and after how many hours the rest is cleared again. */
  sustain: count,
  every: count,
  day: count,
  cost: z.number(),
  refused: z.array(count),
  missingMwh: z.number(),
  /** How often each limit was met with an answer in the way. */
  looked: z.record(LimitSchema, count),
  beyond: z.array(
    z.strictObject({
      limit: LimitSchema,
      prosumer: count,
      period: count,
      /** MW or MWh. */
      by: z.number(),
      /** Of the answers' sum, see `deviationsOf`. */
      deviations: z.number().optional(),
    }),
  ),
});
export type PlayedDay = z.infer<typeof PlayedDaySchema>;

/** Which days are one another's: of one scenario, one horizon, cleared alike. */
export type Course = Pick<PlayedDay, "scenario" | "hours" | "method" | "sustain" | "every">;

const alike = (a: Course, b: Course): boolean =>
  a.scenario === b.scenario &&
  a.hours === b.hours &&
  a.method === b.method &&
  a.sustain === b.sustain &&
  a.every === b.every;

/** Plays days that are not kept yet, and keeps each as soon as it is played. */
export class IntradayDays {
  readonly #scenario: Scenario;
  readonly #file: string | undefined;
  readonly #kept: PlayedDay[];
  /** The first session of a day is the same for all days. */
  readonly #first = new Map<number, { readonly whole: Scenario; readonly first: Plan }>();
  readonly #method: PlanMethod;
  readonly #planner: Planner;

  constructor(scenario: Scenario, method: PlanMethod, file: string | undefined) {
    this.#scenario = scenario;
    this.#method = method;
    this.#planner = method === "central" ? centrally : byAgents(countingIterations);
    this.#file = file;
    this.#kept = keptLines(file, PlayedDaySchema);
  }

  day(sustain: number, every: number, day: number): PlayedDay {
    const { name, hours } = this.#scenario;
    const course = { scenario: name, hours, method: this.#method, sustain, every };
    const kept = this.#kept.find((one) => one.day === day && alike(one, course));
    if (kept !== undefined) return kept;
    const played = this.#play(course, day);
    this.#kept.push(played);
    keepLine(this.#file, played);
    return played;
  }

  #play(course: Course, day: number): PlayedDay {
    const { whole, first } = this.#firstOf(course.sustain);
    const { prosumers, dt } = createMarket(whole, defaultSettings(whole));
    const looked = Object.fromEntries(REPLAYED.map((limit) => [limit, 0])) as PlayedDay["looked"];
    const beyond: PlayedDay["beyond"] = [];
    const periods = Math.max(1, Math.round(course.every / dt));
    const asked = { day, every: periods, first, planner: this.#planner };
    const played = playIntraday(whole, asked, (limit, i, period, by, deviations) => {
      looked[limit]++;
      if (by <= REPLAY_TOLERANCE) return;
      const unusual = deviations();
      beyond.push({
        limit,
        prosumer: prosumers[i].id,
        period,
        by,
        ...(unusual !== undefined && { deviations: unusual }),
      });
    });
    const { cost, refused, missingMwh } = played;
    return { ...course, day, cost, refused: [...refused], missingMwh, looked, beyond };
  }

  #firstOf(sustain: number): { readonly whole: Scenario; readonly first: Plan } {
    let found = this.#first.get(sustain);
    if (found === undefined) {
      const whole = withSustain(this.#scenario, sustain);
      found = { whole, first: firstSession(whole, this.#planner) };
      this.#first.set(sustain, found);
    }
    return found;
  }
}

/**
 * 95 % of the means of so many days drawn anew from those played, whole days with replacement: hours of one day fail
 * together, so days are what is drawn. [low, high] of a ratio of sums.
 */
export function daysDrawnAnew(
  days: readonly PlayedDay[],
  ratio: (day: PlayedDay) => readonly [numerator: number, denominator: number],
  draws: number,
  seed: number,
): [low: number, high: number] {
  const random = seeded(seed);
  const each = days.map(ratio);
  const drawn = Float64Array.from({ length: draws }, () => {
    let [top, bottom] = [0, 0];
    for (let k = 0; k < days.length; k++) {
      const [a, b] = each[Math.floor(random() * days.length)];
      top += a;
      bottom += b;
    }
    return bottom > 0 ? top / bottom : 0;
  }).sort();
  const at = (share: number): number => drawn[Math.min(draws - 1, Math.floor(share * draws))];
  return [at(0.025), at(0.975)];
}
