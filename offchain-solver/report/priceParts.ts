/** What a period's price is made of for one account: energy, CO2, network, risk, to the nano-dollar of its bill. */
import type { BillPeriod } from "./ownBill.ts";

/** $/MWh: at what the utility sells, and what the CO2 of its next MWh costs in allowances. */
export type Margin = { readonly buy: number; readonly allowance: number };

/** $ per kWh of net energy; `all` is the sum of the others. */
export type PriceParts = {
  readonly all: number;
  /** What the energy itself cost. */
  readonly energy: number;
  /** What it cost beyond the utility's price, as far as an allowance for the utility's CO2 is worth that. */
  readonly carbon: number;
  /** Limits of the network that are reached; below zero where the account relieves them. */
  readonly network: number;
  /** Answers to forecast errors, bought less sold. */
  readonly risk: number;
};

/** Net energy below this many Wh has no price worth the name. */
const LEAST_WH = 1;

export const netWh = (one: BillPeriod): number => one.boughtWh + one.fromUtilityWh - one.soldWh - one.toUtilityWh;

/** Of periods that are netted together; undefined where what was bought is what was sold. */
export function priceParts(periods: readonly BillPeriod[], margin: (period: number) => Margin): PriceParts | undefined {
  const wh = periods.reduce((sum, one) => sum + netWh(one), 0);
  if (Math.abs(wh) < LEAST_WH) return undefined;
  const perKwh = (nano: number): number => nano / 1e6 / wh;
  const sum = (of: (one: BillPeriod) => number): number => periods.reduce((all, one) => all + of(one), 0);
  const carbonNano = sum((one) => {
    const net = netWh(one);
    if (net === 0) return 0;
    const { buy, allowance } = margin(one.period);
    // $/MWh are 1e3 nano-dollars per Wh.
    const beyond = Number(one.energyNano) / net / 1e3 - buy;
    return 1e3 * net * Math.min(Math.max(0, beyond), Math.max(0, allowance));
  });
  const energyNano = sum(({ energyNano: nano }) => Number(nano));
  return {
    all: perKwh(sum(({ paidNano }) => Number(paidNano))),
    energy: perKwh(energyNano - carbonNano),
    carbon: perKwh(carbonNano),
    network: perKwh(sum(({ networkNano }) => Number(networkNano))),
    risk: perKwh(sum(({ reserveNano }) => Number(reserveNano))),
  };
}
