import { seeded, type Random } from "../prng.ts";
import { dayOf, wallOf, addDays, type ZoneClock } from "./zoneClock.ts";

/** A made-up home: what it draws in a year, how its day runs, and its panels. */
export type ExampleHome = {
  readonly id: string;
  readonly name: string;
  readonly yearKwh: number;
  readonly pvKw?: number;
  /** Panels turned east earn their most an hour before noon, west after. */
  readonly turnedHours?: number;
};

/** Which days, and how long an interval is. */
export type ExampleSpan = {
  readonly clock: ZoneClock;
  readonly from: string;
  readonly days: number;
  readonly minutes: number;
};

/** Mean power by home [home][interval], kW, with the start of every interval. Invented; the same bytes every time. */
export type ExampleSeries = {
  readonly startsMs: readonly number[];
  readonly load: number[][];
  readonly pv: number[][];
};

const HOUR_MS = 3_600_000;
/** A hill of one hour's width around a time of day. */
const hill = (hour: number, at: number, width: number): number => Math.exp(-(((hour - at) / width) ** 2));

/** The shape of a day's load, 1 on average: breakfast, dinner, and what never sleeps. */
const dayShape = (hour: number, weekend: boolean): number =>
  0.45 +
  (weekend ? 0.7 * hill(hour, 10, 2.4) : 0.9 * hill(hour, 7, 1.2)) +
  0.4 * hill(hour, 12.5, 1.5) +
  1.5 * hill(hour, 19, 2.2);

/** Sun on a roof by the hour of UTC plus what the place lies east, over the year from winter to summer. */
function sunShape(hour: number, dayOfYear: number): number {
  const season = Math.cos((2 * Math.PI * (dayOfYear - 172)) / 365);
  const half = 6 + 1.9 * season;
  const away = Math.abs(hour - 12) / half;
  return away >= 1 ? 0 : (0.55 + 0.25 * season) * Math.cos((Math.PI / 2) * away) ** 1.3;
}

export function exampleSeries(
  homes: readonly ExampleHome[],
  { clock, from, days, minutes }: ExampleSpan,
): ExampleSeries {
  const stepMs = minutes * 60_000;
  const endMs = dayOf(clock, addDays(from, days)).startMs;
  const startsMs: number[] = [];
  for (let ms = dayOf(clock, from).startMs; ms < endMs; ms += stepMs) startsMs.push(ms);
  const random = seeded(12);
  const clouds = Array.from({ length: days + 2 }, () => 0.35 + 0.6 * random());
  const load = homes.map(({ yearKwh }) => loadOf(startsMs, clock, yearKwh / 8760, random));
  const pv = homes.map(({ pvKw, turnedHours = 0 }) =>
    startsMs.map((ms) => {
      if (pvKw === undefined) return 0;
      const day = Math.floor((ms - startsMs[0]) / (24 * HOUR_MS));
      const passing = 1 - 0.3 * random() * (1 - clouds[day]);
      const offset = (wallOf(clock, Date.UTC(2026, 0, 1)) - Date.UTC(2026, 0, 1)) / HOUR_MS;
      const hour = (((ms / HOUR_MS + offset + turnedHours) % 24) + 24) % 24;
      return pvKw * sunShape(hour, Math.floor((ms / HOUR_MS / 24) % 365.25)) * clouds[day] * passing;
    }),
  );
  return { startsMs, load, pv };
}

/** Kettles and washing machines come as they please: half of a home's load is chance that lasts an hour or so. */
function loadOf(startsMs: readonly number[], clock: ZoneClock, meanKw: number, random: Random): number[] {
  let chance = 1;
  return startsMs.map((ms) => {
    const wall = new Date(wallOf(clock, ms));
    const weekend = wall.getUTCDay() % 6 === 0;
    chance = 0.7 * chance + 0.3 * (0.4 + 1.2 * random());
    return meanKw * dayShape(wall.getUTCHours() + wall.getUTCMinutes() / 60, weekend) * chance;
  });
}
