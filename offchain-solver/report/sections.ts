/** The report's sections, each a piece of HTML; an empty string where the session has nothing to show. */
import type { ClearingJson } from "../records/clearingJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { AuditJson, SettlementJson } from "../records/sessionJson.ts";
import * as Checks from "./charts/checks.ts";
import * as Energy from "./charts/energy.ts";
import { CARBON_INTENSITY, NETWORK_CHARGE, heatMap } from "./charts/heat.ts";
import * as Pools from "./charts/reserveCarbon.ts";
import { ENERGY_KINDS, bills, escape, money, number, total } from "./derive.ts";
import { card, grid, legend, table, tiles } from "./page.ts";
import type { Tile } from "./page.ts";
import { colour } from "./plot.ts";

export type Session = {
  readonly clearing: ClearingJson;
  readonly scenario: Scenario;
  readonly settlement?: SettlementJson | undefined;
  readonly audit?: AuditJson | undefined;
};

export const METHODS: Readonly<Record<ClearingJson["settings"]["method"], string>> = {
  admm: "consensus ADMM",
  gsa: "consensus ADMM with geometric series acceleration",
  gsa1: "consensus ADMM with geometric series acceleration, one ratio",
  anderson: "consensus ADMM with Anderson acceleration",
  central: "central solver",
};

export const RISKS: Readonly<Record<ClearingJson["settings"]["risk"], string>> = {
  "ts-drcc": "two-sided distributionally robust chance constraints",
  bonferroni: "per-side distributionally robust chance constraints (Bonferroni)",
  gaussian: "Gaussian chance constraints",
  robust: "robust constraints",
  deterministic: "no uncertainty",
};

const keys = (names: readonly string[], tints: readonly number[]): string =>
  legend(names.map((text, k) => ({ colour: colour(tints[k]), text })));

export function overview({ clearing, scenario, settlement, audit }: Session): string {
  const { network, trades, settings } = clearing;
  const { hours, periodHours, prosumers } = scenario;
  const mwh = total(trades.energy.map(({ mw }) => mw)) * periodHours;
  const load = total(prosumers.map((one) => total(one.load.fixedMw.slice(0, hours)))) * periodHours;
  const reserve = total(trades.reserve.map(({ mw }) => mw)) * periodHours;
  const emitted = 1000 * total(clearing.prosumers.map(({ carbon }) => carbon.emissionsT));
  const lossesMwh = total(network.ac.lossesMwh);
  const all: Tile[] = [
    { label: "Cost of the session", value: money(clearing.objective), detail: "objective over the horizon" },
    { label: "Traded between prosumers", value: `${number(mwh, 2)} MWh`, detail: `load ${number(load, 2)} MWh` },
  ];
  if (settings.risk !== "deterministic") {
    const detail = `ε = ${settings.epsilon} per two-sided limit`;
    all.push({ label: "Reserve traded", value: `${number(reserve, 2)} MW·h`, detail });
  }
  all.push(
    { label: "Emissions", value: `${number(emitted, 0)} kg`, detail: "CO₂ over the session" },
    {
      label: "Lowest voltage",
      value: `${number(Math.min(...network.ac.minVoltage), 4)} p.u.`,
      detail: "AC sweep",
    },
    {
      label: "Highest loading",
      value: `${number(100 * Math.max(...network.ac.maxLoading), 1)} %`,
      detail: `AC sweep, losses ${number(lossesMwh, 3)} MWh`,
    },
    { label: "Iterations", value: number(clearing.iterations, 0), detail: `${number(clearing.wallMs / 1000, 1)} s` },
  );
  if (settlement !== undefined) {
    const detail = `${number(settlement.trades, 0)} trades in one transaction`;
    all.push({ label: "Settled", value: `${number(settlement.gasUsed, 0)} gas`, detail });
  }
  const verdicts = audit?.verdicts.map(({ verdict }) => verdict) ?? [];
  if (verdicts.length > 0) {
    const value = verdicts.find((verdict) => verdict !== "valid") ?? "valid";
    all.push({ label: "Audit", value, ...(value === "undecided" ? {} : { mood: value === "valid" ? "good" : "bad" }) });
  }
  return tiles(all);
}

