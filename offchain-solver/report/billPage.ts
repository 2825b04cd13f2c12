/** A bill as a page that can be printed and kept: what it comes to, then each day's lines with their batch. */
import type { BillItem, BillJson } from "../records/billJson.ts";
import { escape, foreign, number } from "./derive.ts";
import { card, grid, page, table, tiles, type Tile } from "./page.ts";
import { clockOf, dayOf } from "./periods.ts";

type Line = BillJson["lines"][number];

const ITEMS: Readonly<Record<BillItem, readonly [what: string, unit: "kWh" | "kW" | "g" | ""]>> = {
  bought: ["Bought from members", "kWh"],
  sold: ["Sold to members", "kWh"],
  fromUtility: ["Bought from the utility", "kWh"],
  toUtility: ["Sold to the utility", "kWh"],
  reserveBought: ["Reserve for own errors", "kW"],
  reserveSold: ["Reserve kept for others", "kW"],
  allowancesBought: ["Allowances bought", "g"],
  allowancesSold: ["Allowances sold", "g"],
  network: ["Use of the network, less rebate", ""],
  short: ["Delivered less or drawn more than settled", "kWh"],
  long: ["Delivered more or drawn less than settled", "kWh"],
  called: ["Called for others' errors, net", "kWh"],
  undelivered: ["Reserve called and not delivered", "kW"],
  allowancesLacking: ["Allowances for emissions beyond one's own", "g"],
  bound: ["Beyond the connection's bound: not charged", ""],
  takenUp: ["Left over from the entry before", ""],
  unpaid: ["Could not be paid, still owed", ""],
  cut: ["Not received, since others could not pay", ""],
  drawn: ["Drawn, at the utility's tariff", "kWh"],
  fedIn: ["Fed in, at the utility's tariff", "kWh"],
};
const THOUSANDTHS = new Set(["kWh", "kW"]);

/** Whole cents are for reading: the last unit is in the file beside. */
const money = (nano: bigint): string => number(Number(nano) / 1e9, 2);
const fine = (nano: string): string => number(Number(nano) / 1e9, 4);

function quantity({ item, quantity: amount }: Line): string {
  const [, unit] = ITEMS[item];
  if (unit === "" || amount === 0) return "";
  return THOUSANDTHS.has(unit) ? `${number(amount / 1e3, 3)}\u00a0${unit}` : `${number(amount, 0)}\u00a0${unit}`;
}

const sum = (lines: readonly Line[]): bigint => lines.reduce((all, { nano }) => all + BigInt(nano), 0n);
const short = (hash: string): string => `<code title="${hash}">${hash.slice(0, 10)}…</code>`;

/** Lines of one session: what settled, then what the meters made of it. */
function dayCard(lines: readonly Line[], { currency, timeZone }: BillJson): string {
  const [{ day, start, batch }] = lines;
  const rows = lines.map((line) => [
    ITEMS[line.item][0],
    quantity(line),
    line.transaction === undefined ? "" : line.entry === 0 ? "settled" : `entry ${line.entry}`,
    fine(line.nano),
  ]);
  const of =
    batch === undefined
      ? "No session settled: what was metered is billed at the utility's tariff."
      : `Batch ${short(batch)}, moved in ${[...new Set(lines.map(({ transaction }) => short(transaction!)))].join(", ")}.`;
  const times = { startUtc: new Date(1000 * start).toISOString(), hours: 1, periodHours: 1, timeZone };
  const from = `${dayOf(times, 0)} ${clockOf(times, 0)}`;
  return card(
    `${day}`,
    table(["What", "Quantity", "By", currency], rows, { foot: ["Sum", "", "", fine(`${sum(lines)}`)] }),
    { wide: true, note: `Session from ${from} ${escape(timeZone)}. ${of}` },
  );
}

function partCard(bill: BillJson): string {
  const parts = (Object.keys(ITEMS) as BillItem[]).flatMap((item) => {
    const own = bill.lines.filter((line) => line.item === item);
    if (own.length === 0) return [];
    const all = { ...own[0], quantity: own.reduce((total, line) => total + line.quantity, 0) };
    return [[ITEMS[item][0], quantity(all), fine(`${sum(own)}`)]];
  });
  const foot = ["All, as the accounts have moved", "", fine(bill.totalNano)];
  return card("The month by part", table(["What", "Quantity", bill.currency], parts, { foot }), {
    wide: true,
    note: "Positive is paid, negative received.",
  });
}

function taxCard({ vat, totalNano, currency }: BillJson): string {
  const gross = BigInt(totalNano) + BigInt(vat.nano);
  const rate = vat.percent === 0 ? "no rate is stated" : `${vat.percent} %`;
  return card(
    "Value-added tax",
    table(
      ["", currency],
      [
        ["Net", fine(totalNano)],
        [`Tax, ${rate}`, fine(vat.nano)],
      ],
      { foot: ["With tax", fine(`${gross}`)] },
    ),
    { note: "What is net has moved on the accounts; the tax is owed beside them, by whoever has to bill it." },
  );
}

function topTiles(bill: BillJson): string {
  const total = BigInt(bill.totalNano);
  const wh = (items: readonly BillItem[]): number =>
    bill.lines.reduce((all, line) => (items.includes(line.item) ? all + line.quantity : all), 0);
  const energy = (items: readonly BillItem[]): string => `${number(wh(items) / 1e3, 1)} kWh`;
  const all: Tile[] = [
    {
      label: total < 0n ? "Received" : "Paid",
      value: `${money(total < 0n ? -total : total)} ${escape(bill.currency)}`,
      detail: bill.vat.percent === 0 ? "net; no tax stated" : `net; tax ${money(BigInt(bill.vat.nano))}`,
    },
    { label: "Sessions", value: `${new Set(bill.lines.map(({ start }) => start)).size}` },
    {
      label: "From members",
      value: energy(["bought"]),
      detail: `from the utility ${energy(["fromUtility", "drawn"])}`,
    },
    { label: "To members", value: energy(["sold"]), detail: `to the utility ${energy(["toUtility", "fedIn"])}` },
  ];
  return tiles(bill.corrects === undefined ? all : all.slice(0, 2));
}

export function renderBill(bill: BillJson): string {
  const { number: no, corrects, reason, month, timeZone, prosumer } = bill;
  const who = bill.name === undefined ? `account ${prosumer}` : foreign(bill.name);
  const what = corrects === undefined ? "Bill" : "Correction";
  const says =
    corrects === undefined
      ? ""
      : ` · corrects bill ${escape(corrects)}${reason === undefined ? "" : `: ${escape(reason)}`}`;
  const starts = [...new Set(bill.lines.map(({ start }) => start))].toSorted((a, b) => a - b);
  const days = starts.map((start) =>
    dayCard(
      bill.lines.filter((line) => line.start === start),
      bill,
    ),
  );
  return page({
    title: `${what} no. ${escape(no)}`,
    name: `${what} no. ${escape(no)}`,
    subtitle: `${who} · ${month} by the clock of ${escape(timeZone)}${says}`,
    sections: [
      { id: "bill", name: what, body: topTiles(bill) + grid(partCard(bill), taxCard(bill)) },
      { id: "days", name: "Day by day", body: grid(...days) },
    ],
    footer:
      "Each line is made of what settled on chain and of what meters signed; whoever has these makes the same bill. Amounts are shown to four digits; the file beside this one has them to the last unit.",
  });
}
