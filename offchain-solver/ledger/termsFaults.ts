/** What is wrong with the terms of a session: asked by every node before it clears, and by whoever audits. */
import type { FrozenLimits } from "../codec/typedData.ts";
import { UNITS } from "../market/result/clearingResult.ts";
import { publicFaults } from "../market/scenario/publicFaults.ts";
import { publicScenario, type PublicScenario } from "../market/scenario/publicScenario.ts";
import { createMarket, defaultSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { Fault } from "../market/scenario/scenarioFaults.ts";
import { marketSizeMw } from "../market/scenario/size.ts";
import { presetLimits } from "./mandatePreset.ts";
import { unpostable, unsettleable, untellable } from "./settleable.ts";

/** What is looked at of a mandate. */
type SignedPower = Pick<FrozenLimits, "maxBuyW" | "maxSellW">;

/** By themselves. */
export const ownFaults = (scenario: PublicScenario): Fault[] => [
  ...publicFaults(scenario),
  ...unpostable(scenario),
  ...untellable(scenario),
];

/** And by what was frozen with them: `limits` are the session's mandates, by account. */
export const termsFaults = (scenario: PublicScenario, limits: ReadonlyMap<number, SignedPower>): Fault[] => [
  ...ownFaults(scenario),
  ...madeUpSizes(scenario, limits),
];

/**
 * Everything that a session of this scenario would be refused for whatever is cleared, known before anybody clears:
 * what no batch carries, and what nodes and auditors find in its terms, with the mandates that members usually sign.
 */
export function sessionFaults(scenario: Scenario): Fault[] {
  const faults = unsettleable(scenario);
  if (faults.length > 0) return faults;
  const market = createMarket(scenario, defaultSettings(scenario));
  const limits = scenario.prosumers.map(({ id }) => [id, presetLimits(market, id, 0n)] as const);
  return termsFaults(publicScenario(scenario), new Map(limits));
}

/**
 * Members' mean size over the median of their mandates, at most. Of one plant of 1 MW among fourteen homes of 5 kW the
 * mean is 14 times the median.
 */
const MOST_OVER_MANDATES = 100;
/** A mandate of less says nothing of a size, W. */
const LEAST_MANDATE_W = 1000;

/**
 * Tolerances and thresholds follow the members' mean size, and terms may state any. What their wallets have signed that
 * they may buy or sell is of that order; the median, so that no single mandate makes room for it.
 */
export function madeUpSizes({ prosumers }: PublicScenario, limits: ReadonlyMap<number, SignedPower>): Fault[] {
  const signedW = prosumers.flatMap(({ id }) => {
    const mandate = limits.get(id);
    return mandate === undefined ? [] : [Math.max(Number(mandate.maxBuyW), Number(mandate.maxSellW))];
  });
  signedW.sort((a, b) => a - b);
  const median = signedW.length === 0 ? 0 : signedW[Math.floor(signedW.length / 2)];
  const most = (MOST_OVER_MANDATES * Math.max(median, LEAST_MANDATE_W)) / UNITS;
  const mean = marketSizeMw(prosumers);
  if (mean <= most) return [];
  const reason = `are ${mean} MW in the mean: at most ${most}, ${MOST_OVER_MANDATES} times the median of the mandates`;
  return [{ field: "prosumers.sizeMw", value: mean, reason }];
}
