import { MOST_SPEND, worstBill } from "../ledger/settleable.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";

/** Least deposits, $: enough for any small scenario, and the same from day to day. */
const LEAST = { prosumer: 2_000, system: 100_000 } as const;

/**
 * What a devnet account deposits and may spend a day, whole $: all that it can have to pay, twice. The utility may have
 * to pay everybody.
 */
export function devnetDeposit(scenario: Scenario, prosumer: Prosumer | undefined): number {
  const twice = (p: Prosumer): number => Math.min(Math.floor(MOST_SPEND), Math.ceil(2 * worstBill(scenario, p)));
  if (prosumer !== undefined) return Math.max(LEAST.prosumer, twice(prosumer));
  const all = scenario.prosumers.reduce((sum, p) => sum + twice(p), 0);
  return Math.min(Math.floor(MOST_SPEND), Math.max(LEAST.system, all));
}
