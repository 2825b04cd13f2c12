/** A member's own page: its bill, whom it traded with, every period's price and what made it, its battery. */
import { ownedBy } from "../market/devices/devices.ts";
import {
  bandOf,
  bills,
  foreign,
  hourPrices,
  number,
  planIn,
  posted,
  range,
  total,
  type PostedTrade,
} from "./derive.ts";
import { dayFrom, type Day } from "./day.ts";
import { called, currencyOf, zoneOf, type Labelled } from "./labels.ts";
import { card, grid, legend, numbers, page, rowCount, table, tiles } from "./page.ts";
import { dayOf, periodName, yearOf } from "./periods.ts";
import { framed } from "./plot.ts";
import { deviceChart, OWN_KINDS, OWN_MEANINGS, ownEnergyChart, ownPriceChart } from "./charts/member.ts";
import { escape } from "./derive.ts";
import type { PlannedJson } from "../records/clearingJson.ts";
import type { ReportInput } from "./sessionReport.ts";
import { tint } from "./theme.ts";
import { inUnit, withUnit } from "./units.ts";
import { whyOf, WHY_TEXTS, type Reason } from "./priceReasons.ts";

/** What the page says of one period; MW, and prices a MWh. */
export type OwnPeriod = {
  readonly hour: number;
  readonly boughtMw: number;
  readonly soldMw: number;
  readonly fromUtilityMw: number;
  readonly toUtilityMw: number;
  /** Mean over the member's own trades with members; absent: it had none. */
  readonly price: number | undefined;
  readonly tariff: number;
  readonly allowance: number;
  /** Network charge on a MWh drawn at its bus. */
  readonly network: number;
  readonly why: Reason;
};

/** Every period of one member. */
export function ownPeriods({ clearing, scenario }: Day, id: number): OwnPeriod[] {
  const trades = posted(clearing, "energy").filter(({ seller, buyer }) => seller === id || buyer === id);
  const member = clearing.prosumers.find((one) => one.id === id)!;
  const bus = scenario.feeder.buses.findIndex((one) => one.bus === member.bus);
  const mu = clearing.settings.carbon ? Math.max(0, member.carbon.priceMu) : 0;
  const sum = (of: readonly PostedTrade[]): number => total(of.map(({ mw }) => mw));
  return range(scenario.hours).map((hour) => {
    const here = trades.filter((trade) => trade.hour === hour);
    const peers = here.filter(({ seller, buyer }) => seller !== "utility" && buyer !== "utility");
    const price = hourPrices(peers, scenario.hours)[hour]?.mean;
    const allowance = mu * scenario.carbon.gridTPerMwh[hour];
    const prices = { buy: scenario.tariff.buyPerMwh[hour], sell: scenario.tariff.sellPerMwh[hour], allowance };
    return {
      hour,
      boughtMw: sum(peers.filter(({ buyer }) => buyer === id)),
      soldMw: sum(peers.filter(({ seller }) => seller === id)),
      fromUtilityMw: sum(here.filter(({ seller }) => seller === "utility")),
      toUtilityMw: sum(here.filter(({ buyer }) => buyer === "utility")),
      price,
      tariff: prices.buy,
      allowance,
      network: -clearing.network.nodalPrice[hour][bus],
      why: whyOf(price, prices),
    };
  });
}

/**
 * What the member would pay the utility for the same forecast of load and sun without market and battery, its car
 * charged with as much as planned as soon as it is there, its heat pump on a thermostat, $: energy by the tariff,
 * allowances for what exceeds the free ones.
 */
export function plainTariff(scenario: Labelled, id: number, schedule: PlannedJson): number {
  const own = scenario.prosumers.find((one) => one.id === id)!;
  const { hours, periodHours: dt, tariff, carbon } = scenario;
  const unplanned = ownedBy(own).flatMap(({ device, part }) => [
    device.unplannedMw?.(part, { hours, dt }, planIn(schedule)) ?? [],
  ]);
  let [paid, emitted, used] = [0, 0, 0];
  own.load.fixedMw.forEach((mw, t) => {
    const net = -total(unplanned.map((series) => series[t] ?? 0));
    paid += dt * (net > 0 ? net * tariff.buyPerMwh[t] : net * tariff.sellPerMwh[t]);
    emitted += dt * Math.max(0, net) * carbon.gridTPerMwh[t];
    used += dt * mw;
  });
  const short = emitted - carbon.quotaTPerMwh * used;
  return paid + short * (short > 0 ? carbon.deskBuyPerT : carbon.deskSellPerT);
}

