import type { Prosumer, Scenario } from "./scenario.ts";

/**
 * Size of the 15-bus day, MW: at this one the figures of `regularisation`, of penalties and of tolerances are what they
 * are written as.
 */
export const REFERENCE_SIZE_MW = 0.15107334;

/**
 * A member's own figure, MW: declared at registration, else the largest of its load's peak and its devices' ratings.
 */
export function sizeOf({ sizeMw, load, generator, renewable, battery }: Prosumer): number {
  if (sizeMw !== undefined) return sizeMw;
  const peak = load.fixedMw.reduce((most, mw) => Math.max(most, mw), 0);
  return Math.max(peak, generator?.maxMw ?? 0, renewable?.ratingMw ?? 0, battery?.powerMw ?? 0);
}

/**
 * The market's size, MW: the mean over its members. Without any load or device there is none to follow, and the
 * reference serves.
 */
export function marketSizeMw(members: readonly { readonly sizeMw: number }[]): number {
  const mean = members.reduce((sum, { sizeMw }) => sum + sizeMw, 0) / members.length;
  return mean > 0 ? mean : REFERENCE_SIZE_MW;
}

/** The scenario with every member's figure declared, before anything is cut from it or hidden. */
export const withSizes = (scenario: Scenario): Scenario => ({
  ...scenario,
  prosumers: scenario.prosumers.map((prosumer) => ({ ...prosumer, sizeMw: sizeOf(prosumer) })),
});
