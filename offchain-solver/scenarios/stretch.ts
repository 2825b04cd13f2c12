/** A stretch of a day as a session of its own, between where a plan of the whole day has everything. */
import { ownedBy, PLANNED, withDevices, type PlanName } from "../market/devices/devices.ts";
import { withCapabilities } from "../market/scenario/capability.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { withSizes } from "../market/scenario/size.ts";
import { resampled } from "./periods.ts";

/** Periods `from` on, before `to`. */
export type Cut = { readonly from: number; readonly to: number };

/** [prosumer] what its devices do, by period. */
export type Plans = readonly Readonly<Record<PlanName, ArrayLike<number>>>[];

/**
 * The session of those periods. A battery, a car, a tank begin where the plan has left them by then, and have by its
 * end what the plan had then; load that the plan moves out of it is moved out. So the stretches of a day come to what
 * the day comes to, where no ramp binds: a generator's is counted from what it ran at before, and where it ends is
 * free. What is declared of a connection stays the day's, and allowances follow the load in it.
 */
export function stretchOf(day: Scenario, plans: Plans, { from, to }: Cut): Scenario {
  const cut = <T>(series: readonly T[]): T[] => series.slice(from, to);
  const [whole] = withCapabilities([withSizes(day)]);
  const shorter = resampled(whole, { straight: cut, held: cut, reached: cut });
  const startMs = Date.parse(day.startUtc) + from * day.periodHours * 3_600_000;
  return {
    ...shorter,
    startUtc: new Date(startMs).toISOString().replace(".000", ""),
    prosumers: shorter.prosumers.map((prosumer, k) => {
      const parts = new Map(ownedBy(whole.prosumers[k]).map((owned) => [owned.name, owned.part]));
      return withDevices(prosumer, ({ name, device, part }) => ({
        ...part,
        ...device.between?.(parts.get(name)!, plans[k], { from, to, dt: day.periodHours }),
      }));
    }),
    uncertainty: firstLag(shorter.uncertainty),
  };
}

/** Nothing comes before the first period. */
const firstLag = (uncertainty: Scenario["uncertainty"]): Scenario["uncertainty"] =>
  uncertainty.joint === undefined
    ? uncertainty
    : {
        ...uncertainty,
        joint: { ...uncertainty.joint, lag: uncertainty.joint.lag.map((one, t) => (t === 0 ? 0 : one)) },
      };

/**
 * The day's plan with what a stretch of it turned out to do in place of what was planned there; undefined: as planned.
 */
export function withStretch(plans: Plans, done: readonly (Plans[number] | undefined)[], from: number): Plans {
  return plans.map((plan, k) => {
    const own = done[k];
    if (own === undefined) return plan;
    const of = ([name, { fromStart }]: (typeof PLANNED)[number]): [PlanName, ArrayLike<number>] => {
      const before = fromStart === true && from > 0 ? plan[name][from - 1] : 0;
      const series = Array.from(plan[name]);
      Array.from(own[name]).forEach((value, t) => (series[from + t] = before + value));
      return [name, series];
    };
    return Object.fromEntries(PLANNED.map(of)) as Record<PlanName, ArrayLike<number>>;
  });
}
