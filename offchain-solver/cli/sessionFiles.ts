/** The folder of a session that was run: its files, and the pages made of them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import * as Onboarding from "../chain/onboarding.ts";
import type { Audited } from "../auditor/audit.ts";
import type { Verdict } from "../auditor/verdict.ts";
import { creditJson, entryJson, said, verdictJson } from "../auditor/verdictJson.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { writeFolder } from "../io/sessionFolder.ts";
import { isFile, readJson } from "../io/readJson.ts";
import { writeJson, writeText } from "../io/target.ts";
import { DESK, OPERATOR, UTILITY } from "../market/result/clearingResult.ts";
import { ScenarioSchema, type Scenario } from "../market/scenario/scenario.ts";
import { ClearingJsonSchema, swept, type ClearingJson } from "../records/clearingJson.ts";
import { CommunityJsonSchema, type CommunityJson } from "../records/communityJson.ts";
import { DeliveryJsonSchema } from "../records/deliveryJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import { joinAudits } from "../records/joinDeliveries.ts";
import { AuditJsonSchema, SettlementJsonSchema, type AuditJson, type SettlementJson } from "../records/sessionJson.ts";
import { placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { renderMemberPage } from "../report/memberPage.ts";
import { renderReport, type ReportInput } from "../report/sessionReport.ts";
import type { SessionFolder } from "./audit.ts";

/** Named by the clock: 96 quarter-hours are 24 h. A community's day is that of its own clock. */
export const folderOf = ({ name, startUtc, hours, periodHours }: Scenario, community?: CommunityJson): string =>
  `${name}-${community?.date ?? startUtc.slice(0, 10)}-${Number((hours * periodHours).toFixed(2))}h`;

type Written = { readonly rpc?: string; readonly community: CommunityJson | undefined };

/** Into a new folder below `out`, whose path is returned. */
export function writeSession(
  { out, rpc }: { readonly out: string; readonly rpc?: string },
  outcome: SessionOutcome,
  clearing: ClearingJson,
  community: CommunityJson | undefined,
): string {
  const to = { ...(rpc !== undefined && { rpc }), community };
  return writeFolder(out, folderOf(outcome.scenario, community), (draft) => fill(draft, outcome, clearing, to));
}

/** One session of a day that is settled in several. */
export type DayPart = { readonly outcome: SessionOutcome; readonly clearing: ClearingJson };

/** A day that settled in several sessions: each in a folder of its own, and one report of all of them. */
export function writeDay(
  { out, rpc }: { readonly out: string; readonly rpc?: string },
  scenario: Scenario,
  parts: readonly DayPart[],
  community: CommunityJson | undefined,
): string {
  const split = community !== undefined;
  return writeFolder(out, folderOf(scenario, community), (draft) => {
    parts.forEach(({ outcome, clearing }, k) => {
      const at = join(draft, partName(k));
      mkdirSync(at);
      fill(at, outcome, clearing, { ...(rpc !== undefined && { rpc }), community });
    });
    const clearing = joinClearings(parts.map((part) => part.clearing));
    const input = {
      ...{ clearing: swept(clearing), scenario, community },
      settlement: parts.map(({ outcome }) => settlementJson(outcome, rpc)),
      audit: joinAudits(parts.map(({ outcome }) => auditJson(outcome))),
      delivery: parts.flatMap(({ outcome }) => outcome.delivery?.delivery ?? []),
    };
    const at = foldersOf(draft, split);
    writeJson(at("scenario.json"), scenario);
    writeJson(at("clearing.json"), clearing);
    writeJson(at("audit.json"), input.audit);
    writePages(at, input);
  });
}

/** Of the k-th session of a day. */
export const partName = (k: number): string => `session-${k + 1}`;

type At = (file: SessionFile) => string;

function foldersOf(draft: string, split: boolean): At {
  // What members do at home is for whoever runs the market, whoever else has an account on the machine.
  for (const folder of split ? ["public", "private", placeOf("members", split)] : [])
    mkdirSync(join(draft, folder), { mode: folder === "public" ? 0o777 : 0o700 });
  return (file) => join(draft, placeOf(file, split));
}

