import { ownedBy } from "../devices/devices.ts";
import type { Prosumer, Scenario } from "./scenario.ts";

/**
 * Size of the 15-bus day, MW: at this one the figures of `regularisation`, of penalties and of tolerances are what they
 * are written as.
 */
export const REFERENCE_SIZE_MW = 0.15107334;

/**
 * A member's own figure, MW: declared at registration, else the largest of its load's peak and its devices' ratings.
 */
export const sizeOf = (prosumer: Prosumer): number =>
  prosumer.sizeMw ?? Math.max(0, ...ownedBy(prosumer).map(({ device, part }) => device.rating(part).sizeMw));

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
