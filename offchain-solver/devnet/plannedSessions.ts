/** What is known before any process starts: how many sessions a day takes. */
import { committeeOf } from "../chain/onboarding.ts";
import { CHAIN_LIMITS, fitsOneTransaction, type TransactionLimits } from "../codec/fits.ts";
import { defaultSettings } from "../market/scenario/market.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { stretchOf } from "../scenarios/stretch.ts";
import { clear } from "../simulation/clear.ts";
import type { Progress } from "./outcome.ts";
import { SessionRefused, tooLong } from "./refused.ts";
import { partsOf, perHour } from "./settleDay.ts";

/** So many homes times periods fit one transaction in every market that was seen: half of what the fullest took. */
const SURELY_FITS = 1_800;

/**
 * The sessions of a day whose processes are given all of them beforehand: the day itself where a transaction takes it;
 * else it is planned here as a whole, cleared as they will clear it, and cut, each part between where the plan has
 * everything. `most`: of a chain that takes less than its limits; a day is then always planned. Throws SessionRefused
 * where an hour alone is too long.
 */
export function plannedSessions(day: Scenario, progress: Progress, most?: TransactionLimits): Scenario[] {
  const { prosumers, hours, feeder } = day;
  if (most === undefined && prosumers.length * hours <= SURELY_FITS) return [day];
  progress(`plan ${hours} periods of ${prosumers.length} prosumers: does a transaction take them?`);
  const options = { method: "anderson", trade: true, rhoScale: 1, maxIterations: 20_000 } as const;
  const { outcome } = clear(day, { ...options, market: defaultSettings(day) });
  // What cannot be cleared is void, and says so when its time has come.
  if (outcome === undefined) return [day];
  const members = committeeOf(prosumers.map(({ id }) => id)).length;
  const setting = { members, buses: feeder.buses.length, homes: prosumers.length, most: most ?? CHAIN_LIMITS };
  const { result } = outcome.quantised;
  const fit = fitsOneTransaction(result, setting);
  if (fit.fits) return [day];
  const cuts = partsOf(result, setting, perHour(day));
  if (cuts === undefined) throw new SessionRefused("refused", tooLong(fit));
  progress(`${tooLong(fit)}: ${cuts.length} sessions`);
  return cuts.map((cut) => stretchOf(day, outcome.solution.schedules, cut));
}