function fill(draft: string, outcome: SessionOutcome, clearing: ClearingJson, { rpc, community }: Written): void {
  const { scenario } = outcome;
  const settlement = settlementJson(outcome, rpc);
  const audit = auditJson(outcome);
  const delivery = outcome.delivery?.delivery;
  const at = foldersOf(draft, community !== undefined);
  writeJson(at("scenario.json"), scenario);
  writeJson(at("clearing.json"), clearing);
  writeJson(at("settlement.json"), settlement);
  writeJson(at("audit.json"), audit);
  if (delivery !== undefined) writeJson(at("delivery.json"), delivery);
  if (outcome.delivery !== undefined) writeJson(at("meters.json"), outcome.delivery.meters);
  writeJson(at("witness.json"), outcome.witness);
  mkdirSync(at("bundle"));
  for (const [name, bytes] of outcome.bundle) writeText(join(at("bundle"), `${name}.json`), decoded(bytes));
  writePages(at, { clearing: swept(clearing), settlement, audit, delivery, scenario, community });
}

/** The report and members' pages. */
export function writePages(at: At, input: ReportInput): void {
  const { community } = input;
  writeText(at("report.html"), renderReport(input));
  if (community === undefined) return;
  writeJson(at("community.json"), community);
  for (const { id, prosumer } of community.members)
    writeText(join(at("members"), `${id}.html`), renderMemberPage(input, prosumer));
}

/** What has been entered since the session was run: its audit, and the pages that show it, made again of its files. */
export function rewriteSession({ at, settlement }: SessionFolder, ended: OfSession): void {
  writeJson(at("audit.json"), auditJson(ended));
  const community = isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined;
  const input = {
    clearing: swept(readJson(at("clearing.json"), ClearingJsonSchema)),
    settlement,
    audit: readJson(at("audit.json"), AuditJsonSchema),
    delivery: isFile(at("delivery.json")) ? readJson(at("delivery.json"), DeliveryJsonSchema) : undefined,
    scenario: readJson(at("scenario.json"), ScenarioSchema),
    community,
  };
  writePages(at, input);
}

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** An endpoint's address as anybody may see it: what is more than host and port may be somebody's key. */
function openly(rpc: string | undefined): { rpc?: string } {
  const url = rpc === undefined ? null : URL.parse(rpc);
  const secret = url === null || url.username !== "" || url.search !== "" || url.pathname.length > 1;
  return secret ? {} : { rpc: url.origin };
}

function settlementJson({ batch, settled, deployment }: SessionOutcome, rpc: string | undefined): SettlementJson {
  const { result, payload } = batch;
  const partyOf = (id: number): number =>
    id === Onboarding.UTILITY_ID
      ? UTILITY
      : id === Onboarding.OPERATOR_ID
        ? OPERATOR
        : id === Onboarding.DESK_ID
          ? DESK
          : result.participants.indexOf(id);
  const names = new Map<number, "utility" | "operator" | "desk">([
    [Onboarding.UTILITY_ID, "utility"],
    [Onboarding.OPERATOR_ID, "operator"],
    [Onboarding.DESK_ID, "desk"],
  ]);
  return SettlementJsonSchema.parse({
    chainId: Number(deployment.chainId),
    market: deployment.market,
    marketBlock: deployment.block,
    ...openly(rpc),
    txHash: settled.transaction,
    block: settled.block,
    gasUsed: Number(settled.gasUsed),
    bytes: payload.length,
    trades: result.trades.length,
    prosumers: result.participants.length,
    accounts: settled.deltas.map(({ id, money, carbon }) => {
      let energyWh = 0;
      for (const trade of result.trades) {
        if (trade.product !== "energy") continue;
        if (trade.seller === partyOf(id)) energyWh += trade.quantity;
        if (trade.buyer === partyOf(id)) energyWh -= trade.quantity;
      }
      return { account: names.get(id) ?? id, moneyNano: Number(money), carbonG: Number(carbon), energyWh };
    }),
  });
}

type OfSession = {
  readonly settled: { readonly batch: string; readonly sequence: bigint };
  readonly found: Pick<Audited, "sessions" | "entries" | "credits">;
  readonly delivery: { readonly verdict: Verdict } | undefined;
};

/** Of one session in a market that may have settled others. */
function auditJson({ settled, found, delivery }: OfSession): AuditJson {
  const entries = found.entries.filter(({ batch }) => batch === settled.batch);
  const credits = found.credits.filter(({ sequence }) => sequence === settled.sequence);
  return AuditJsonSchema.parse({
    verdicts: found.sessions.filter(({ batch }) => batch === settled.batch).map(verdictJson),
    ...(entries.length > 0 && { entries: entries.map(entryJson) }),
    ...(credits.length > 0 && { credits: credits.map(creditJson) }),
    ...(delivery && { delivery: said(delivery.verdict) }),
  });
}
