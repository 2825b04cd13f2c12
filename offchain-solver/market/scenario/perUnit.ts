import type { Dimension } from "../devices/device.ts";
import { PLANNED, withDevices, type PlanName } from "../devices/devices.ts";
import type { Network } from "../formulation/network.ts";
import type { Schedule, Solution } from "../result/solution.ts";
import type { Market } from "./market.ts";
import type { Prosumer, Scenario } from "./scenario.ts";
import { REFERENCE_SIZE_MW } from "./size.ts";

/** Of reserve's and allowances' prices: so much energy is worth at least. */
const LEAST_LEVEL = 1e-3;

/** $/MWh; the level of the 15-bus day, and in its own units of every market. */
export const REFERENCE_PRICE = 50;

/**
 * Units that a market is cleared in: power in `mw` MW, time in `hours` h, prices in `price` $/MWh ($/t, $/MW and hour),
 * hence energy and allowances in mw x hours MWh and t, and money in `money` = mw x hours x price $. Emission rates and
 * squared voltages are the same in any. In its own units every market has the reference size and price level and hourly
 * periods, so nothing in the clearing knows how large it is or what it is paid in: penalties, tolerances and thresholds
 * are numbers.
 */
export type Units = { readonly mw: number; readonly hours: number; readonly price: number; readonly money: number };

/** A market whose quantities are in `units`. Only these are cleared; everybody else reckons in MW and hours. */
export type UnitMarket = Market & { readonly units: Units };

export function unitsOf({ sizeMw, dt: hours, scenario }: Market): Units {
  const mw = sizeMw / REFERENCE_SIZE_MW;
  const price = priceLevel(scenario) / REFERENCE_PRICE;
  return { mw, hours, price, money: mw * hours * price };
}

/**
 * $/MWh: median over the periods of what the utility's tariff is away from zero; a price of scarcity for an hour leaves
 * it where it is. Where that is next to nothing beside what reserve and allowances cost, it is no level of anything.
 */
function priceLevel({ tariff, carbon }: Pick<Scenario, "tariff" | "carbon">): number {
  const { buyPerMwh, sellPerMwh, reserveUpPerMw, reserveDownPerMw } = tariff;
  const levels = buyPerMwh.map((buy, t) => Math.max(Math.abs(buy), Math.abs(sellPerMwh[t]))).sort((a, b) => a - b);
  const middle = levels[Math.floor(levels.length / 2)];
  const others = [carbon.deskBuyPerT, carbon.deskSellPerT, reserveUpPerMw, reserveDownPerMw].map(Math.abs);
  return middle > 0 ? Math.max(middle, LEAST_LEVEL * Math.max(...others)) : REFERENCE_PRICE;
}

/** $/t and periods: what the desk asks and pays in the mean, and the length, on the 15-bus day. */
const REFERENCE_ALLOWANCE = { price: 27.5, periods: 24 } as const;
/**
 * Which levels are believed: a desk that asks and pays nothing, or millions, must not take a penalty out of every
 * range.
 */
const LEVELS = { least: 1e-3, most: 1e3 } as const;

/**
 * Allowances in units of their own: their price over the quantity traded, both against energy's and the 15-bus day's. A
 * penalty is money per squared quantity; the price level is the desk's and not the tariff's, and the quantity that of
 * the whole horizon and not of one period, so the penalty of allowances moves against energy's by this factor.
 */
export function allowanceLevel({ tariff, carbon }: Pick<Scenario, "tariff" | "carbon">): number {
  const price = (Math.abs(carbon.deskBuyPerT) + Math.abs(carbon.deskSellPerT)) / 2 / REFERENCE_ALLOWANCE.price;
  const energy = priceLevel({ tariff, carbon }) / REFERENCE_PRICE;
  const level = (price / energy) * (REFERENCE_ALLOWANCE.periods / tariff.buyPerMwh.length);
  return Math.min(LEVELS.most, Math.max(LEVELS.least, level));
}

/** 2^21 + 1. */
const SPLIT = 2_097_153;

/**
 * A number in a market's units, to 32 significant bits (Veltkamp's split): what dividing leaves in the last of its 53
 * bits would otherwise make another market of the same one in another size, and iterates that take long drift apart.
 * Relative error 2^-32 at most: far less than anybody's devices are known by.
 */
