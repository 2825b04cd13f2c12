/** Electric cars and heat pumps of a community's members, from what members.csv says of them and the local clock. */
import type { Prosumer } from "../../market/scenario/scenario.ts";
import type { Member } from "./members.ts";
import { minutesOf } from "./tariff.ts";
import type { Community } from "./terms.ts";
import { addDays, dateAt, instantsOf, wallOf, type ZoneClock } from "./zoneClock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const KILO = 1e-3;
const round = (value: number): number => Number(value.toPrecision(12));

/** A session's periods: the local day, cut. */
export type Day = { readonly date: string; readonly periodMs: number; readonly startsMs: readonly number[] };

/** Most that a charger and a pump may say of themselves: what is left out follows `community.defaults`. */
type Asked = { readonly member: Member; readonly community: Community; readonly clock: ZoneClock; readonly day: Day };

/**
 * When a car stands at its charger, ms, and what it needs by when it leaves, kWh in its battery: of a stay that began
 * the day before, what is left.
 */
type Stay = { readonly fromMs: number; readonly untilMs: number; readonly needsKwh: number };

/** The instant of a local time; in the hour that spring leaves out, when the clocks have gone forward. */
function instantAt(clock: ZoneClock, date: string, minutes: number): number {
  const wall = Date.parse(`${date}T00:00:00Z`) + minutes * MINUTE_MS;
  const [first] = instantsOf(clock, wall);
  return first ?? instantsOf(clock, wall + HOUR_MS)[0] - HOUR_MS;
}

/**
 * The charger of a member on a day. `owedKwh`: what the car that stood there at midnight still lacked, where the day
 * before is known; otherwise it was charged evenly since it came. A stay that goes on after midnight leaves for later
 * what full power can still make up for.
 */
export function vehicleOf({ member, community, clock, day }: Asked, owedKwh: number | undefined): Prosumer["vehicle"] {
  const { evKw = 0, evKwh = 0, evFrom, evTo, evDays } = member.vehicle ?? {};
  if (evKw === 0 || evFrom === undefined || evTo === undefined) return undefined;
  const efficiency = community.defaults.evEfficiency;
  const { startsMs, periodMs, date } = day;
  const endMs = startsMs[startsMs.length - 1] + periodMs;
  const stays = [addDays(date, -1), date].flatMap((arrival): Stay[] => {
    const weekend = new Date(`${arrival}T00:00:00Z`).getUTCDay() % 6 === 0;
    if (evDays !== undefined && evDays !== "all" && (evDays === "weekend") !== weekend) return [];
    const [from, to] = [minutesOf(evFrom), minutesOf(evTo)];
    const fromMs = instantAt(clock, arrival, from);
    const untilMs = instantAt(clock, to > from ? arrival : addDays(arrival, 1), to);
    if (untilMs <= startsMs[0] || fromMs >= endMs) return [];
    const left = fromMs >= startsMs[0] ? 1 : (untilMs - startsMs[0]) / (untilMs - fromMs);
    return [{ fromMs, untilMs, needsKwh: left < 1 && owedKwh !== undefined ? owedKwh : evKwh * left }];
  });
  const present = (stay: Stay, ms: number): boolean => ms >= stay.fromMs && ms + periodMs <= stay.untilMs;
  const [powerMw, leastMwh, mostMwh]: number[][] = [[], [], []];
  const perPeriod = (efficiency * evKw * periodMs) / HOUR_MS;
  const reach = (stay: Stay): number => startsMs.filter((ms) => present(stay, ms)).length * perPeriod;
  // A day of 23 hours, or one cut short, may leave less time than is needed.
  const needs = stays.map((stay) => {
    const after = Math.max(0, Math.floor((stay.untilMs - endMs) / periodMs)) * perPeriod;
    const most = Math.min(stay.needsKwh, reach(stay) + after);
    return { stay, most, least: Math.min(Math.max(0, most - after), reach(stay)) };
  });
  for (const ms of startsMs) {
    const sum = (of: (need: (typeof needs)[number]) => number): number =>
      round(KILO * needs.reduce((total, need) => total + of(need), 0));
    powerMw.push(stays.some((stay) => present(stay, ms)) ? round(evKw * KILO) : 0);
    mostMwh.push(sum(({ stay, most }) => (present(stay, ms) || ms >= stay.fromMs ? most : 0)));
    // In the last period in which the car stands there today.
    leastMwh.push(sum(({ stay, least }) => (ms + 2 * periodMs > Math.min(stay.untilMs, endMs) ? least : 0)));
  }
  return { powerMw, efficiency: round(efficiency), leastMwh, mostMwh };
}

