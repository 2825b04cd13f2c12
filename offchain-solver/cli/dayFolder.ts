/** A folder of a day that settled in several sessions, beside those sessions. */
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalid, VALID, type Verdict } from "../auditor/verdict.ts";
import { made } from "../io/made.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { ClearingJsonSchema, swept } from "../records/clearingJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import { DeliveryJsonSchema } from "../records/deliveryJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import { joinAudits } from "../records/joinDeliveries.ts";
import { AuditJsonSchema, SettlementJsonSchema, type AuditJson } from "../records/sessionJson.ts";
import { placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { writeJson } from "../io/target.ts";
import { reportMade, type ReportFiles } from "./reportMade.ts";
import { partName, writePages } from "./sessionFiles.ts";

/** Whether a session's files are there. */
export const isSession = (folder: string): boolean =>
  [true, false].some((split) => isFile(join(folder, placeOf("settlement.json", split))));

/** The sessions in a folder, in those of days too; a folder that is none of both has none. */
export function sessionFoldersIn(folder: string): string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => join(folder, name))
    .flatMap((at) => (isSession(at) ? [at] : partsIn(at)));
}

/** The sessions of a day; none: it is no day's folder. */
export function partsIn(folder: string): string[] {
  const parts: string[] = [];
  while (isSession(join(folder, partName(parts.length)))) parts.push(join(folder, partName(parts.length)));
  return parts;
}

/** The day's folder that a session's is in, if it is of a day in several. */
export function dayOf(session: string): string | undefined {
  const day = dirname(resolve(session));
  return partsIn(day).some((part) => part === resolve(session)) ? day : undefined;
}

const isSplit = (folder: string): boolean => isFile(join(folder, placeOf("clearing.json", true)));
const placed =
  (folder: string, split: boolean) =>
  (file: SessionFile): string =>
    join(folder, placeOf(file, split));

/** What the pages of a day are made of. `audit`: what its sessions' audits come to. */
function inputOf(folder: string, audit: AuditJson): ReportFiles {
  const split = isSplit(folder);
  const at = placed(folder, split);
  const parts = partsIn(folder).map((part) => placed(part, split));
  return {
    clearing: readJson(at("clearing.json"), ClearingJsonSchema),
    settlement: parts.map((part) => readJson(part("settlement.json"), SettlementJsonSchema)),
    audit,
    scenario: readJson(at("scenario.json"), ScenarioSchema),
    delivery: parts
      .map((part) => part("delivery.json"))
      .flatMap((file) => (isFile(file) ? [readJson(file, DeliveryJsonSchema)] : [])),
    community: isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined,
  };
}

/** What a day's clearing.json and report.html say, against the files of its sessions, which are judged themselves. */
export function checkDay(folder: string): Verdict {
  const split = isSplit(folder);
  const at = placed(folder, split);
  if (!isFile(at("clearing.json"))) return VALID;
  const clearing = readJson(at("clearing.json"), ClearingJsonSchema);
  const parts = partsIn(folder).map((part) => readJson(placed(part, split)("clearing.json"), ClearingJsonSchema));
  const joined = made(() => ClearingJsonSchema.parse(joinClearings(parts)));
  if (joined === undefined || JSON.stringify(clearing) !== JSON.stringify(joined))
    return invalid("dayNotItsSessions", `${at("clearing.json")} is not what its sessions come to`);
  if (!isFile(at("report.html"))) return VALID;
  return reportMade(inputOf(folder, readJson(at("audit.json"), AuditJsonSchema))) === readText(at("report.html"))
    ? VALID
    : invalid("reportNotTheFiles", `${at("report.html")} is not what its sessions' files make`);
}

/** After something was entered of one of its sessions: the day's audit and the pages that show it. */
export function rewriteDay(folder: string): void {
  const split = isSplit(folder);
  const at = placed(folder, split);
  const audits = partsIn(folder).map((part) => readJson(placed(part, split)("audit.json"), AuditJsonSchema));
  writeJson(at("audit.json"), joinAudits(audits));
  const { clearing, ...input } = inputOf(folder, readJson(at("audit.json"), AuditJsonSchema));
  writePages(at, { ...input, clearing: swept(clearing) });
}
