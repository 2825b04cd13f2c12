import { ownedBy } from "../devices/devices.ts";
import type { Prosumer, Scenario } from "./scenario.ts";
import type { Fault } from "./scenarioFaults.ts";

/**
 * Size of the 15-bus day, MW: at this one the figures of `regularisation`, of penalties and of tolerances are what they
 * are written as.
 */
export const REFERENCE_SIZE_MW = 0.15107334;

/**
 * A member's own figure, MW: declared at registration, else the largest of its load's peak and its devices' ratings.
 */
export const sizeOf = (prosumer: Prosumer): number => prosumer.sizeMw ?? ownSizeMw(prosumer);

/** What its load and devices come to, whatever it declared. */
const ownSizeMw = (prosumer: Prosumer): number =>
  Math.max(0, ...ownedBy(prosumer).map(({ device, part }) => device.rating(part).sizeMw));

/**
 * Declared sizes may be so many times, or such a part, of what loads and devices come to, in the mean: a home's
 * connection is rated ten times its load, and a night's loads are a part of the year's peaks.
 */
const MOST_APART = 100;

/**
 * Units, tolerances and thresholds follow the mean of what is declared: far beyond what there is, anything counts as
 * cleared; far below, nothing ever does. The member is named who declared what is farthest from its own. No fault
 * where loads and devices are not known.
 */
export function sizeFaults({ prosumers }: Pick<Scenario, "prosumers">): Fault[] {
  const own = prosumers.map(ownSizeMw);
  const declared = prosumers.map(sizeOf);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const ratio = sum(declared) / sum(own);
  // A market of nothing but zeros has the reference size.
  if (!(sum(own) > 0) || sum(declared) === 0 || (ratio <= MOST_APART && ratio >= 1 / MOST_APART)) return [];
  const beyond = (k: number): number => (ratio > 1 ? declared[k] - own[k] : own[k] - declared[k]);
  const worst = prosumers.reduce((most, _, k) => (beyond(k) > beyond(most) ? k : most), 0);
  const mean = (values: readonly number[]): string => (sum(values) / prosumers.length).toPrecision(3);
  const reason =
    `makes the members' mean ${mean(declared)} MW, where their loads and devices come to ${mean(own)}: ` +
    `at most ${MOST_APART} times that, and at least a hundredth`;
  return [{ field: `prosumers[${worst}].sizeMw`, value: declared[worst], reason }];
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
