/** report.html: one session on one page that needs nothing else, not even a network. */
import type { SweptClearing as ClearingJson } from "../records/clearingJson.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import type { AuditJson, SettlementJson } from "../records/sessionJson.ts";
import { dayFrom } from "./day.ts";
import { escape, foreign } from "./derive.ts";
import { feederSection } from "./feederSection.ts";
import { inWords, zoneOf } from "./labels.ts";
import { page } from "./page.ts";
import { clockOf, dayOf, lengthName, yearOf } from "./periods.ts";
import { billSection } from "./sections/bills.ts";
import { carbon } from "./sections/carbon.ts";
import { convergence, networkCheck } from "./sections/checks.ts";
import { deliverySection } from "./sections/delivery.ts";
import { energy } from "./sections/energy.ts";
import { overview } from "./sections/overview.ts";
import { reserve } from "./sections/reserve.ts";
import { METHODS, RISKS, type Session } from "./sections/session.ts";
import { settlementAndAudit } from "./sections/settlement.ts";

export { renderDayPicture } from "./dayPicture.ts";

export type ReportInput = {
  readonly clearing: ClearingJson;
  readonly scenario: Scenario;
  /** Of a day in several sessions: each one's, in their order. */
  readonly settlement?: SettlementJson | readonly SettlementJson[] | undefined;
  readonly audit?: AuditJson | undefined;
  readonly delivery?: DeliveryJson | readonly DeliveryJson[] | undefined;
  /** Names, clock and currency of a community; absent: numbers, UTC and dollars. */
  readonly community?: CommunityJson | undefined;
};

function subtitle({ clearing, scenario }: Session): string {
  const { hours, periodHours, prosumers, feeder } = scenario;
  const { settings } = clearing;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
  const [first, last] = [dayOf(scenario, 0), dayOf(scenario, hours * periodHours)];
  const end = `${last === first ? "" : `${last} `}${clockOf(scenario, hours * periodHours)}`;
  return [
    `${count(prosumers.length, inWords(scenario, "prosumer"))} on ${foreign(feeder.name)}`,
    `${count(hours, "period")} of ${lengthName(periodHours)}, ${first} ${clockOf(scenario, 0)} to ${end} ${zoneOf(scenario)}`,
    METHODS[settings.method],
    RISKS[settings.risk],
    ...(settings.reserve === "sequential" ? ["reserve cleared after energy"] : []),
    ...(settings.trade ? [] : [inWords(scenario, "trade between prosumers off")]),
    ...(settings.carbon ? [] : ["carbon market off"]),
    ...(settings.network ? [] : ["network limits off"]),
    clearing.status,
  ].join(" · ");
}

export function renderReport({
  clearing,
  scenario: plain,
  settlement,
  audit,
  delivery,
  community,
}: ReportInput): string {
  const scenario = { ...plain, community };
  const settlements = [settlement ?? []].flat();
  const deliveries = [delivery ?? []].flat();
  const session: Session = { ...dayFrom(clearing, scenario), settlements, audit, deliveries };
  const feeder = feederSection(session);
  const date = `${dayOf(scenario, 0)} ${yearOf(scenario)}`;
  const sections = [
    { id: "overview", name: "Overview", body: overview(session) },
    { id: "feeder", name: "Feeder", body: feeder.body },
    { id: "energy", name: "Energy", body: energy(session) },
    { id: "reserve", name: "Reserve", body: reserve(session) },
    { id: "carbon", name: "Carbon", body: carbon(session) },
    { id: "bills", name: "Bills", body: billSection(session) },
    { id: "delivery", name: "Delivery", body: deliverySection(session) },
    { id: "network", name: "Network check", body: networkCheck(session) },
    { id: "convergence", name: "Convergence", body: convergence(session) },
    { id: "settlement", name: "Settlement and audit", body: settlementAndAudit(session) },
  ];
  return page({
    title: `${foreign(scenario.name)}, ${date}`,
    name: `${escape(scenario.name)}, ${date}`,
    subtitle: subtitle(session),
    sections: sections.filter(({ body }) => body !== ""),
    hours: feeder.data,
    footer: `Scenario: ${foreign(scenario.source)}<br>Feeder: ${foreign(scenario.feeder.source)}`,
  });
}
