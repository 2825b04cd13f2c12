/** Energy: prices, sources and uses, trades, charges. */
import * as Energy from "../charts/energy.ts";
import { allZero, heatHead, heatMap, heatRows, networkCharge } from "../charts/heat.ts";
import { tradeMatrix, tradedCells } from "../charts/tradeMatrix.ts";
import { ENERGY_KINDS, busPrices, byBus, energyBalance, number, total } from "../derive.ts";
import { inWords, named, shortNames } from "../labels.ts";
import { card, grid, legend, numbers, said, table, rowCount } from "../page.ts";
import { periodName } from "../periods.ts";
import { framed } from "../plot.ts";
import { tint } from "../theme.ts";
import { inUnit, withUnit } from "../units.ts";
import { meaningKeys, type Session } from "./session.ts";

/** Why peers pay more than the tariff, by the period in which they do so most. */
function abovePrice(rows: readonly Energy.PriceRow[], { scenario, units: { price } }: Session): string {
  const above = rows
    .filter(({ traded, buy }) => traded !== undefined && traded.mean > buy + 0.005)
    .sort((a, b) => b.traded!.mean - b.buy - (a.traded!.mean - a.buy));
  if (above.length === 0 || above[0].allowance <= 0) return "";
  const { hour, buy, allowance, traded } = above[0];
  return inWords(
    scenario,
    ` In ${above.length} of ${rows.length} periods prosumers pay one another more than the tariff: energy from the utility also takes the allowance for the grid's CO₂, a prosumer's holds its seller's already. Most so ${periodName(scenario, hour)}: tariff ${inUnit(price, buy)} + allowance ${inUnit(price, allowance)} = ${withUnit(price, buy + allowance)}; traded at ${withUnit(price, traded!.mean)}.`,
  );
}

function priceCard(session: Session): string {
  const { clearing, scenario, units } = session;
  const { price, energy } = units;
  const rows = Energy.priceRows(session);
  const carbon = rows.some(({ allowance }) => allowance > 0);
  const traded = rows.some(({ traded: one }) => one !== undefined);
  const buses = new Map(busPrices(clearing).map((row) => [row.hour, row]));
  const head = [
    "Period",
    "Traded",
    "Mean price",
    "Lowest",
    "Highest",
    "At the buses",
    "Tariff",
    "+ allowance",
    "= utility",
    "Utility pays",
  ];
  const body = rows.map(({ hour, buy, sell, allowance, traded: one }) => {
    const at = buses.get(hour);
    return [
      periodName(scenario, hour),
      one === undefined ? "–" : withUnit(energy, one.mw * scenario.periodHours),
      ...(one === undefined ? ["–", "–", "–"] : [one.mean, one.low, one.high].map((value) => inUnit(price, value))),
      at === undefined ? "–" : `${inUnit(price, at.low)} to ${inUnit(price, at.high)}`,
      inUnit(price, buy),
      inUnit(price, allowance),
      inUnit(price, buy + allowance),
      inUnit(price, sell),
    ];
  });
  const lines = [
    ...(traded
      ? [
          { colour: tint("energy"), text: "traded: mean and spread" },
          { colour: tint("network"), text: "at the buses, network charge taken off: spread" },
        ]
      : []),
    { colour: tint("utility"), text: "utility's tariff: sells (upper), buys (lower)", line: "dashed" as const },
    ...(carbon
      ? [{ colour: tint("utility"), text: "its tariff and the allowance for its CO₂", line: "dotted" as const }]
      : []),
  ];
  const note = traded
    ? `${inWords(scenario, "Of what is settled between prosumers.")}${abovePrice(rows, session)}`
    : inWords(scenario, "Nothing is traded between prosumers: the utility's tariff alone.");
  return card(
    "Prices",
    legend(lines) +
      framed((frame) => Energy.energyPriceChart(session, frame), true) +
      numbers(`Prices of every period in ${price.name}, ${rowCount(rows)}`, table(head, body)),
    { wide: true, note },
  );
}

