/** Bills, where the money goes, and how the objective becomes the bills. */
import { paymentsOf, reconcile } from "../accounts.ts";
import * as Checks from "../charts/checks.ts";
import { bills, total, type Bill } from "../derive.ts";
import { card, grid, legend, table } from "../page.ts";
import { framed } from "../plot.ts";
import type { Unit } from "../units.ts";
import { called, currencyOf, inWords } from "../labels.ts";
import { inUnit, moneyUnit, withUnit } from "../units.ts";
import type { Session } from "./session.ts";

const UNIT_NAMES: Readonly<Record<string, string>> = { $: "Dollars", "¢": "Cents" };

const HEADS: Readonly<Record<keyof Bill, string>> = {
  id: "No.",
  bus: "Bus",
  energy: "Energy",
  reserve: "Reserve",
  carbon: "Carbon",
  network: "Network",
  payments: "Payments",
  deviceCost: "Device cost",
  total: "Total",
};

function billTable(session: Session, all: readonly Bill[]): string {
  const { money } = session.units;
  const parts = Checks.partsOf(all);
  const columns = [...parts.filter((part) => part !== "deviceCost"), "payments", "deviceCost", "total"] as const;
  return table(
    [inWords(session.scenario, "Prosumer"), ...columns.map((key) => HEADS[key])],
    all.map((bill) => [called(session.scenario, bill.id, bill.bus), ...columns.map((key) => inUnit(money, bill[key]))]),
    { foot: ["All", ...columns.map((key) => inUnit(money, total(all.map((bill) => bill[key]))))] },
  );
}

/** Two digits more than a bill has: the differences are small. */
const finer = (unit: Unit): Unit => ({ ...unit, digits: unit.digits + 2 });

function moneyCards({ clearing, scenario }: Session): string[] {
  const paid = paymentsOf(clearing);
  const steps = reconcile(clearing);
  const unit = finer(moneyUnit(steps.bills, currencyOf(scenario)));
  const show = (dollars: number): string => withUnit(unit, dollars);
  const device = total(clearing.prosumers.map(({ cost }) => cost));
  const rows: [string, number][] = [
    ["To one another, net", 0],
    ["To the utility for energy", paid.utilityEnergy],
    ["To the utility for reserve", paid.utilityReserve],
    ["To the desk for allowances", paid.desk],
    ["To the operator: network charges, on responses too, less the rebate", paid.operator],
    ["Their devices cost", device],
  ];
  return [
    card(
      "Where the money goes",
      table(
        [inWords(scenario, "All prosumers together"), ""],
        rows.map(([text, dollars]) => [text, show(dollars)]),
        {
          foot: ["All bills", show(paid.all + device)],
        },
      ),
      { note: "Payments are sums of the posted integers; negative: is received." },
    ),
    card(
      "From the objective to the bills",
      table(
        ["What the clearing minimised", show(steps.objective)],
        [
          ...(steps.uniqueness === undefined
            ? []
            : [["less the small costs that make trades unique, paid by nobody", show(-steps.uniqueness)]]),
          ["and what the operator keeps: paid, but no cost to all together", show(steps.operator)],
          ["and whole Wh, W and g, and where the iterations stopped", show(steps.rounding)],
        ],
        { foot: ["All bills", show(steps.bills)] },
      ),
      { note: "The objective is in fractions; what is paid is in whole units." },
    ),
  ];
}

export function billSection(session: Session): string {
  const all = bills(session.clearing);
  const { money } = session.units;
  const keys = legend(
    Checks.partsOf(all).map((part) => ({ colour: Checks.partTint(part), text: Checks.PART_NAMES[part] })),
  );
  const left = (["reserve", "carbon", "network"] as const).filter((part) => all.every((bill) => bill[part] === 0));
  const none = left.length === 0 ? "" : ` Nobody pays for ${left.join(" or ")}.`;
  return grid(
    card(
      inWords(session.scenario, "Every prosumer's bill"),
      keys + framed((frame) => Checks.billChart(session, frame), true),
      {
        note: "The ring marks the total.",
        wide: true,
      },
    ),
    card("In numbers", billTable(session, all), {
      note: `${UNIT_NAMES[money.name] ?? money.name} over the session. Positive: pays. Negative: is paid. Each number is rounded by itself. Network: the charges on what is fed in, on responses and on reactive power, less the rebate.${none}`,
      wide: true,
    }),
    ...moneyCards(session),
  );
}
