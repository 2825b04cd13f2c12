import type { Market } from "./market.ts";
import { publicScenario, scenarioWith } from "./publicScenario.ts";
import type { Scenario } from "./scenario.ts";

/** The public part of a market's scenario, with nobody's devices: made once for the views of all its parties. */
export const openScenario = (market: Market): Scenario => scenarioWith(publicScenario(market.scenario), []);

/**
 * The market as one party knows it: its own devices, costs and load, and of everybody else only what is public. `owner`
 * undefined is the operator's view; `open` spares making the public part again for every party. Agents are built from
 * views, so that none can use what it must not know.
 */
export const viewOf = <M extends Market>(market: M, owner: number | undefined, open = openScenario(market)): M =>
  viewOfSeveral(market, owner === undefined ? [] : [owner], open);

/** What several parties know together: enough to make each one's own view of, and no more. */
export function viewOfSeveral<M extends Market>(market: M, owners: readonly number[], open = openScenario(market)): M {
  const prosumers = [...open.prosumers];
  for (const owner of owners) prosumers[owner] = market.prosumers[owner];
  return { ...market, scenario: { ...open, prosumers }, prosumers };
}
