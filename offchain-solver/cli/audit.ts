import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { Audited, AuditedSession } from "../auditor/audit.ts";
import { checkBills } from "../auditor/bills.ts";
import { checkAllTold, checkDelivery } from "../auditor/deliveries.ts";
import { checkClearing, checkSettlement } from "../auditor/documents.ts";
import { termsHash } from "../codec/terms.ts";
import { WitnessSchema } from "../codec/witness.ts";
import { DeliveryJsonSchema, MetersJsonSchema, type DeliveryJson } from "../records/deliveryJson.ts";
import { invalid, undecided, VALID, verdictText, type Verdict } from "../auditor/verdict.ts";
import { auditJsonOf } from "../auditor/verdictJson.ts";
import { ScenarioSchema } from "../market/scenario/scenario.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import { ClearingJsonSchema, swept } from "../records/clearingJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import { AuditJsonSchema, SettlementJsonSchema, type AuditJson, type SettlementJson } from "../records/sessionJson.ts";
import { ofEntry, placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { renderAudit } from "../report/auditPage.ts";
import { renderReport } from "../report/sessionReport.ts";
import { InputError } from "../io/inputError.ts";
import { note, say } from "../io/output.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { checkDistinct, checkTarget, writeJson, writeText } from "../io/target.ts";
import { addLookOptions, audited, type LookArguments } from "./auditing.ts";
import { checkDay, isSession, partsIn, sessionFoldersIn } from "./dayFolder.ts";
import { Exit } from "./exit.ts";

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

/** Every session's documents, and the bills of all of them. */
function checkFolder(folder: string, sessions: readonly SessionFolder[], found: Audited): Verdict {
  for (const session of sessions) {
    const verdict = checkDocuments(session, found);
    if (verdict.kind !== "valid") return verdict;
  }
  for (const day of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) {
    if (partsIn(day).length === 0) continue;
    const verdict = checkDay(day);
    if (verdict.kind !== "valid") return verdict;
  }
  const batches = sessions.flatMap(
    ({ settlement }) => found.sessions.find(({ transaction }) => transaction === settlement.txHash)?.batch ?? [],
  );
  const bills = billsIn(folder);
  return bills.length === 0 ? VALID : checkBills(bills, batches, found);
}

/** Bills below a folder, wherever in it. */
const billsIn = (folder: string): BillJson[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /(?:^|[/\\])bills[/\\][^/\\]+\.json$/.test(file))
    .map((file) => readJson(join(folder, file), BillJsonSchema));

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

/** settlement.json, delivery.json, clearing.json and report.html, as far as they are there, beside the chain. */
function checkDocuments({ at, settlement }: SessionFolder, found: Audited): Verdict {
  if (settlement.chainId !== undefined && BigInt(settlement.chainId) !== found.chainId)
    throw new InputError(
      `${at("settlement.json")}: chainId = ${settlement.chainId}: the endpoint's is ${found.chainId}`,
    );
  const settled = checkSettlement(settlement, found.sessions);
  const session = found.sessions.find(({ transaction }) => transaction === settlement.txHash);
  if (settled.kind !== "valid" || session === undefined) return settled;
  const entered = found.entries.some(({ batch }) => batch === session.batch);
  const delivered = isFile(at("delivery.json")) || entered ? checkDelivered(at, session, found) : VALID;
  if (delivered.kind !== "valid" || !isFile(at("clearing.json"))) return delivered;
  const clearing = readJson(at("clearing.json"), ClearingJsonSchema);
  const cleared = checkClearing(clearing, session);
  if (cleared.kind !== "valid" || !isFile(at("report.html"))) return cleared;
  const input = {
    clearing: swept(clearing),
    settlement,
    audit: readJson(at("audit.json"), AuditJsonSchema),
    scenario: readJson(at("scenario.json"), ScenarioSchema),
    delivery: isFile(at("delivery.json")) ? readJson(at("delivery.json"), DeliveryJsonSchema) : undefined,
    community: isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined,
  };
  return renderReport(input) === readText(at("report.html"))
    ? VALID
    : invalid("reportNotTheFiles", "report.html is not what clearing.json, settlement.json and audit.json make");
}

/** Every entry's document beside batch and entry on chain, by what was signed and the terms that were frozen. */
function checkDelivered(at: SessionFolder["at"], session: AuditedSession, found: Audited): Verdict {
  const terms = isFile(at("witness.json")) ? readJson(at("witness.json"), WitnessSchema).terms : undefined;
  if (terms === undefined || termsHash(terms) !== session.terms?.termsHash)
    return undecided(`the terms that hash to ${session.terms?.termsHash}`);
  const told: DeliveryJson[] = [];
  for (let entry = 1; isFile(ofEntry(at("delivery.json"), entry)); entry++) {
    const meters = ofEntry(at("meters.json"), entry);
    if (!isFile(meters)) return undecided(`${meters}: what the meters signed`);
    const delivery = readJson(ofEntry(at("delivery.json"), entry), DeliveryJsonSchema);
    const verdict = checkDelivery(delivery, readJson(meters, MetersJsonSchema), { session, terms, found });
    if (verdict.kind !== "valid") return verdict;
    told.push(delivery);
  }
  return checkAllTold(told, session, found);
}

function report({ verdicts, market, documents, entries = [], credits = [] }: AuditJson): void {
  const figure = (dollars: number | undefined): string => (dollars === undefined ? "" : dollars.toExponential(2));
  const rows = verdicts.map((row) => [
    row.session,
    row.block ?? "",
    figure(row.regrets),
    figure(row.allowed),
    row.verdict === "valid"
      ? ["valid", ...(row.uncertifiedBy ? [`uncertified by ${row.uncertifiedBy.join(", ")}`] : [])].join(", ")
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
  const all = [
    { what: "the market", verdict: standing },
    ...sessions.map(({ batch, verdict }) => ({ what: `batch ${batch}`, verdict })),
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
  for (const { what, verdict } of all)
    if (verdict.kind === "valid" && verdict.uncertifiedBy) note(`warning: ${what}: ${verdictText(verdict)}`);
}