/** Batteries for which an optimum would have charged and discharged at once, and that were held to one way. */
function heldText({ prosumers }: Session["scenario"]): string {
  return byBus(prosumers)
    .flatMap(({ bus, battery }) => {
      const held = battery?.direction?.filter((way) => way !== "either").length ?? 0;
      return held === 0
        ? []
        : [`The battery at bus ${bus} was held to one way in ${held} ${held === 1 ? "period" : "periods"}.`];
    })
    .join(" ");
}

function balanceCard(session: Session): string {
  const { clearing, scenario, units } = session;
  const balance = energyBalance(clearing, scenario);
  const kinds = ENERGY_KINDS.filter((kind) => balance.some((row) => row.kind === kind));
  const rows = Array.from({ length: scenario.hours }, (_, t) => [
    periodName(scenario, t),
    ...kinds.map((kind) =>
      inUnit(units.power, total(balance.filter((row) => row.hour === t && row.kind === kind).map(({ mw }) => mw))),
    ),
  ]);
  return card(
    "Source and use",
    meaningKeys(
      kinds,
      kinds.map((kind) => Energy.KIND_MEANINGS[kind]),
    ) +
      framed((frame) => Energy.balanceChart(session, frame)) +
      numbers(
        `Every period in ${units.power.name}, net, drawn below zero; ${rowCount(rows)}`,
        table(["Period", ...kinds], rows),
      ),
    { note: heldText(scenario) },
  );
}

function chargeCard(session: Session): string {
  const { clearing, scenario, units } = session;
  const { nodalPrice } = clearing.network;
  const heat = networkCharge(units.price);
  if (!clearing.settings.network)
    return card("Network charge", said("The network's limits were switched off: there is no charge."));
  if (allZero(nodalPrice))
    return card("Network charge", said("Zero at every bus in every period: no limit of the network costs anything."));
  return card(
    "Network charge",
    framed((frame) => heatMap(nodalPrice, scenario, heat, frame)) +
      numbers(
        `Lowest and highest of every period, ${rowCount(nodalPrice)}`,
        table(heatHead(heat), heatRows(nodalPrice, scenario, heat)),
      ),
    { note: "On energy fed in at the bus; energy drawn there is charged the negative of it." },
  );
}

function matrixCard(session: Session): string {
  const cells = tradedCells(session);
  const { energy } = session.units;
  if (cells.length === 0)
    return card("Who sells to whom", said(inWords(session.scenario, "No energy is traded between prosumers.")));
  const names = shortNames(session.scenario, session.clearing.prosumers);
  const rows = byBus(session.clearing.prosumers).map(({ id }) => {
    const name = names.get(id)!;
    const sum = (side: "seller" | "buyer"): number =>
      total(cells.filter((cell) => cell[side] === name).map(({ mwh }) => mwh));
    return [named(session.scenario, id, name), inUnit(energy, sum("seller")), inUnit(energy, sum("buyer"))];
  });
  const all = inUnit(energy, total(cells.map(({ mwh }) => mwh)));
  return card(
    "Who sells to whom",
    framed((frame) => tradeMatrix(session, frame)) +
      numbers(
        inWords(session.scenario, `Sold and bought by every prosumer, ${rowCount(rows)}`),
        table([inWords(session.scenario, "Prosumer"), `Sold, ${energy.name}`, `Bought, ${energy.name}`], rows, {
          foot: ["All", all, all],
        }),
      ),
    {
      note: `${energy.name} over the session, as settled: ${number(cells.length, 0)} pairs. Each period's net sales go to net buyers by the shortest electrical way.`,
    },
  );
}

export function energy(session: Session): string {
  return grid(
    priceCard(session),
    balanceCard(session),
    card(
      "Trades",
      meaningKeys(Energy.tradeKinds(session.scenario), Energy.TRADE_MEANINGS) +
        framed((frame) => Energy.tradeChart(session, frame)),
    ),
    chargeCard(session),
    matrixCard(session),
  );
}
