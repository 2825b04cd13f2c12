/** Units that fit the session: chosen once, so that every table and figure of a report counts in the same ones. */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import { bills, energyBalance, number, range, total } from "./derive.ts";
import { currencyOf, type Labelled } from "./labels.ts";

/**
 * A quantity in the record's unit (MW, MWh, $, $/MWh, $/MW and hour, t) times `factor` is shown with `digits` after the
 * point.
 */
export type Unit = { readonly name: string; readonly factor: number; readonly digits: number };

export type Units = {
  readonly power: Unit;
  readonly energy: Unit;
  readonly money: Unit;
  /** Of energy. */
  readonly price: Unit;
  /** Of reserve, for one hour. */
  readonly reservePrice: Unit;
  readonly mass: Unit;
};

const unit = (name: string, factor: number, digits: number): Unit => ({ name, factor, digits });

type Currency = ReturnType<typeof currencyOf>;

/**
 * Dollars (or a community's currency) from ten upwards, cents below, each with two digits: the bill of a feeder and
 * that of a home are both readable.
 */
export function moneyUnit(largest: number, { whole, hundredth }: Currency = currencyOf({})): Unit {
  if (Math.abs(largest) >= 10) return unit(whole, 1, 2);
  return hundredth === undefined ? unit(whole, 1, 4) : unit(hundredth, 100, 2);
}

/** Of an amount by itself. */
export const massUnit = (largestT: number): Unit =>
  largestT >= 10 ? unit("t", 1, 2) : largestT >= 1e-3 ? unit("kg", 1e3, 1) : unit("g", 1e6, 0);

/** A feeder of a megawatt and more counts in MW and $/MWh, a street in kW and ¢/kWh. */
function energyUnits(peakMw: number, { whole, hundredth }: Currency): Omit<Units, "money" | "mass"> {
  if (peakMw >= 1)
    return {
      power: unit("MW", 1, 3),
      energy: unit("MWh", 1, 3),
      price: unit(`${whole}/MWh`, 1, 2),
      reservePrice: unit(`${whole}/MW`, 1, 2),
    };
  return {
    power: unit("kW", 1e3, peakMw >= 0.1 ? 1 : 2),
    energy: unit("kWh", 1e3, peakMw >= 0.1 ? 1 : 2),
    price: hundredth === undefined ? unit(`${whole}/kWh`, 1e-3, 5) : unit(`${hundredth}/kWh`, 0.1, 3),
    reservePrice: hundredth === undefined ? unit(`${whole}/kW`, 1e-3, 5) : unit(`${hundredth}/kW`, 0.1, 3),
  };
}

/**
 * @returns units for the largest feed-in of a period, the largest part of a bill, the largest emission or allowance.
 */
export function unitsOf(clearing: Pick<ClearingJson, "prosumers">, scenario: Labelled): Units {
  const fedIn = energyBalance(clearing, scenario).filter(({ mw }) => mw > 0);
  const peak = range(scenario.hours).map((t) => total(fedIn.filter(({ hour }) => hour === t).map(({ mw }) => mw)));
  const money = bills(clearing).flatMap(({ energy, reserve, carbon, network, deviceCost, total: sum }) =>
    [energy, reserve, carbon, network, deviceCost, sum].map(Math.abs),
  );
  const masses = clearing.prosumers.flatMap(({ carbon }) => [carbon.emissionsT, carbon.allowanceT]);
  return {
    ...energyUnits(Math.max(...peak), currencyOf(scenario)),
    money: moneyUnit(Math.max(...money), currencyOf(scenario)),
    mass: massUnit(Math.max(...masses)),
  };
}

/** The number alone: for a column or an axis that names its unit. */
export const inUnit = ({ factor, digits }: Unit, value: number): string => number(factor * value, digits);

/** The number with its unit, never on two lines; dollars stand before it. */
export function withUnit(one: Unit, value: number): string {
  const text = inUnit(one, value);
  if (one.name !== "$") return `${text}\u00a0${one.name}`;
  return text.startsWith("−") ? `−$${text.slice(1)}` : `$${text}`;
}

/** An amount of money by itself. */
export const money = (dollars: number): string => withUnit(moneyUnit(dollars), dollars);
