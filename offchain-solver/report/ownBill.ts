/** One account's bill of a settled session, by part and by period: from what was posted, to the nano-dollar. */
import type { Payload } from "../codec/payload.ts";
import { DESK, OPERATOR, SESSION_PERIOD, UTILITY, type Trade } from "../market/result/clearingResult.ts";
import type { PublicScenario } from "../market/scenario/publicScenario.ts";
import { whyOf, type Reason } from "./priceReasons.ts";

/** Nano-dollars that the account pays; negative: it is paid. */
export type BillParts = {
  readonly energyNano: bigint;
  readonly reserveNano: bigint;
  readonly carbonNano: bigint;
  readonly networkNano: bigint;
  readonly paidNano: bigint;
};

export type BillPeriod = BillParts & {
  readonly period: number;
  /** Bought from and sold to members, bought from and sold to the utility. */
  readonly boughtWh: number;
  readonly soldWh: number;
  readonly fromUtilityWh: number;
  readonly toUtilityWh: number;
  readonly reserveBoughtW: number;
  readonly reserveSoldW: number;
  /** Mean price of what was traded with members, $ per kWh. */
  readonly peerPrice: number | undefined;
};

export type OwnBill = BillParts & {
  readonly periods: readonly BillPeriod[];
  readonly boughtG: number;
  readonly soldG: number;
};

const FIRST_SYSTEM = 0xfffffffd;

/** Place of an account in a payload's trades; undefined: it took no part. */
export function partyOf({ participants }: Pick<Payload, "participants">, id: number): number | undefined {
  if (id >= FIRST_SYSTEM) return DESK + (id - FIRST_SYSTEM);
  const at = participants.indexOf(id);
  return at < 0 ? undefined : at;
}

/** What a trade is billed as: whatever the operator charges for is the network's. */
const partOf = ({ seller, product }: Trade): Trade["product"] => (seller === OPERATOR ? "network" : product);
const isMember = (party: number): boolean => party < DESK;

function partsOf(trades: readonly Trade[], party: number): BillParts {
  const paid = { energy: 0n, reserve: 0n, carbon: 0n, network: 0n };
  for (const trade of trades) {
    const value = BigInt(trade.quantity) * BigInt(trade.price);
    paid[partOf(trade)] += trade.buyer === party ? value : -value;
  }
  return {
    energyNano: paid.energy,
    reserveNano: paid.reserve,
    carbonNano: paid.carbon,
    networkNano: paid.network,
    paidNano: paid.energy + paid.reserve + paid.carbon + paid.network,
  };
}

const amount = (trades: readonly Trade[]): number => trades.reduce((sum, { quantity }) => sum + quantity, 0);

function periodOf(trades: readonly Trade[], party: number, period: number): BillPeriod {
  const energy = trades.filter(({ product }) => product === "energy");
  const bought = energy.filter(({ buyer }) => buyer === party);
  const sold = energy.filter(({ seller }) => seller === party);
  const peers = [...bought.filter(({ seller }) => isMember(seller)), ...sold.filter(({ buyer }) => isMember(buyer))];
  const traded = amount(peers);
  const reserve = trades.filter((trade) => partOf(trade) === "reserve");
  return {
    ...partsOf(trades, party),
    period,
    boughtWh: amount(bought.filter(({ seller }) => isMember(seller))),
    soldWh: amount(sold.filter(({ buyer }) => isMember(buyer))),
    fromUtilityWh: amount(bought.filter(({ seller }) => seller === UTILITY)),
    toUtilityWh: amount(sold.filter(({ buyer }) => buyer === UTILITY)),
    reserveBoughtW: amount(reserve.filter(({ buyer }) => buyer === party)),
    reserveSoldW: amount(reserve.filter(({ seller }) => seller === party)),
    peerPrice:
      traded === 0 ? undefined : peers.reduce((sum, { quantity, price }) => sum + quantity * price, 0) / traded / 1e6,
  };
}

export function ownBill({ trades }: Pick<Payload, "trades">, periods: number, party: number): OwnBill {
  const own = trades.filter(({ seller, buyer }) => seller === party || buyer === party);
  const carbon = own.filter((trade) => partOf(trade) === "carbon");
  return {
    ...partsOf(own, party),
    periods: Array.from({ length: periods }, (_, period) =>
      periodOf(
        own.filter((trade) => trade.period === period && trade.period !== SESSION_PERIOD),
        party,
        period,
      ),
    ),
    boughtG: amount(carbon.filter(({ buyer }) => buyer === party)),
    soldG: amount(carbon.filter(({ seller }) => seller === party)),
  };
}

export type TariffPeriod = {
  /** What the period's net energy costs from the utility alone, $; negative: it pays. */
  readonly dollars: number;
  readonly why: Reason;
};

/**
 * The same net energy from the utility alone: what it costs in each period, and in all with the allowances that its
 * CO2 takes beyond the free ones, $. `why`: what makes the period's price among members what it is.
 */
export function byTariff(
  bill: OwnBill,
  scenario: Pick<PublicScenario, "tariff" | "carbon" | "prosumers">,
  { id, carbon }: { readonly id: number; readonly carbon: boolean },
): { readonly dollars: number; readonly allowancesDollars: number; readonly periods: readonly TariffPeriod[] } {
  const { tariff, carbon: desk, prosumers } = scenario;
  let emittedT = 0;
  const periods = bill.periods.map((one): TariffPeriod => {
    const t = one.period;
    const netMwh = (one.boughtWh + one.fromUtilityWh - one.soldWh - one.toUtilityWh) / 1e6;
    emittedT += Math.max(0, netMwh) * desk.gridTPerMwh[t];
    const [buy, sell] = [tariff.buyPerMwh[t], tariff.sellPerMwh[t]];
    const allowance = carbon ? desk.gridTPerMwh[t] * desk.deskBuyPerT : 0;
    const price = one.peerPrice === undefined ? undefined : 1e3 * one.peerPrice;
    return { dollars: netMwh * (netMwh > 0 ? buy : sell), why: whyOf(price, { buy, sell, allowance }) };
  });
  const freeT = prosumers.find((one) => one.id === id)?.allowanceT ?? 0;
  const short = carbon ? emittedT - freeT : 0;
  const allowancesDollars = short * (short > 0 ? desk.deskBuyPerT : desk.deskSellPerT);
  const dollars = periods.reduce((sum, one) => sum + one.dollars, allowancesDollars);
  return { dollars, allowancesDollars, periods };
}
