/** What a devnet prosumer signs: derived from the scenario and tight, as a careful owner would have it. */
import type { Mandate } from "../codec/typedData.ts";
import { presetLimits, type Preset } from "../ledger/mandatePreset.ts";
import { createMarket, defaultSettings, type MarketSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { devnetDeposit } from "./devnetTerms.ts";

const MICRO = 1_000_000n;

/** Prices are the same for all; a system account, whose id is no prosumer's, trades any amount at them. */
export function devnetMandate(
  scenario: Scenario,
  id: number,
  allowanceG: bigint,
  settings: MarketSettings = defaultSettings(scenario),
  preset: Preset = "usual",
): Mandate {
  const deposit = devnetDeposit(
    scenario,
    scenario.prosumers.find((one) => one.id === id),
  );
  return {
    ...presetLimits(createMarket(scenario, settings), id, allowanceG, preset),
    prosumer: id,
    maxSpendPerDay: BigInt(deposit) * MICRO,
    validUntil: 4_000_000_000n,
    nonce: 1n,
  };
}