export function energy({ clearing, scenario }: Session): string {
  return grid(
    card(
      "Prices",
      legend([
        { colour: colour(0), text: "traded: mean and spread" },
        { colour: colour(1), text: "at the buses, network charge taken off: spread" },
        { colour: colour(5), text: "utility's tariff, buying (upper) and selling (lower)", dashed: true },
      ]) + Energy.energyPriceChart(clearing, scenario),
      { wide: true },
    ),
    card("Source and use", keys(ENERGY_KINDS, Energy.ENERGY_TINTS) + Energy.balanceChart(clearing, scenario)),
    card("Trades", keys(Energy.TRADE_KINDS, Energy.TRADE_TINTS) + Energy.tradeChart(clearing, scenario)),
    card("Network charge", heatMap(clearing.network.nodalPrice, scenario, NETWORK_CHARGE), {
      note: "On a MWh fed in at the bus; a MWh drawn there is charged the negative of it.",
    }),
    card("Who sells to whom", Energy.tradeMatrix(clearing, scenario), { note: "MWh over the session." }),
  );
}

export function reserve({ clearing, scenario }: Session): string {
  if (clearing.trades.reserve.length + clearing.utilityReserve.length === 0) return "";
  return grid(
    card(
      "Traded and booked",
      legend([
        ...Pools.RESERVE_KINDS.map((text, k) => ({ colour: colour(Pools.RESERVE_TINTS[k]), text })),
        { colour: "var(--ink)", text: "booked up (solid), down (dashed)", dashed: true },
      ]) + Pools.reserveChart(clearing, scenario),
    ),
    card(
      "Price",
      legend([
        { colour: colour(2), text: "traded: mean and spread" },
        { colour: colour(5), text: "utility's tariff, up and down", dashed: true },
      ]) + Pools.reservePriceChart(clearing, scenario),
    ),
  );
}

function allowanceTable(clearing: ClearingJson): string {
  const kg = (tonnes: number): string => number(1000 * tonnes, 1);
  const pick = ({ carbon: c }: ClearingJson["prosumers"][number]): number[] => [
    c.emissionsT,
    c.allowanceT,
    c.boughtT - c.soldT,
    -c.tradedT,
  ];
  const sums = clearing.prosumers.map(pick).reduce((a, b) => a.map((value, k) => value + b[k]));
  return table(
    ["Prosumer", "Emitted", "Free", "From desk", "From others"],
    clearing.prosumers.map((one) => [`bus ${one.bus}`, ...pick(one).map(kg)]),
    { foot: ["All", ...sums.map(kg)], tall: true },
  );
}

export function carbon({ clearing, scenario }: Session): string {
  if (!clearing.settings.carbon) return "";
  return grid(
    card("Emissions and free allowances", keys(Pools.CARBON_KINDS, Pools.CARBON_TINTS) + Pools.carbonChart(clearing)),
    card(
      "Marginal price of carbon",
      legend([
        { colour: colour(4), text: "prosumer" },
        { colour: colour(5), text: "desk sells (upper) and buys (lower)", dashed: true },
      ]) + Pools.allowancePriceChart(clearing, scenario),
    ),
    card(
      "Carbon intensity",
      heatMap(
        clearing.carbonIntensity.map((row) => row.map((tonnes) => 1000 * tonnes)),
        scenario,
        CARBON_INTENSITY,
      ),
      { note: "Of the energy drawn at the bus, by carbon emission flow." },
    ),
    card("Allowances", allowanceTable(clearing), { note: "kg CO₂; negative: sold." }),
  );
}

const BILL_COLUMNS = ["energy", "reserve", "carbon", "network", "payments", "deviceCost", "total"] as const;

export function billSection({ clearing }: Session): string {
  const all = bills(clearing);
  const line = (name: string, value: (key: (typeof BILL_COLUMNS)[number]) => number): string[] => [
    name,
    ...BILL_COLUMNS.map((key) => money(value(key))),
  ];
  const numbers = table(
    ["Prosumer", "Energy", "Reserve", "Carbon", "Network", "Payments", "Device cost", "Total"],
    all.map((bill) => line(`${bill.id} (bus ${bill.bus})`, (key) => bill[key])),
    { foot: line("All", (key) => total(all.map((bill) => bill[key]))), tall: true },
  );
  return grid(
    card("Every prosumer's bill", keys(Checks.BILL_KINDS, Checks.BILL_TINTS) + Checks.billChart(clearing), {
      note: "The ring marks the total.",
      wide: true,
    }),
    card("In numbers", numbers, { note: "Positive: pays. Negative: is paid.", wide: true }),
  );
}

