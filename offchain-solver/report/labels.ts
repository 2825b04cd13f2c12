/** What the report calls those in it: a community's members by name, everybody else by number and bus. */
import type { CommunityJson } from "../records/communityJson.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { byBus, foreign } from "./derive.ts";

/** A scenario, with the community's own names, clock and currency where it is one's. */
export type Labelled = Scenario & { readonly community?: CommunityJson | undefined };

type Place = { readonly id: number; readonly bus: number };

const memberOf = ({ community }: Labelled, id: number): CommunityJson["members"][number] | undefined =>
  community?.members.find(({ prosumer }) => prosumer === id);

/** In a table: the member's name, else `no. 3, bus 5`. Markup. */
export function called(scenario: Labelled, id: number, bus: number | undefined): string {
  const member = memberOf(scenario, id);
  return member === undefined ? `no. ${id}, bus ${bus ?? "–"}` : foreign(member.name);
}

/** Our own words about prosumers in a community's: there they are members. */
export const inWords = ({ community }: Pick<Labelled, "community">, text: string): string =>
  community === undefined ? text : text.replaceAll("prosumer", "member").replaceAll("Prosumer", "Member");

/** On an axis, by bus: the member's own id, else its bus, and its number where the bus has more than one. */
export function shortNames(scenario: Labelled, all: readonly Place[]): Map<number, string> {
  const shared = (bus: number): boolean => all.filter((one) => one.bus === bus).length > 1;
  return new Map(
    byBus(all).map(({ id, bus }) => [
      id,
      memberOf(scenario, id)?.id ?? (shared(bus) ? `${bus} (no. ${id})` : `${bus}`),
    ]),
  );
}

/** A short name in a sentence: a member's stands for itself, a bus needs the word. */
export const spoken = ({ community }: Labelled, short: string): string =>
  community === undefined ? `bus ${short}` : short;

/** In a narrow table, by short name: the member's name, else its bus. Markup. */
export const named = (scenario: Labelled, id: number, short: string): string => {
  const member = memberOf(scenario, id);
  return member === undefined ? `bus ${short}` : foreign(member.name);
};

/** What the axis of short names is called. */
export const nameOfAxis = ({ community }: Labelled, role: string): string =>
  community === undefined ? `${role} ${role === "prosumer" ? "at bus" : "(bus)"}` : role.replace("prosumer", "member");

/** The clock that times are told by: the community's, else the scenario's own, else UTC. */
export const zoneOf = ({ community, timeZone }: Pick<Labelled, "community" | "timeZone">): string =>
  community?.timeZone ?? timeZone ?? "UTC";

const MINOR: Readonly<Record<string, string>> = { EUR: "ct", CHF: "Rp.", USD: "¢", GBP: "p" };

/** What money is called, and a hundredth of it; a currency without a name for that is shown in whole ones. */
export function currencyOf({ community }: Pick<Labelled, "community">): {
  readonly whole: string;
  readonly hundredth: string | undefined;
} {
  if (community === undefined) return { whole: "$", hundredth: "¢" };
  return { whole: community.currency, hundredth: MINOR[community.currency] };
}
