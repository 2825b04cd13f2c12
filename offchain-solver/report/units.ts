/** Units that fit the session: chosen once, so that every table and figure of a report counts in the same ones. */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { bills, energyBalance, number, range, total } from "./derive.ts";

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

/**
 * Dollars from ten upwards, cents below, each with two digits: the bill of a feeder and that of a home are both
 * readable.
 */
export const moneyUnit = (largest: number): Unit => (Math.abs(largest) >= 10 ? unit("$", 1, 2) : unit("¢", 100, 2));

/** Of an amount by itself. */
export const massUnit = (largestT: number): Unit =>
  largestT >= 10 ? unit("t", 1, 2) : largestT >= 1e-3 ? unit("kg", 1e3, 1) : unit("g", 1e6, 0);

/** A feeder of a megawatt and more counts in MW and $/MWh, a street in kW and ¢/kWh. */
function energyUnits(peakMw: number): Omit<Units, "money" | "mass"> {
  if (peakMw >= 1)
    return {
      power: unit("MW", 1, 3),
      energy: unit("MWh", 1, 3),
      price: unit("$/MWh", 1, 2),
      reservePrice: unit("$/MW", 1, 2),
    };
  return {
    power: unit("kW", 1e3, peakMw >= 0.1 ? 1 : 2),
    energy: unit("kWh", 1e3, peakMw >= 0.1 ? 1 : 2),
    price: unit("¢/kWh", 0.1, 3),
    reservePrice: unit("¢/kW", 0.1, 3),
  };
}

/**
 * @returns units for the largest feed-in of a period, the largest part of a bill, the largest emission or allowance.
 */
export function unitsOf(clearing: Pick<ClearingJson, "prosumers">, scenario: Scenario): Units {
  const fedIn = energyBalance(clearing, scenario).filter(({ mw }) => mw > 0);
  const peak = range(scenario.hours).map((t) => total(fedIn.filter(({ hour }) => hour === t).map(({ mw }) => mw)));
  const money = bills(clearing).flatMap(({ energy, reserve, carbon, network, deviceCost, total: sum }) =>
    [energy, reserve, carbon, network, deviceCost, sum].map(Math.abs),
  );
  const masses = clearing.prosumers.flatMap(({ carbon }) => [carbon.emissionsT, carbon.allowanceT]);
  return {
    ...energyUnits(Math.max(...peak)),
    money: moneyUnit(Math.max(...money)),
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
