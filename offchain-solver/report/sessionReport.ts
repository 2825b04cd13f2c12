/** report.html: one session on one page that needs nothing else, not even a network. */
import { escape } from "./derive.ts";
import { feederSection } from "./feederSection.ts";
import { page } from "./page.ts";
import type { Session } from "./sections.ts";
import * as Sections from "./sections.ts";

export { renderDayPicture } from "./dayPicture.ts";

export type ReportInput = Session;

export function renderReport(session: ReportInput): string {
  const { clearing, scenario } = session;
  const feeder = feederSection(session);
  const date = new Date(scenario.startUtc).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  const sections = [
    { id: "overview", name: "Overview", body: Sections.overview(session) },
    { id: "feeder", name: "Feeder", body: feeder.body },
    { id: "energy", name: "Energy", body: Sections.energy(session) },
    { id: "reserve", name: "Reserve", body: Sections.reserve(session) },
    { id: "carbon", name: "Carbon", body: Sections.carbon(session) },
    { id: "bills", name: "Bills", body: Sections.billSection(session) },
    { id: "network", name: "Network check", body: Sections.networkCheck(session) },
    { id: "convergence", name: "Convergence", body: Sections.convergence(session) },
    { id: "settlement", name: "Settlement and audit", body: Sections.settlementAndAudit(session) },
  ];
  return page({
    title: `${escape(scenario.name)}, ${date}`,
    subtitle: [
      `${scenario.prosumers.length} prosumers on ${escape(scenario.feeder.name)}`,
      `${scenario.hours} periods of ${scenario.periodHours} h from ${escape(scenario.startUtc)}`,
      Sections.METHODS[clearing.settings.method],
      Sections.RISKS[clearing.settings.risk],
      clearing.status,
    ].join(" · "),
    sections: sections.filter(({ body }) => body !== ""),
    hours: feeder.hours,
    footer: `Scenario: ${escape(scenario.source)}<br>Feeder: ${escape(scenario.feeder.source)}`,
  });
}
