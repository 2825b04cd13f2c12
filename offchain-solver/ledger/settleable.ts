import { sumOver } from "../market/devices/devices.ts";
import type { Fault } from "../market/scenario/scenarioFaults.ts";
import { publicScenario, type PublicScenario } from "../market/scenario/publicScenario.ts";
import type { Prosumer, Scenario } from "../market/scenario/scenario.ts";
import { capabilityOf } from "../market/scenario/capability.ts";
import { PRICE_UNITS, UNITS, UTILITY } from "../market/result/clearingResult.ts";
import * as Payload from "../codec/payload.ts";
import * as StandingLoads from "../codec/standingLoads.ts";
import { attempt } from "../codec/refusal.ts";
import { INSURANCE_ID } from "./posting.ts";

/**
 * Of a market whose cap is at its highest: what a signed price of 24 bits holds, less one, 1e-6 $ per kWh, kW or kg.
 */
export const HIGHEST_PRICE_CAP = 0x7ffffe;
/** Most that a mandate can let an account spend in a day, $: 48 bits of micro-dollars. */
export const MOST_SPEND = (2 ** 48 - 1) / 1e6;
/** Seconds that a period lasts: they divide the hour. */
const SHORTEST_PERIOD = 300;
/** Seconds that a session lasts at least; together with the period, a rule of the market's. */
const SHORTEST_SESSION = 3600;

const DAY_MS = 86_400_000;

/** What a payload of one participant holds, tried on the codec itself, so that the limits are its own. */
type Probe = {
  readonly id?: number;
  readonly reactiveVar?: number;
  readonly quantity?: number;
  readonly periods?: number;
};
function carried({ id = 1, reactiveVar = 0, quantity = 1, periods = 1 }: Probe): boolean {
  const payload: Payload.Payload = {
    participants: [id],
    systems: 4,
    reactiveVar: [Array.from({ length: periods }, () => reactiveVar)],
    trades: [{ seller: UTILITY, buyer: 0, product: "energy", period: 0, quantity, price: 1 }],
  };
  const encoded = attempt(() => Payload.encode(payload, periods));
  return encoded instanceof Uint8Array;
}

/**
 * What of a sound scenario no batch could carry, whatever is cleared: posted prices, quantities, reactive power,
 * periods, ids. Known before anybody clears; prices that only congestion makes are not.
 */
export function unsettleable(scenario: Scenario): Fault[] {
  return [
    ...periodFaults(scenario),
    ...unpostable(scenario),
    ...untellable(publicScenario(scenario)),
    ...sizeFaults(scenario),
    ...scenario.prosumers.flatMap((prosumer, i) => prosumerFaults(scenario, prosumer, `prosumers[${i}]`)),
  ];
}

/**
 * What of those who take no part the chain could not be told, or would not count: its grid check adds the default
 * profiles of members, and nothing else, to what a batch injects.
 */
export function untellable({ prosumers, hours, standing = [] }: PublicScenario): Fault[] {
  const faults: Fault[] = [];
  if (standing.length > 0)
    faults.push({
      field: "standing",
      value: standing.map(({ id }) => id).join(", "),
      reason:
        "loads that the chain's grid check does not count: whoever loads the feeder is a prosumer, without a mandate",
    });
  const bytes = StandingLoads.encode(StandingLoads.standingLoads({ prosumers })).length;
  if (bytes > StandingLoads.MOST_BYTES)
    faults.push({
      field: "prosumers.fallback",
      value: bytes,
      reason:
        `bytes of default profiles: the chain takes ${StandingLoads.MOST_BYTES}, of ` +
        `${StandingLoads.mostHomes(hours)} homes with ${hours} values each, or ${StandingLoads.mostHomes(1)} with one`,
    });
  return faults;
}

/** Prosumers that one freeze takes up, whatever has changed of them (contracts/libraries/GridModel.sol). */
const MOST_PROSUMERS = 256;

function sizeFaults({ prosumers: { length } }: Scenario): Fault[] {
  const reason = `are more than the ${MOST_PROSUMERS} that one session can freeze`;
  return length > MOST_PROSUMERS ? [{ field: "prosumers", value: length, reason }] : [];
}

