import type { Scenario } from "../market/scenario/scenario.ts";
import { InputError } from "../io/inputError.ts";
import { generateFeeder } from "./generateFeeder.ts";
import { populate } from "./populate.ts";
import { readSeries } from "./series.ts";

/** Buses a prosumer: four buses of five carry load, so that nearly everybody has a bus of its own. */
const BUSES_PER_PROSUMER = 1.25;
/** Allowances about as scarce as these populations' emissions: short in some draws, left over in others. */
const QUOTA_T_PER_MWH = 0.3;
/** Chosen by this many, a prosumer is not chosen again. */
const MOST_PARTNERS = 16;

/**
 * A day of `prosumers` drawn by the rules of ieee141 on a made-up feeder of a size that suits them. Each has its 6 to 8
 * nearest partners and the nearest sellers, and a bounded number of partners, so pairs, lines and limits that bind grow
 * with the prosumers. The same number and seed give the same bytes.
 */
export function generateScenario(prosumers: number, seed: number, series = readSeries()): Scenario {
  if (!Number.isInteger(prosumers) || prosumers < 2)
    throw new InputError(`generated scenario: prosumers = ${prosumers}: must be a whole number above one`);
  const feeder = generateFeeder(Math.round(BUSES_PER_PROSUMER * prosumers) + 1, seed);
  const scenario = populate(feeder, prosumers, seed, series, { mostPartners: MOST_PARTNERS });
  return { ...scenario, carbon: { ...scenario.carbon, quotaTPerMwh: QUOTA_T_PER_MWH } };
}