function billCard(day: Day, id: number): string {
  const { money } = day.units;
  const bill = bills(day.clearing).find((one) => one.id === id)!;
  const rows: [string, number][] = [
    ["Energy, bought less sold", bill.energy],
    ["Reserve: answers to forecast errors", bill.reserve],
    ["Allowances for CO₂", bill.carbon],
    ["Network, less your part of the rebate", bill.network],
    ["Your own devices: wear, fuel, discomfort", bill.deviceCost],
  ];
  return card(
    "Your bill",
    table(
      ["", money.name],
      rows.map(([text, value]) => [text, inUnit(money, value)]),
      {
        foot: ["All", inUnit(money, bill.total)],
      },
    ),
    { note: "Positive: you pay. Negative: you are paid." },
  );
}

function partnerCard(day: Day, id: number): string {
  const { clearing, scenario, units } = day;
  const trades = posted(clearing, "energy").filter(({ seller, buyer }) => seller === id || buyer === id);
  const others = [...new Set(trades.map(({ seller, buyer }) => (seller === id ? buyer : seller)))];
  const busOf = new Map(clearing.prosumers.map((one) => [one.id, one.bus]));
  const rows = others
    .map((other) => {
      const of = trades.filter(({ seller, buyer }) => seller === other || buyer === other);
      const mwh = (keep: (trade: PostedTrade) => boolean): number =>
        scenario.periodHours * total(of.filter(keep).map(({ mw }) => mw));
      const bought = mwh(({ buyer }) => buyer === id);
      const sold = mwh(({ seller }) => seller === id);
      const paid = scenario.periodHours * total(of.map(({ mw, price }) => mw * price));
      return { other, bought, sold, mean: paid / (bought + sold) };
    })
    .sort((a, b) => b.bought + b.sold - (a.bought + a.sold));
  const name = (other: number | "utility"): string =>
    other === "utility" ? "the utility" : called(scenario, other, busOf.get(other));
  return card(
    "Whom you traded with",
    table(
      ["Partner", `Bought, ${units.energy.name}`, `Sold, ${units.energy.name}`, `Mean price, ${units.price.name}`],
      rows.map(({ other, bought, sold, mean }) => [
        name(other),
        inUnit(units.energy, bought),
        inUnit(units.energy, sold),
        inUnit(units.price, mean),
      ]),
    ),
    {
      note: "Each period's net sales go to net buyers by the shortest electrical way: prices are those agreed, partners are where the energy went.",
    },
  );
}

function energyCard(day: Day, periods: readonly OwnPeriod[]): string {
  const keys = OWN_KINDS.map((text, k) => ({ colour: tint(OWN_MEANINGS[k]), text }));
  const through = periods.some(({ fromUtilityMw, soldMw }) => fromUtilityMw > 0 && soldMw > 0);
  return card("Your energy", legend(keys) + framed((frame) => ownEnergyChart(day, periods, frame), true), {
    wide: true,
    note: through
      ? "Where you buy from the utility and sell to members at once, energy passes through your account: at no gain and no loss, for the price holds the allowance that you need for it."
      : "",
  });
}

/** Periods in a row for the same reason. */
function spansOf(periods: readonly OwnPeriod[]): OwnPeriod[][] {
  const spans: OwnPeriod[][] = [];
  for (const period of periods) {
    const last = spans.at(-1);
    if (last !== undefined && last[0].why === period.why) last.push(period);
    else spans.push([period]);
  }
  return spans;
}

function priceCard(day: Day, periods: readonly OwnPeriod[]): string {
  const { scenario, units } = day;
  const { price, energy } = units;
  const show = (value: number | undefined): string => (value === undefined ? "–" : inUnit(price, value));
  const mean = (values: readonly number[]): number => total(values) / values.length;
  const spans = spansOf(periods).map((span) => {
    const [first, last] = [periodName(scenario, span[0].hour), periodName(scenario, span.at(-1)!.hour)];
    const known = span.flatMap((one) => (one.price === undefined ? [] : [one.price]));
    return [
      `${first.split("–")[0]}–${last.split("–")[1]}`,
      known.length === 0 ? "–" : inUnit(price, mean(known)),
      inUnit(price, mean(span.map(({ tariff }) => tariff))),
      inUnit(price, mean(span.map(({ allowance }) => allowance))),
      WHY_TEXTS[span[0].why],
    ];
  });
  const rows = periods.map((one) => [
    periodName(scenario, one.hour),
    ...[one.boughtMw, one.soldMw, one.fromUtilityMw, one.toUtilityMw].map((mw) =>
      inUnit(energy, mw * scenario.periodHours),
    ),
    show(one.price),
    show(one.tariff),
    show(one.allowance),
    show(one.network),
  ]);
  return card(
    "Why these prices",
    legend([
      { colour: tint("energy"), text: "your price with members" },
      { colour: tint("utility"), text: "utility's tariff: sells (upper), buys (lower)", line: "dashed" },
      { colour: tint("utility"), text: "its tariff and the allowance for its CO₂", line: "dotted" },
    ]) +
      framed((frame) => ownPriceChart(day, periods, frame), true) +
      words(table(["Time", "Price", "Tariff", "+ allowance", "Why"], spans)) +
      numbers(
        `Every period, ${energy.name} and ${price.name}, ${rowCount(rows)}`,
        table(
          ["Period", "Bought", "Sold", "From utility", "To utility", "Price", "Tariff", "Allowance", "Network"],
          rows,
        ),
      ),
    {
      wide: true,
      note: `Means in ${price.name}. Energy from the utility costs its tariff and the allowance for its CO₂: nobody buys dearer. Network: the charge on a kWh drawn at your place, whoever sells it.`,
    },
  );
}