export function networkCheck({ clearing, scenario }: Session): string {
  const models = legend([
    { colour: colour(0), text: "LinDistFlow" },
    { colour: colour(1), text: "AC sweep", dashed: true },
    { colour: "var(--bad)", text: "limit", dashed: true },
  ]);
  return grid(
    card("Lowest and highest voltage", models + Checks.acVoltageChart(clearing, scenario)),
    card("Highest loading", models + Checks.acLoadingChart(clearing, scenario)),
  );
}

export function convergence({ clearing }: Session): string {
  if (clearing.residuals.length === 0) return "";
  const regrets = total(clearing.prosumers.map(({ regret }) => regret));
  const effort = table(
    ["Status", clearing.status],
    [
      ["Iterations", number(clearing.iterations, 0)],
      ["Evaluations, rejected steps counted in", number(clearing.evaluations, 0)],
      ["Messages", number(clearing.messages, 0)],
      ["Bytes", number(clearing.bytes, 0)],
      ["Time", `${number(clearing.wallMs / 1000, 2)} s`],
      ["Sum of the prosumers' regrets", `$${regrets.toExponential(2)}`],
    ],
  );
  return grid(
    card("Residuals", keys(["primal", "dual"], [0, 1]) + Checks.residualChart(clearing), {
      note: "Largest over the products; solved when both are at most 1.",
    }),
    card("Effort", effort, { note: `By ${METHODS[clearing.settings.method]}.` }),
  );
}

function settlementCards(settlement: SettlementJson): string[] {
  const { accounts } = settlement;
  const sum = (key: "moneyNano" | "carbonG" | "energyWh"): number => total(accounts.map((row) => row[key]));
  const facts = table(
    ["Transaction", `<code>${settlement.txHash.slice(0, 18)}…${settlement.txHash.slice(-6)}</code>`],
    [
      ["Block", number(settlement.block, 0)],
      ["Gas", number(settlement.gasUsed, 0)],
      ["Gas a trade", number(settlement.gasUsed / Math.max(1, settlement.trades), 0)],
      ["Payload", `${number(settlement.bytes, 0)} bytes`],
      ["Trades", number(settlement.trades, 0)],
      ["Prosumers", number(settlement.prosumers, 0)],
    ],
  );
  const changes = table(
    ["Account", "Money, $", "Energy, Wh", "Allowances, g"],
    accounts.map((row) => [
      typeof row.account === "number" ? `prosumer ${row.account}` : row.account,
      number(row.moneyNano / 1e9, 9),
      number(row.energyWh, 0),
      number(row.carbonG, 0),
    ]),
    {
      foot: ["Sum", number(sum("moneyNano") / 1e9, 9), number(sum("energyWh"), 0), number(sum("carbonG"), 0)],
      tall: true,
    },
  );
  const balanced = [sum("moneyNano"), sum("carbonG"), sum("energyWh")].every((value) => value === 0);
  return [
    card("On chain", facts + `<p class="note hash"><code>${settlement.txHash}</code></p>`),
    card("What every account gained", changes, {
      note: balanced ? "Every column adds up to zero, to the last unit." : "Not every column adds up to zero.",
    }),
  ];
}

export function settlementAndAudit({ settlement, audit }: Session): string {
  const cards = settlement === undefined ? [] : settlementCards(settlement);
  if (audit !== undefined) {
    const rows = audit.verdicts.map(({ session, verdict, predicate }) => [
      escape(session),
      `<span class="verdict ${verdict}">${verdict}</span>`,
      escape(predicate ?? "–"),
    ]);
    const verdicts = table(["Session", "Verdict", "Predicate or missing data"], rows);
    cards.push(
      card("Audit", verdicts, {
        note: "Judged by the witness alone; the auditor does not run the solver.",
        wide: true,
      }),
    );
  }
  return cards.length === 0 ? "" : grid(...cards);
}