/** What is wrong with a charger that cannot give what is needed in the time that the car stands there. */
export function shortOfTime({ vehicle = {} }: Member, { defaults }: Community): string | undefined {
  const { evKw = 0, evKwh = 0, evFrom, evTo } = vehicle;
  if (evKw === 0 || evFrom === undefined || evTo === undefined) return undefined;
  const minutes = (minutesOf(evTo) - minutesOf(evFrom) + 1440) % 1440;
  const most = (defaults.evEfficiency * evKw * minutes) / 60;
  if (evKwh <= most) return undefined;
  return `evKwh = ${evKwh}: its charger gives at most ${Number(most.toPrecision(3))} kWh from ${evFrom} to ${evTo}`;
}

/** How much of a day's hot water runs at an hour of the clock: mornings, noon, evenings; all of it is 1 on average. */
const hotWater = (hour: number): number =>
  hour >= 6 && hour < 9 ? 2.4 : hour >= 11 && hour < 14 ? 1.2 : hour >= 18 && hour < 22 ? 2.1 : 0.35;

/** What a tank and a house are where members.csv does not say it. */
export const HEATS = {
  water: { heatLowC: 45, heatHighC: 55, heatStoreKwhPerC: 0.35, heatLossWattPerC: 2, heatKwhPerDay: 6 },
  rooms: { heatLowC: 20, heatHighC: 22, heatStoreKwhPerC: 6, heatLossWattPerC: 150, heatKwhPerDay: 0 },
} as const;
/** Around a tank, degrees. */
const CELLAR_C = 20;

/** The heat pump of a member on a day. `degrees`: where the day before left it; absent: the middle of its band. */
export function heatPumpOf(
  { member, community, clock, day }: Asked,
  degrees: number | undefined,
): Prosumer["heatPump"] {
  const { heatPumpKw = 0, heatPumpCop = 3, heats = "water", ...said } = member.heatPump ?? {};
  if (heatPumpKw === 0) return undefined;
  const its = { ...HEATS[heats], ...said };
  const { startsMs, periodMs } = day;
  const share = startsMs.map((ms) => hotWater(new Date(wallOf(clock, ms)).getUTCHours()));
  const all = share.reduce((a, b) => a + b, 0);
  const hours = periodMs / HOUR_MS;
  // It does not cool: what is outside warms a house no further than its owner likes.
  const outside = (ms: number): number => Math.min(its.heatHighC, outsideAt(community, clock, ms));
  return {
    powerMw: round(heatPumpKw * KILO),
    cop: startsMs.map(() => heatPumpCop),
    storeMwhPerC: round(its.heatStoreKwhPerC * KILO),
    lossMwPerC: round(its.heatLossWattPerC * KILO * KILO),
    aroundC: startsMs.map((ms) => (heats === "water" ? Math.min(CELLAR_C, its.heatHighC) : outside(ms))),
    drawnMw: share.map((one) => round((its.heatKwhPerDay * KILO * one) / all / hours)),
    lowC: its.heatLowC,
    highC: its.heatHighC,
    initialC: round(Math.min(its.heatHighC, Math.max(its.heatLowC, degrees ?? (its.heatLowC + its.heatHighC) / 2))),
  };
}

/** Mean outside temperature: one figure, or that of the month. */
function outsideAt({ outsideC = 10 }: Community, clock: ZoneClock, ms: number): number {
  return typeof outsideC === "number" ? outsideC : outsideC[Number(dateAt(clock, ms).slice(5, 7)) - 1];
}
