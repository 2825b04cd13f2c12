import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { Audited, AuditedSession } from "../auditor/audit.ts";
import { checkAuditFile } from "../auditor/auditFile.ts";
import { checkFigures } from "../auditor/clearingFigures.ts";
import { checkAllTold, checkDelivery } from "../auditor/deliveries.ts";
import { checkClearing, checkSettlement } from "../auditor/documents.ts";
import { checkScenario } from "../auditor/scenarioFile.ts";
import { termsHash } from "../codec/terms.ts";
import { WitnessSchema, type Witness } from "../codec/witness.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson } from "../records/deliveryJson.ts";
import { invalid, undecided, VALID, verdictText, worst, type Verdict } from "../auditor/verdict.ts";
import { auditJsonOf, verdictJson } from "../auditor/verdictJson.ts";
import { ScenarioSchema, type Scenario } from "../market/scenario/scenario.ts";
import { ClearingJsonSchema, type ClearingJson } from "../records/clearingJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import {
  AuditJsonSchema,
  SettlementJsonSchema,
  validWords,
  type AuditJson,
  type SettlementJson,
} from "../records/sessionJson.ts";
import { ofEntry, placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { renderAudit } from "../report/auditPage.ts";
import { InputError } from "../io/inputError.ts";
import { note, say } from "../io/output.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkDistinct, checkTarget, writeJson, writeText } from "../io/target.ts";
import { checkBilling } from "./auditBills.ts";
import { addLookOptions, audited, type LookArguments } from "./auditing.ts";
import { checkDay, isSession, partsIn, sessionFoldersIn } from "./dayFolder.ts";
import { Exit } from "./exit.ts";
import { reportMade } from "./reportMade.ts";

type Arguments = LookArguments & { json?: string; html?: string };

export function auditCommand(): Command {
  const command = new Command("audit")
    .description("re-verify every settled session from the chain and what was published alone")
    .argument("[folder]", "a session's, or of many with their bills: files say where they settled, and are checked");
  return addLookOptions(command)
    .option("--json <file>", "write audit.json there; - is stdout")
    .option("--html <file>", "write a page there that can be filed")
    .action(async (folder: string | undefined, args: Arguments) => {
      checkTarget(args.json);
      checkTarget(args.html, "--html");
      checkDistinct({ "--json": args.json, "--html": args.html, "--checkpoint": args.checkpoint });
      const sessions = folder === undefined ? [] : sessionsIn(folder);
      const where = sessions.length === 0 ? args : { ...sessions[0].where, bundle: folder!, ...args };
      const found = await audited(where);
      const documents = folder === undefined ? undefined : checkFolder(folder, sessions, found);
      const json = AuditJsonSchema.parse(auditJsonOf(found, (where.rpc ?? []).map(openly), documents));
      if (args.json) writeJson(args.json, json);
      if (args.html) writeText(args.html, renderAudit(json));
      if (args.json !== "-" && args.html !== "-") report(json);
      conclude(found, documents);
    });
}

/** Without what may be somebody's key in it. */
const openly = (url: string): string => URL.parse(url)?.origin ?? url;

/** The session that a folder is of, or those in it that settled in one market, the first one's. */
function sessionsIn(folder: string): SessionFolder[] {
  if (isSession(folder)) return [sessionIn(folder)];
  let all: string[];
  try {
    all = sessionFoldersIn(folder);
  } catch {
    return [sessionIn(folder)];
  }
  if (all.length === 0) return [sessionIn(folder)];
  const found = all.map(sessionIn);
  const other = found.find(({ settlement }) => settlement.market !== found[0].settlement.market);
  if (other !== undefined)
    throw new InputError(
      `${other.at("settlement.json")}: market = ${other.settlement.market}: another is ${found[0].settlement.market}`,
    );
  return found;
}

/** Of a folder of sessions that settled in the market that was audited, and their bills. */
export const auditFolder = (folder: string, found: Audited): Verdict => checkFolder(folder, sessionsIn(folder), found);

/** Every session's documents, and the bills of all of them: what one lacks hides nothing that is wrong with another. */
function checkFolder(folder: string, sessions: readonly SessionFolder[], found: Audited): Verdict {
  const batches = sessions.flatMap(
    ({ settlement }) => found.sessions.find(({ transaction }) => transaction === settlement.txHash)?.batch ?? [],
  );
  const days = [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter(
    (at) => partsIn(at).length > 0,
  );
  const documents = sessions.map((session) => checkDocuments(session, found));
  const said = worst([...documents, ...days.map(checkDay), checkBilling(folder, sessions, batches, found)]);
  // Files are held against what was seen of the chain: where that was not all of it, nobody is accused by them.
  const unseen = sessions
    .filter(({ settlement }) => found.sessions.every(({ transaction }) => transaction !== settlement.txHash))
    .map(({ settlement }) => checkSettlement(settlement, found));
  const open = [found.standing, ...unseen].find(({ kind }) => kind === "undecided");
  return said.kind === "invalid" && open?.kind === "undecided"
    ? undecided(`${open.missing}: as the chain was shown, ${verdictText(said)}`)
    : said;
}

export type SessionFolder = {
  readonly at: (file: SessionFile) => string;
  readonly settlement: SettlementJson;
  readonly where: LookArguments;
};

/** Where a folder's session settled, by its settlement.json. */
export function sessionIn(folder: string): SessionFolder {
  const split = isFile(join(folder, placeOf("settlement.json", true)));
  const at = (file: SessionFile): string => join(folder, placeOf(file, split));
  const settlement = readJson(at("settlement.json"), SettlementJsonSchema);
  const { rpc, market, marketBlock } = settlement;
  return {
    at,
    settlement,
    where: {
      ...(rpc && { rpc: [rpc] }),
      ...(market && { market }),
      ...(marketBlock !== undefined && { from: marketBlock }),
      bundle: folder,
    },
  };
}

/** All of a session's files, as far as they are there, beside the chain. */
function checkDocuments({ at, settlement }: SessionFolder, found: Audited): Verdict {
  if (settlement.chainId !== undefined && BigInt(settlement.chainId) !== found.chainId)
    throw new InputError(
      `${at("settlement.json")}: chainId = ${settlement.chainId}: the endpoint's is ${found.chainId}`,
    );
  const settled = checkSettlement(settlement, found);
  const session = found.sessions.find(({ transaction }) => transaction === settlement.txHash);
  if (settled.kind !== "valid" || session === undefined) return settled;
  const witness = isFile(at("witness.json")) ? readJson(at("witness.json"), WitnessSchema) : undefined;
  const frozen = witness !== undefined && termsHash(witness.terms) === session.terms?.termsHash ? witness : undefined;
  const delivered = checkDelivered(at, session, found, frozen);
  const audit = isFile(at("audit.json")) ? readJson(at("audit.json"), AuditJsonSchema) : undefined;
  const told = audit === undefined ? VALID : checkAuditFile(audit, found, delivered);
  return worst([delivered, told, checkCleared(at, settlement, session, frozen)]);
}

/** scenario.json, clearing.json and report.html. */
function checkCleared(
  at: SessionFolder["at"],
  settlement: SettlementJson,
  session: AuditedSession,
  witness: Witness | undefined,
): Verdict {
  const scenario = isFile(at("scenario.json")) ? readJson(at("scenario.json"), ScenarioSchema) : undefined;
  const frozen = witness && scenario ? checkScenario(scenario, witness.terms) : VALID;
  if (frozen.kind !== "valid" || !isFile(at("clearing.json"))) return frozen;
  const clearing = readJson(at("clearing.json"), ClearingJsonSchema);
  const cleared = checkClearing(clearing, session);
  if (cleared.kind !== "valid") return cleared;
  const figures =
    witness === undefined
      ? undecided(`the terms that hash to ${session.terms?.termsHash}`)
      : checkFigures(clearing, { terms: witness.terms, regrets: witness.regrets, owned: scenario?.prosumers });
  return worst([figures, checkReport(at, { clearing, settlement, scenario })]);
}

type Reported = {
  readonly clearing: ClearingJson;
  readonly settlement: SettlementJson;
  readonly scenario: Scenario | undefined;
};

/** That the page is what the files beside it make. */
function checkReport(at: SessionFolder["at"], { clearing, settlement, scenario }: Reported): Verdict {
  if (!isFile(at("report.html"))) return VALID;
  if (scenario === undefined || !isFile(at("audit.json")))
    return undecided(`${at(scenario ? "audit.json" : "scenario.json")}: what report.html is made of`);
  const input = {
    clearing,
    settlement,
    audit: readJson(at("audit.json"), AuditJsonSchema),
    scenario,
    delivery: isFile(at("delivery.json")) ? readJson(at("delivery.json"), DeliveryJsonSchema) : undefined,
    community: isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined,
  };
  if (reportMade(input) === readText(at("report.html"))) return VALID;
  // It may have been made with what was not published.
  return input.delivery === undefined
    ? undecided(`${at("delivery.json")}: report.html cannot be made again without`)
    : invalid("reportNotTheFiles", "report.html is not what clearing.json, settlement.json and audit.json make");
}

/** Every entry's document beside batch and entry on chain, by what was signed and the terms that were frozen. */
function checkDelivered(
  at: SessionFolder["at"],
  session: AuditedSession,
  found: Audited,
  witness: Witness | undefined,
): Verdict {
  const onChain = found.entries.filter(({ batch }) => batch === session.batch).length;
  const told: DeliveryJson[] = [];
  const verdicts: Verdict[] = [];
  for (let entry = 1; entry <= onChain || isFile(ofEntry(at("delivery.json"), entry)); entry++) {
    const [document, meters] = [ofEntry(at("delivery.json"), entry), ofEntry(at("meters.json"), entry)];
    if (!isFile(document)) continue;
    const delivery = readJson(document, DeliveryJsonSchema);
    told.push(delivery);
    if (witness === undefined) verdicts.push(undecided(`the terms that hash to ${session.terms?.termsHash}`));
    else if (!isFile(meters)) verdicts.push(undecided(`${meters}: what the meters signed`));
    else {
      verdicts.push(checkDelivery(delivery, readJson(meters, MetersJsonSchema), { session, witness, found }));
    }
  }
  return worst([...verdicts, checkAllTold(told, session, found)]);
}

function report({ verdicts, market, documents, entries = [], credits = [] }: AuditJson): void {
  const figure = (dollars: number | undefined): string => (dollars === undefined ? "" : dollars.toExponential(2));
  const rows = verdicts.map((row) => [
    row.session,
    row.block ?? "",
    figure(row.regrets),
    figure(row.allowed),
    row.verdict === "valid"
      ? validWords(row)
      : [row.verdict, row.predicate, row.detail].filter((part) => part !== undefined).join(": "),
  ]);
  const headings = ["batch", "block", "regrets $", "allowed $", "verdict"];
  const table = terminalTable(headings, rows, { text: [0, 4], wrap: 0 });
  say(rows.length === 0 ? "no session has settled" : table);
  if (entries.length > 0) {
    const told = entries.map((one) => [
      one.session,
      one.entry,
      one.kind,
      (one.receivedNano / 1e9).toFixed(2),
      one.says ?? one.verdict,
    ]);
    say(terminalTable(["batch", "entry", "kind", "moved $", "verdict"], told, { text: [0, 2, 4], wrap: 0 }));
  }
  const wh = credits.reduce((sum, one) => sum + one.wh, 0);
  const bad = credits.find(({ verdict }) => verdict !== "valid");
  if (credits.length > 0)
    say(
      `${wh} Wh of credits issued to ${new Set(credits.map(({ prosumer }) => prosumer)).size} accounts: ${bad?.says ?? "valid"}`,
    );
  say(`market as a whole: ${market?.says ?? market?.verdict}`);
  if (documents !== undefined) say(`files beside the chain: ${documents.says ?? documents.verdict}`);
}

/** The exit code says the worst; a warning what does not make it worse. */
function conclude({ sessions, standing, entries, credits }: Audited, documents: Verdict | undefined): void {
  const all: { readonly what: string; readonly verdict: Verdict; readonly says?: string }[] = [
    { what: "the market", verdict: standing },
    ...sessions.map((one) => ({
      what: `batch ${one.batch}`,
      verdict: one.verdict,
      says: validWords(verdictJson(one)),
    })),
    ...entries.map(({ batch, number, verdict }) => ({ what: `entry ${number} of batch ${batch}`, verdict })),
    ...credits.map(({ prosumer, verdict }) => ({ what: `credits of prosumer ${prosumer}`, verdict })),
    ...(documents === undefined ? [] : [{ what: "the files beside the chain", verdict: documents }]),
  ];
  for (const [kind, code] of [
    ["invalid", 4],
    ["undecided", 5],
  ] as const) {
    const bad = all.find(({ verdict }) => verdict.kind === kind);
    if (bad !== undefined) throw new Exit(code, `${bad.what}: ${verdictText(bad.verdict)}`);
  }
  for (const { what, verdict, says } of all)
    if (verdict.kind === "valid" && verdict.uncertifiedBy) note(`warning: ${what}: ${says}`);
}
