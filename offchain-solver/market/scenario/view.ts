import type { Market } from "./market.ts";
import { publicScenario } from "./publicScenario.ts";

/**
 * The market as one party knows it: its own devices, costs and load, and of everybody else only what is public. `owner` undefined is the
 * operator's view; `open` spares making the public part again for every party. Agents are built from views, so that none can use what it must not know.
 */
export const viewOf = (market: Market, owner: number | undefined, open = publicScenario(market.scenario)): Market =>
  viewOfSeveral(market, owner === undefined ? [] : [owner], open);

/** What several parties know together: enough to make each one's own view of, and no more. */
export function viewOfSeveral(
  market: Market,
  owners: readonly number[],
  open = publicScenario(market.scenario),
): Market {
  const prosumers = [...open.prosumers];
  const allowanceT = new Float64Array(prosumers.length);
  for (const owner of owners) {
    prosumers[owner] = market.prosumers[owner];
    allowanceT[owner] = market.allowanceT[owner];
  }
  return { ...market, scenario: { ...open, prosumers }, prosumers, allowanceT };
}
