/** What became of what was promised: meters, imbalance, reserve called, allowances surrendered. */
import type { DeliveryJson } from "../../records/deliveryJson.ts";
import { joinDeliveries } from "../../records/joinDeliveries.ts";
import * as Chart from "../charts/delivery.ts";
import { byBus, number, total } from "../derive.ts";
import { called, currencyOf, named, shortNames } from "../labels.ts";
import { card, grid, legend, table } from "../page.ts";
import { framed } from "../plot.ts";
import { tint } from "../theme.ts";
import { inUnit, moneyUnit } from "../units.ts";
import type { Session } from "./session.ts";

type Member = DeliveryJson["members"][number];

const KINDS = { provisional: "Provisional", final: "Final", correction: "Corrected" } as const;
const NANO = 1e9;
const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

function inOrder({ members }: DeliveryJson, { clearing }: Session): Member[] {
  const of = new Map(members.map((one) => [one.id, one]));
  const took = byBus(clearing.prosumers).flatMap(({ id }) => of.get(id) ?? []);
  return [...took, ...members.filter((one) => !took.includes(one))];
}

function pictureCard(delivery: DeliveryJson, session: Session): string {
  const [values, missing] = [delivery.members.flatMap(({ quality }) => quality), "missing"];
  const count = (what: string): number => values.filter((one) => one === what).length;
  const rest = [`${number(count("estimated"), 0)} estimated`, `${number(count(missing), 0)} missing`];
  return card(
    "Delivered against promised",
    legend([
      ...Chart.DELIVERY_KINDS.map((text, k) => ({ colour: tint(Chart.DELIVERY_MEANINGS[k]), text })),
      { colour: "var(--ink)", text: "promised, all net", line: "dashed" },
      { colour: tint("energy"), text: "metered, all net", line: "solid" },
    ]) + framed((frame) => Chart.deliveryChart(delivery, session, frame), true),
    {
      wide: true,
      note: `${KINDS[delivery.kind]}: ${number(values.length, 0)} values of ${delivery.members.length} meters, ${rest.join(", ")}.`,
    },
  );
}

function billCard(delivery: DeliveryJson, session: Session): string {
  const { scenario, clearing } = session;
  const members = inOrder(delivery, session);
  const names = shortNames(scenario, clearing.prosumers);
  const pick = ({ parts, dueNano, movedNano }: Member): number[] => [
    parts.shortNano,
    parts.longNano,
    parts.responsesNano,
    parts.penaltyNano,
    parts.allowancesNano,
    parts.boundNano + movedNano - dueNano,
    movedNano,
  ];
  const rows = members.map((one) => pick(one).map((nano) => nano / NANO));
  const unit = moneyUnit(Math.max(...rows.flat().map(Math.abs)), currencyOf(scenario));
  const show = (values: readonly number[]): string[] => values.map((value) => inUnit(unit, value));
  const heads = ["Member", "Too little", "Too much", "Called", "Not delivered", "Allowances", "Not borne", "In all"];
  const withRest = rows.some((row) => Math.abs(row[5]) > 0);
  const cut = <T>(row: readonly T[], offset: number): T[] => row.filter((_, k) => withRest || k !== 5 + offset);
  const nameOf = (id: number): string =>
    names.has(id) ? named(scenario, id, names.get(id)!) : called(scenario, id, undefined);
  return card(
    "What it came to",
    table(
      cut(heads, 1),
      members.map(({ id }, k) => [nameOf(id), ...show(cut(rows[k], 0))]),
      { foot: ["All", ...show(cut(rows.length === 0 ? [] : rows.reduce((a, b) => a.map((v, k) => v + b[k])), 0))] },
    ),
    {
      wide: true,
      note: `${unit.name}; received is positive, paid negative. The other side is the utility, of what was not delivered the insurance fund, of allowances the desk.`,
    },
  );
}

function carbonCard({ carbon, members }: DeliveryJson, session: Session): string {
  const { mass, energy } = session.units;
  const surplus = members.filter(({ boughtG }) => boughtG > 0).length;
  const grams = (g: number): string => inUnit(mass, g / 1e6);
  return card(
    "Metered emissions",
    table(
      ["Of all", mass.name],
      [
        ["Emitted", grams(carbon.emissionsG)],
        ["Allowances surrendered", grams(carbon.surrenderedG)],
        ["Bought from the desk", grams(carbon.boughtG)],
      ],
    ),
    {
      note: `Every gram that was emitted was surrendered for; ${surplus} of ${members.length} lacked some. Renewables generated ${inUnit(energy, carbon.renewableWh / 1e6)} ${energy.name}.`,
    },
  );
}

function entryCard(delivery: DeliveryJson): string {
  const { entered, members, shortfall, credits } = delivery;
  const undelivered = total(members.map(({ undeliveredW }) => sum(undeliveredW)));
  const rows = [
    ["Reserve called and not delivered", `${number(undelivered, 0)} W, summed over periods`],
    ["Could not be paid", `${number((shortfall.byFundNano + shortfall.byReceiversNano) / NANO, 2)}`],
    ["of that by the insurance fund", `${number(shortfall.byFundNano / NANO, 2)}`],
    [
      "Entry on chain",
      entered === undefined ? "none" : `${number(entered.entry, 0)}, block ${number(entered.block, 0)}`,
    ],
    ...(entered === undefined ? [] : [["Gas", number(entered.gasUsed, 0)]]),
    ...(credits === undefined
      ? []
      : [["Credits issued, Wh", `${number(total(credits.map(({ wh }) => wh)), 0)} to ${credits.length} members`]]),
  ];
  const note =
    entered === undefined
      ? "Reckoned by this program's ledger from signed meters. It is not settled on chain: nobody has been charged."
      : "";
  return card(
    "The entry",
    table(["", ""], rows) + `<p class="note hash">Readings <code>${delivery.readings}</code></p>`,
    {
      note,
    },
  );
}

export function deliverySection(session: Session): string {
  const { deliveries } = session;
  if (deliveries.length === 0) return "";
  const delivery = joinDeliveries(deliveries);
  return grid(
    pictureCard(delivery, session),
    billCard(delivery, session),
    carbonCard(delivery, session),
    ...deliveries.map(entryCard),
  );
}