function numberIn(value: number, unit: number): number {
  const quotient = value / unit;
  const high = quotient * SPLIT;
  return high - (high - quotient);
}

/** A number in other units, to its last bit. */
export type Divide = (value: number, unit: number) => number;
export const exactly: Divide = (value, unit) => value / unit;

/** The market in its own units; the central twin takes the numbers as they are. */
export function perUnit(market: Market, divide: Divide = numberIn): UnitMarket {
  const units = unitsOf(market);
  const { regularisation } = market.scenario;
  const power = (values: Float64Array): Float64Array => values.map((value) => divide(value, units.mw));
  const scenario = scenarioIn(units, market.scenario, divide);
  return {
    ...market,
    scenario,
    prosumers: scenario.prosumers,
    dt: scenario.periodHours,
    sizeMw: REFERENCE_SIZE_MW,
    sigma: market.sigma.map(power),
    error: market.error.map((columns) => columns.map(power)),
    joint: market.joint && {
      ...market.joint,
      days: market.joint.days.map((columns) => columns.map(power)),
      persistent: market.joint.persistent.map((columns) => columns.map(power)),
    },
    allowanceT: market.allowanceT.map((t) => divide(t, units.mw * units.hours)),
    fixedSoldMw: market.fixedSoldMw?.map(power),
    // An allowance is counted over the horizon: its square is not paid by the hour.
    regularisation: {
      trade: divide(regularisation.trade, units.price),
      allowances: divide(regularisation.trade * units.hours, units.price),
      reactive: divide(regularisation.reactive, units.price),
    },
    units,
  };
}

/** The limits in a market's units; squared voltages have none. */
export function networkIn({ mw }: Units, network: Network, divide: Divide = numberIn): Network {
  const scaled = (bounds: Float64Array): Float64Array =>
    bounds.map((bound, limit) => (limit < network.buses ? bound : divide(bound, mw)));
  return {
    ...network,
    baseMva: divide(network.baseMva, mw),
    standing: network.standing.map(({ mw: p, mvar: q }) => ({
      mw: p.map((v) => divide(v, mw)),
      mvar: q.map((v) => divide(v, mw)),
    })),
    lower: scaled(network.lower),
    upper: scaled(network.upper),
  };
}

/** A scenario whose quantities are in other units. */
export function scenarioIn(units: Omit<Units, "money">, scenario: Scenario, divide: Divide): Scenario {
  const { mw, hours } = units;
  const money = (value: number): number => divide(value, units.price);
  const power = (value: number): number => divide(value, mw);
  const { feeder, tariff, carbon, risk, uncertainty } = scenario;
  const { bootstrapMeanRadius, bootstrapStdRadius, joint } = uncertainty;
  return {
    ...scenario,
    feeder: {
      ...feeder,
      baseMva: power(feeder.baseMva),
      buses: feeder.buses.map((bus) => ({ ...bus, loadMw: power(bus.loadMw), loadMvar: power(bus.loadMvar) })),
      branches: feeder.branches.map((branch) => ({
        ...branch,
        ratingMva: branch.ratingMva === null ? null : power(branch.ratingMva),
      })),
    },
    periodHours: divide(scenario.periodHours, hours),
    tariff: {
      buyPerMwh: tariff.buyPerMwh.map(money),
      sellPerMwh: tariff.sellPerMwh.map(money),
      reserveUpPerMw: money(tariff.reserveUpPerMw),
      reserveDownPerMw: money(tariff.reserveDownPerMw),
    },
    carbon: { ...carbon, deskBuyPerT: money(carbon.deskBuyPerT), deskSellPerT: money(carbon.deskSellPerT) },
    risk: {
      ...risk,
      meanRadius: risk.meanRadius.map(power),
      stdRadius: risk.stdRadius.map(power),
      ...(risk.sustainHours !== undefined && { sustainHours: risk.sustainHours / hours }),
    },
    prosumers: scenario.prosumers.map((prosumer) => prosumerIn(prosumer, scalesOf(units, divide))),
    ...(scenario.standing && {
      standing: scenario.standing.map((one) => ({ ...one, mw: one.mw.map(power), mvar: one.mvar.map(power) })),
    }),
    uncertainty: {
      ...uncertainty,
      factor: uncertainty.factor.map((rows) => rows.map((row) => row.map(power))),
      ...(bootstrapMeanRadius && { bootstrapMeanRadius: bootstrapMeanRadius.map(power) }),
      ...(bootstrapStdRadius && { bootstrapStdRadius: bootstrapStdRadius.map(power) }),
      ...(joint && { joint: { ...joint, ratingMw: joint.ratingMw.map(power) } }),
    },
  };
}