/** The last column is a sentence. */
const words = (markup: string): string =>
  markup
    .replace(/<td( data-label="Why")/g, '<td class="words"$1')
    .replace(/<th( scope="col">Why)/, '<th class="words"$1');

function riskCard(day: Day, id: number): string {
  const { clearing, scenario, units } = day;
  const reserve = posted(clearing, "reserve");
  const powerHours = (keep: (trade: PostedTrade) => boolean): number =>
    scenario.periodHours * total(reserve.filter(keep).map(({ mw }) => mw));
  const name = `${units.power.name}·h`;
  const rows: [string, number][] = [
    ["Bought from members", powerHours(({ buyer, seller }) => buyer === id && seller !== "utility")],
    ["Bought from the utility", powerHours(({ buyer, seller }) => buyer === id && seller === "utility")],
    ["Sold to members", powerHours(({ seller }) => seller === id)],
  ];
  if (rows.every(([, value]) => value === 0)) return "";
  return card(
    "Risk",
    table(
      ["Reserve", name],
      rows.map(([text, value]) => [text, inUnit(units.energy, value)]),
    ),
    {
      note: `Your forecast may be wrong, and others' too: who answers for an error is paid for keeping power free. A limit of the network may break in one period with a probability of at most ${number(100 * clearing.settings.epsilon, 1)} %.`,
    },
  );
}

/** What each of its devices is planned to do, where there is something to see. */
function deviceCards({ clearing, scenario, ...day }: Day, id: number): string[] {
  const own = clearing.prosumers.find((one) => one.id === id)!;
  const plan = planIn(own.schedule);
  const band = bandOf(own);
  const says = "where answering others' errors may take it";
  return ownedBy(scenario.prosumers.find((one) => one.id === id)!).flatMap(({ name, device, part }) => {
    if (device.picture === undefined) return [];
    const shade = name === "battery" && band !== undefined && { band: { ...band, says } };
    const picture = { ...device.picture(part, plan), ...shade };
    return [
      card(
        picture.title,
        framed((frame) => deviceChart({ clearing, scenario, ...day }, picture, frame)),
        { note: `Dashed: ${picture.limits}.${picture.band ? ` Shaded: ${says}.` : ""}` },
      ),
    ];
  });
}

/** A page of its own for one member; nothing in it is about what others' devices are or cost. */
export function renderMemberPage({ clearing, scenario: plain, community }: ReportInput, id: number): string {
  const scenario: Labelled = { ...plain, community };
  const day = dayFrom(clearing, scenario);
  const periods = ownPeriods(day, id);
  const { money, energy } = day.units;
  const bill = bills(clearing).find((one) => one.id === id)!;
  const { schedule } = clearing.prosumers.find((one) => one.id === id)!;
  const plainly = plainTariff(scenario, id, schedule);
  const member = scenario.prosumers.find((one) => one.id === id)!;
  const name = called(scenario, id, member.bus);
  const date = `${dayOf(scenario, 0)} ${yearOf(scenario)}`;
  const loadMwh = scenario.periodHours * total(member.load.fixedMw);
  const sunMwh = scenario.periodHours * total(schedule.renewableMw);
  const body = [
    tiles([
      {
        label: "Your day",
        value: withUnit(money, bill.total),
        detail: bill.total < 0 ? "you are paid" : "you pay, devices included",
      },
      {
        label: "By the plain tariff",
        value: withUnit(money, plainly),
        detail: "the same energy, without market and battery",
      },
      { label: "Load", value: withUnit(energy, loadMwh), detail: "as forecast" },
      ...(member.renewable === undefined
        ? []
        : [{ label: "Generation", value: withUnit(energy, sunMwh), detail: "as planned" }]),
    ]),
    grid(
      billCard(day, id),
      partnerCard(day, id),
      energyCard(day, periods),
      priceCard(day, periods),
      ...deviceCards(day, id),
      riskCard(day, id),
    ),
  ].join("");
  return page({
    title: `${name}, ${date}`,
    name: `${escape(community?.members.find(({ prosumer }) => prosumer === id)?.name ?? `no. ${id}`)}, ${date}`,
    subtitle: `${foreign(scenario.name)} · times by the clock of ${zoneOf(scenario)} · money in ${currencyOf(scenario).whole}`,
    sections: [{ id: "member", name: "Member", body }],
    footer: "For this member alone.",
  });
}
