/** A run of days on one page: every member's bill beside what it would have been, and every day. */
import type { MonthJson } from "../records/monthJson.ts";
import { escape, foreign, number, total } from "./derive.ts";
import { card, grid, page, table, tiles } from "./page.ts";

type Member = MonthJson["members"][number];

const COLUMNS: readonly (readonly [head: string, of: (member: Member) => number | null])[] = [
  ["Paid", ({ paid }) => paid],
  ["Devices", ({ deviceCost }) => deviceCost],
  ["Together", ({ paid, deviceCost }) => paid + deviceCost],
  ["Without trade", ({ noTrade }) => noTrade],
  ["Plain tariff", ({ plainTariff }) => plainTariff],
  ["Saved", ({ paid, deviceCost, plainTariff }) => plainTariff - paid - deviceCost],
];
const money = (value: number | null): string => (value === null ? "–" : number(value, 2));

/** Of a column; none where a member has none. */
function sumOf(members: readonly Member[], of: (member: Member) => number | null): number | null {
  const values = members.map(of);
  return values.includes(null) ? null : total(values as number[]);
}

function memberCard({ currency, members }: MonthJson): string {
  const rows = members.map((one) => [foreign(one.name), ...COLUMNS.map(([, of]) => money(of(one)))]);
  const foot = ["All", ...COLUMNS.map(([, of]) => money(sumOf(members, of)))];
  return card("Every member", table(["Member", ...COLUMNS.map(([head]) => head)], rows, { foot }), {
    wide: true,
    note: `${currency} over what was settled. Paid: on chain, to the last unit. Without trade: each member by itself with its own devices, every day from where they stood. Plain tariff: the same energy, without market, battery or generator, cars charged as soon as they come. Saved: against the plain tariff.`,
  });
}

function dayCard({ days }: MonthJson): string {
  const rows = days.map((day) => [
    day.date,
    ...[day.sharedKwh, day.loadKwh, day.emissionsKg].map((value) => number(value, 2)),
    (day.settledHours === undefined ? "" : `first ${day.settledHours} h settled; `) + escape(day.verdict),
  ]);
  return card("Every day", table(["Day", "Shared, kWh", "Load, kWh", "CO₂, kg", "Audit"], rows), { wide: true });
}

export function renderMonth(month: MonthJson): string {
  const { currency, members, days } = month;
  const settled = days.filter((day) => day.settled || day.settledHours !== undefined);
  const [whole, parts] = [settled.filter((day) => day.settled).length, settled.filter((day) => !day.settled).length];
  const all = (column: number): string => `${money(sumOf(members, COLUMNS[column][1]))} ${currency}`;
  const kwh = (of: (day: MonthJson["days"][number]) => number): string => `${number(total(settled.map(of)), 1)} kWh`;
  const emitted = number(total(settled.map(({ emissionsKg }) => emissionsKg)), 1);
  const top = tiles([
    {
      label: "Days settled",
      value: `${whole} of ${days.length}`,
      ...(parts > 0 && { detail: `and part of ${parts}` }),
    },
    { label: "All bills", value: all(2), detail: `by the plain tariff ${all(4)}` },
    {
      label: "Shared between members",
      value: kwh(({ sharedKwh }) => sharedKwh),
      detail: `load ${kwh(({ loadKwh }) => loadKwh)}`,
    },
    { label: "Emissions", value: `${emitted} kg`, detail: "CO₂, as planned" },
  ]);
  const span = `${month.from} to ${month.to}`;
  return page({
    title: `${foreign(month.name)}, ${span}`,
    name: `${escape(month.name)}, ${span}`,
    subtitle: `${members.length} members · days by the clock of ${escape(month.timeZone)} · money in ${currency}`,
    sections: [{ id: "month", name: "Month", body: top + grid(memberCard(month), dayCard(month)) }],
    footer:
      "For the community alone. What is settled is the plan; what meters made of it is in the bills beside this page.",
  });
}
