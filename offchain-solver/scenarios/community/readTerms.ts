import { parseDocument } from "yaml";
import { InputError } from "../../io/inputError.ts";
import { readText, shapeFaults } from "../../io/readJson.ts";
import { folderNameFault } from "../../io/sessionFolder.ts";
import { complainAbout, type Findings } from "./findings.ts";
import { CommunitySchema, type Community } from "./terms.ts";
import { tariffFaults } from "./tariff.ts";
import { zoneClock, type ZoneClock } from "./zoneClock.ts";

/** What community.yaml says, with the clock that it names. */
export type Terms = { readonly file: string; readonly community: Community; readonly clock: ZoneClock };

/** Reads community.yaml and notes all that is wrong with it and what it leaves to defaults. Throws InputError. */
export function readTerms(file: string, found: Findings): Terms | undefined {
  const document = parseDocument(readText(file), { prettyErrors: true });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const line = fault.linePos?.[0].line ?? 1;
    throw new InputError(`${file}: line ${line}: ${fault.message.split("\n")[0].replace(/ at line .*$/, "")}`);
  }
  const written: unknown = document.toJS({ maxAliasCount: 100 });
  const faults = shapeFaults(file, written, CommunitySchema);
  if (faults.length > 0) {
    complainAbout(
      found,
      file,
      faults.map(({ message }) => message),
    );
    return undefined;
  }
  const community = CommunitySchema.parse(written);
  const clock = zoneClock(community.timeZone);
  const complain = (field: string, value: unknown, reason: string): void =>
    void found.wrong.push(`${file}: ${field} = ${JSON.stringify(value)}: ${reason}`);
  // The longest that is named by it: a run of days.
  const odd = folderNameFault(`${community.name}-2026-01-01-to-2026-12-31`);
  if (odd !== undefined) complain("name", community.name, odd);
  if (clock === undefined)
    complain("timeZone", community.timeZone, "there is no such time zone; Europe/Vienna and America/Los_Angeles are");
  for (const { field, value, reason } of tariffFaults(community)) complain(field, value, reason);
  const { carbon } = community;
  if (carbon !== undefined && carbon.sellPerTonne >= carbon.buyPerTonne)
    complain("carbon.sellPerTonne", carbon.sellPerTonne, `must be below buyPerTonne = ${carbon.buyPerTonne}`);
  if (carbon === undefined) found.assumed.push(`${file}: carbon: nothing is said: emissions cost nothing`);
  if (community.reserve === undefined)
    found.assumed.push(
      `${file}: reserve: nothing is said: the utility answers errors for a thirtieth of buyPerKwh a kW and hour, up and down`,
    );
  return clock && { file, community, clock };
}
