import { join } from "node:path";
import type { Scenario } from "../../market/scenario/scenario.ts";
import type { CommunityJson } from "../../records/communityJson.ts";
import { checkScenario } from "../loadScenario.ts";
import { attempt, noFindings, refuseIfWrong, type Findings } from "./findings.ts";
import { readCommunity } from "./readCommunity.ts";
import { resolveCommunity, type Stored } from "./resolveCommunity.ts";

/** A community's day, and what was assumed where its folder says nothing. */
export type LoadedCommunity = {
  readonly scenario: Scenario;
  readonly community: CommunityJson;
  readonly assumed: readonly string[];
};

/**
 * The scenario of a community's day (YYYY-MM-DD by its clock; absent: the first after its series). Throws InputError
 * with the first thing that is wrong in the folder, and how many more there are. `stored`: where the day before has
 * left the devices, if it is known.
 */
export async function loadCommunity(folder: string, date?: string, stored?: Stored): Promise<LoadedCommunity> {
  const found = noFindings();
  const read = await readCommunity(folder, found);
  refuseIfWrong(found, folder);
  const { scenario, community } = resolveCommunity(read!, date, found, stored);
  refuseIfWrong(found, folder);
  checkScenario(scenario);
  return { scenario, community, assumed: found.assumed };
}

/**
 * Throws InputError where one of these days cannot be had from a community's folder, or is not what `check` takes:
 * before the first of them is worked on. Devices stand as they do on a first day.
 */
export async function checkDays(
  folder: string,
  dates: readonly string[],
  check: (day: Omit<LoadedCommunity, "assumed">) => void,
): Promise<void> {
  const found = noFindings();
  const read = await readCommunity(folder, found);
  refuseIfWrong(found, folder);
  for (const date of dates) {
    const day = resolveCommunity(read!, date, found);
    refuseIfWrong(found, folder);
    checkScenario(day.scenario);
    check(day);
  }
}

/** Everything that is wrong with a community's folder, or, where nothing is, with the day asked for. */
export async function checkCommunity(
  folder: string,
  date?: string,
): Promise<{ readonly found: Findings; readonly loaded: LoadedCommunity | undefined }> {
  const found = noFindings();
  const read = await attempt(found, () => readCommunity(folder, found));
  if (read === undefined || found.wrong.length > 0) return { found, loaded: undefined };
  const loaded = await attempt(found, () => {
    const { scenario, community } = resolveCommunity(read, date, found);
    if (found.wrong.length > 0) return undefined;
    checkScenario(scenario);
    return { scenario, community, assumed: found.assumed };
  });
  return { found, loaded };
}

/** The files that a community's folder is known by. */
export const filesOf = (folder: string): string[] =>
  ["community.yaml", "members.csv"].map((name) => join(folder, name));