function prosumerIn(prosumer: Prosumer, scaled: Scales): Prosumer {
  const { sizeMw, fallback } = prosumer;
  return {
    ...withDevices(prosumer, ({ device: { dimensions }, part }) => {
      const fields = Object.entries(dimensions).filter(([field]) => part[field] !== undefined);
      return {
        ...part,
        ...Object.fromEntries(
          fields.map(([field, dimension]) => {
            const [value, scale] = [part[field] as number | readonly number[], scaled[dimension as Dimension]];
            return [field, typeof value === "number" ? scale(value) : value.map(scale)];
          }),
        ),
      };
    }),
    ...(fallback && { fallback: { mw: fallback.mw.map(scaled.power), mvar: fallback.mvar.map(scaled.power) } }),
    ...(sizeMw !== undefined && { sizeMw: scaled.power(sizeMw) }),
    reserveUpPerMw: scaled.price(prosumer.reserveUpPerMw),
    reserveDownPerMw: scaled.price(prosumer.reserveDownPerMw),
  };
}

/** A figure of a device in other units. */
type Scales = Readonly<Record<Dimension, (value: number) => number>>;

const scalesOf = ({ mw, hours, price }: Omit<Units, "money">, divide: Divide): Scales => ({
  power: (value) => divide(value, mw),
  energy: (value) => divide(value, mw * hours),
  ramp: (value) => divide(value * hours, mw),
  slope: (value) => divide(value * mw, price),
  price: (value) => divide(value, price),
});

/** A schedule out of a market's units: MW, MWh, t. */
export function scheduleFrom({ mw, hours }: Units, schedule: Schedule): Schedule {
  const power = (values: Float64Array): Float64Array => values.map((value) => value * mw);
  const energy = (values: Float64Array): Float64Array => values.map((value) => value * (mw * hours));
  const planned = PLANNED.map(([name, { unit }]) => [name, (unit === "mw" ? power : energy)(schedule[name])] as const);
  return {
    ...(Object.fromEntries(planned) as Record<PlanName, Float64Array>),
    importMw: power(schedule.importMw),
    exportMw: power(schedule.exportMw),
    reactiveMvar: power(schedule.reactiveMvar),
    reserveUpMw: power(schedule.reserveUpMw),
    reserveDownMw: power(schedule.reserveDownMw),
    utilityShareMw: power(schedule.utilityShareMw),
    pMw: power(schedule.pMw),
    qMvar: power(schedule.qMvar),
    allowanceBoughtT: schedule.allowanceBoughtT * (mw * hours),
    allowanceSoldT: schedule.allowanceSoldT * (mw * hours),
  };
}

/** A solution out of a market's units: MW, t, $/MWh. */
export function solutionFrom(units: Units, solution: Solution): Solution {
  const power = (rows: readonly Float64Array[]): Float64Array[] => rows.map((row) => row.map((v) => v * units.mw));
  const price = (values: Float64Array): Float64Array => values.map((value) => value * units.price);
  return {
    energyPrice: solution.energyPrice.map(price),
    sharePrice: solution.sharePrice.map(price),
    shareCharge: solution.shareCharge.map(price),
    carbonPrice: price(solution.carbonPrice),
    nodalPrice: solution.nodalPrice.map(price),
    nodalReactivePrice: solution.nodalReactivePrice.map(price),
    priceMu: price(solution.priceMu),
    schedules: solution.schedules.map((schedule) => scheduleFrom(units, schedule)),
    injectionMw: power(solution.injectionMw),
    injectionMvar: power(solution.injectionMvar),
    energyMw: power(solution.energyMw),
    shareMw: power(solution.shareMw),
    carbonT: solution.carbonT.map((t) => t * (units.mw * units.hours)),
  };
}
