/** A folder of a day that settled in several sessions, beside those sessions. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { invalid, VALID, type Verdict } from "../auditor/verdict.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { ClearingJsonSchema, swept } from "../records/clearingJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import { DeliveryJsonSchema } from "../records/deliveryJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import { AuditJsonSchema, SettlementJsonSchema } from "../records/sessionJson.ts";
import { placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { renderReport } from "../report/sessionReport.ts";
import { partName } from "./sessionFiles.ts";

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

/** What a day's clearing.json and report.html say, against the files of its sessions, which are judged themselves. */
export function checkDay(folder: string): Verdict {
  const split = isFile(join(folder, placeOf("clearing.json", true)));
  const placed = (at: string, file: SessionFile): string => join(at, placeOf(file, split));
  const parts = partsIn(folder);
  const at = (file: SessionFile): string => placed(folder, file);
  if (!isFile(at("clearing.json"))) return VALID;
  const clearing = readJson(at("clearing.json"), ClearingJsonSchema);
  const joined = joinClearings(parts.map((part) => readJson(placed(part, "clearing.json"), ClearingJsonSchema)));
  if (JSON.stringify(clearing) !== JSON.stringify(ClearingJsonSchema.parse(joined)))
    return invalid("dayNotItsSessions", `${at("clearing.json")} is not what its sessions come to`);
  if (!isFile(at("report.html"))) return VALID;
  const input = {
    clearing: swept(clearing),
    settlement: parts.map((part) => readJson(placed(part, "settlement.json"), SettlementJsonSchema)),
    audit: readJson(at("audit.json"), AuditJsonSchema),
    scenario: readJson(at("scenario.json"), ScenarioSchema),
    delivery: parts
      .map((part) => placed(part, "delivery.json"))
      .flatMap((file) => (isFile(file) ? [readJson(file, DeliveryJsonSchema)] : [])),
    community: isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined,
  };
  return renderReport(input) === readText(at("report.html"))
    ? VALID
    : invalid("reportNotTheFiles", `${at("report.html")} is not what its sessions' files make`);
}