function periodFaults({ hours, periodHours, startUtc }: Scenario): Fault[] {
  const faults: Fault[] = [];
  const seconds = Math.round(periodHours * 3600);
  if (seconds < SHORTEST_PERIOD || 3600 % seconds !== 0)
    faults.push({
      field: "periodHours",
      value: periodHours,
      reason: "a session that settles has periods of 5 to 60 minutes that divide the hour",
    });
  else if (Date.parse(startUtc) < DAY_MS)
    faults.push({
      field: "startUtc",
      value: startUtc,
      reason: "leaves no day before it, on which a session is frozen",
    });
  else if ((Date.parse(startUtc) / 1000) % seconds !== 0)
    faults.push({ field: "startUtc", value: startUtc, reason: `is no multiple of the period of ${seconds} s` });
  if (hours * seconds < SHORTEST_SESSION)
    faults.push({
      field: "hours",
      value: hours,
      reason: `periods of ${seconds} s: a session that settles lasts an hour`,
    });
  if (!carried({ periods: hours }))
    faults.push({ field: "hours", value: hours, reason: "is more periods than one session can carry" });
  return faults;
}

/**
 * Prices of tariff and desk that no batch carries. Terms that state one would also price rounding by it, and with that
 * let regrets of any size pass.
 */
export function unpostable({
  tariff,
  carbon,
  periodHours,
}: Pick<Scenario, "tariff" | "carbon" | "periodHours">): Fault[] {
  const highest = HIGHEST_PRICE_CAP / PRICE_UNITS;
  const prices: [field: string, value: number, posted: number][] = [
    ...tariff.buyPerMwh.map((price, t) => [`tariff.buyPerMwh[${t}]`, price, price] as [string, number, number]),
    ...tariff.sellPerMwh.map((price, t) => [`tariff.sellPerMwh[${t}]`, price, price] as [string, number, number]),
    ["tariff.reserveUpPerMw", tariff.reserveUpPerMw, (tariff.reserveUpPerMw + tariff.reserveDownPerMw) * periodHours],
    ["carbon.deskBuyPerT", carbon.deskBuyPerT, carbon.deskBuyPerT],
  ];
  return prices.flatMap(([field, value, posted]) =>
    Math.abs(posted) > highest
      ? [{ field, value, reason: `is posted as ${posted}: the chain carries prices up to ${highest} either way` }]
      : [],
  );
}

/** Most that a prosumer's devices and load can draw or feed in at once, MW. */
export const mostOf = (prosumer: Prosumer): number =>
  sumOver(prosumer, ({ device, part }) => {
    const { drawsMw, feedsMw } = device.rating(part);
    return Math.max(drawsMw, feedsMw);
  });

/** What a kWh costs at most that is sold and not delivered: the utility's highest price, 1e-6 $ per kWh. */
export function imbalancePrice({ buyPerMwh }: Scenario["tariff"]): number {
  return Math.ceil(Math.max(0, ...buyPerMwh) * PRICE_UNITS);
}

function prosumerFaults(scenario: Scenario, prosumer: Prosumer, at: string): Fault[] {
  const faults: Fault[] = [];
  if (prosumer.id >= INSURANCE_ID || !carried({ id: prosumer.id }))
    faults.push({
      field: `${at}.id`,
      value: prosumer.id,
      reason: "is reserved for utility, operator, desk and insurance fund",
    });
  const mw = mostOf(prosumer);
  const { absorbVar, feedVar } = capabilityOf(prosumer);
  const most = Math.max(absorbVar, feedVar);
  if (!carried({ quantity: Math.ceil(mw * UNITS) }))
    faults.push({
      field: `${at}.load.fixedMw`,
      value: mw,
      reason: "MW at most with its devices: more than a trade carries",
    });
  if (!carried({ reactiveVar: most }))
    faults.push({
      field: `${at}.load.mvarPerMw`,
      value: prosumer.load.mvarPerMw,
      reason: `makes ${most / UNITS} Mvar with its devices: more than a batch carries`,
    });
  const bill = worstBill(scenario, prosumer);
  if (bill > MOST_SPEND)
    faults.push({
      field: `${at}.load.fixedMw`,
      value: mw,
      reason: `may cost ${bill} $ a session, more than a mandate can allow`,
    });
  return faults;
}

/**
 * More than a prosumer can have to pay in a session, $, by its devices, load and the tariffs; room for network charges
 * as large as the price of energy, which congestion alone may exceed.
 */
export function worstBill(scenario: Scenario, prosumer: Prosumer): number {
  const { tariff, carbon, periodHours } = scenario;
  const mw = mostOf(prosumer);
  const rating = prosumer.renewable?.ratingMw ?? 0;
  let total = 0;
  tariff.buyPerMwh.forEach((buy, t) => {
    const price = Math.max(Math.abs(buy), Math.abs(tariff.sellPerMwh[t]));
    const emissions = Math.max(prosumer.generator?.emissionTPerMwh ?? 0, carbon.gridTPerMwh[t]) * carbon.deskBuyPerT;
    // Ten times its rating is more than any risk method books for a renewable.
    total +=
      periodHours * (mw * (2 * price + emissions) + 10 * rating * (tariff.reserveUpPerMw + tariff.reserveDownPerMw));
  });
  return total;
}
