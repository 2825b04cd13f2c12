import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { isAddress } from "ethers";
import * as Onboarding from "../chain/onboarding.ts";
import { verdictText } from "../auditor/verdict.ts";
import { creditJson, entryJson, said, verdictJson } from "../auditor/verdictJson.ts";
import { AuditJsonSchema, SettlementJsonSchema, type AuditJson, type SettlementJson } from "../records/sessionJson.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { DESK, OPERATOR, UTILITY } from "../market/result/clearingResult.ts";
import { placeOf, type SessionFile } from "../records/sessionPlaces.ts";
import { swept, type ClearingJson } from "../records/clearingJson.ts";
import { unsettleable } from "../ledger/settleable.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import { tighteningRecord } from "../simulation/acMargin.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import { embeddedDevnet } from "../devnet/embedded.ts";
import { buildRelease } from "../devnet/release.ts";
import { liveChain, underTomorrow, type LiveChain } from "../devnet/liveChain.ts";
import { SessionRefused } from "../devnet/refused.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { runSession } from "../devnet/session.ts";
import { disagreements } from "../devnet/steps/settle.ts";
import { tighteningLines } from "../study/outOfSample.ts";
import { summary } from "./clear.ts";
import { addClearOptions, clearOptions, readScenario, type ClearArguments, type ReadScenario } from "./clearOptions.ts";
import { runDays, type SettledDay } from "./runDays.ts";
import { Exit, notSolved } from "./exit.ts";
import { chainRefusal } from "./refusal.ts";
import { note, say } from "../io/output.ts";
import { InputError } from "../io/inputError.ts";
import { complaint } from "../io/readJson.ts";
import { folderNameFault, writeFolder } from "../io/sessionFolder.ts";
import { checkFolder, writeJson, writeText } from "../io/target.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { renderMemberPage } from "../report/memberPage.ts";
import { renderReport } from "../report/sessionReport.ts";

export function runCommand(): Command {
  return addClearOptions(
    new Command("run")
      .description("one whole session on an embedded devnet: clear, attest, settle, audit, report")
      .argument("[scenario]", "a case's name or a file", "ieee15"),
    { settled: true },
  )
    .option("--rpc <url>", "settle on this chain, whose first account pays; the day's series under tomorrow's date")
    .option("--market <address>", "in this market of it, which has the scenario's members (default: a new one)")
    .option("--from <day>", "with --to, of a community's folder: every local day from this one on, YYYY-MM-DD")
    .option("--to <day>", "up to this one; batteries go on as the day before left them")
    .option("--out <dir>", "the session's files go to DIR/NAME-DATE-HOURSh, a second run's to ...-2, and so on", "out")
    .action(async (name: string, args: RunArguments) => {
      checkFolder(args.out);
      const { from, to, out } = args;
      if (from === undefined && to === undefined) {
        const { wrong } = await settleOne(name, args, await readScenario(name, args));
        if (wrong !== undefined) throw new Exit(4, wrong);
        return;
      }
      if (from === undefined || to === undefined)
        throw new InputError(`${from === undefined ? `--to ${to}: without --from` : `--from ${from}: without --to`}`);
      if (args.date !== undefined || args.rpc !== undefined)
        throw new InputError(`--from ${from}: goes with neither --date nor --rpc`);
      await runDays({
        folder: name,
        from,
        to,
        out,
        read: (date, stored) => readScenario(name, { ...args, date }, stored),
        settle: (read) => settleOne(name, args, read),
      });
    });
}

type RunArguments = ClearArguments & { out: string; rpc?: string; market?: string; from?: string; to?: string };

/** One session from freeze to audit, with its folder; `wrong`: what the chain or the audit says against it. */
async function settleOne(
  name: string,
  args: RunArguments,
  { scenario: read, community }: ReadScenario,
): Promise<SettledDay> {
  checkSettleable(name, read, community);
  const devnet = args.rpc === undefined ? await embeddedDevnet(read.startUtc) : await reached(args.rpc, args.market);
  const scenario = args.rpc === undefined ? read : await underTomorrow(read, devnet);
  const { options, done } = clearOptions(scenario, args);
  try {
    const session = { ...options, tighten: args.tighten === "auto" };
    const outcome = await runSession(scenario, session, devnet, (step) => note(`• ${step}`));
    done();
    const { tightened } = outcome;
    const tightening = tightened && tighteningRecord(tightened);
    const clearing = toClearingJson(outcome.cleared, options, tightening && { tightening });
    const folder = writeSession(args, outcome, clearing, community);
    return { clearing, wrong: report(outcome, clearing, folder, community) };
  } catch (error) {
    if (error instanceof SessionRefused) throw notSolved(scenario.name, error.status, error.message);
    const refusal = chainRefusal(error);
    throw refusal === undefined ? error : new Exit(3, `${scenario.name}: ${refusal}`);
  } finally {
    await devnet.close();
  }
}

/** A chain that somebody runs, or one clear message. */
export async function reached(url: string, market?: string): Promise<LiveChain> {
  if (market !== undefined && !isAddress(market)) throw new InputError(`--market ${market}: is no address`);
  await buildRelease();
  try {
    return await liveChain(url, market);
  } catch (error) {
    const said = (error as { shortMessage?: string; message: string }).shortMessage ?? (error as Error).message;
    throw new InputError(`--rpc ${url}: no session can run there (${said.split("\n")[0]})`);
  }
}

/** What the chain or the file system could not take is refused before anybody clears. */
function checkSettleable(file: string, scenario: Scenario, community?: CommunityJson): void {
  const [fault] = unsettleable(scenario);
  if (fault) throw complaint(file, fault.field, fault.value, fault.reason);
  const odd = folderNameFault(folderOf(scenario, community));
  if (odd !== undefined) throw complaint(file, "name", scenario.name, odd);
}

/** Named by the clock: 96 quarter-hours are 24 h. A community's day is that of its own clock. */
const folderOf = ({ name, startUtc, hours, periodHours }: Scenario, community?: CommunityJson): string =>
  `${name}-${community?.date ?? startUtc.slice(0, 10)}-${Number((hours * periodHours).toFixed(2))}h`;

function writeSession(
  { out, rpc }: RunArguments,
  outcome: SessionOutcome,
  clearing: ClearingJson,
  community: CommunityJson | undefined,
): string {
  const { scenario } = outcome;
  const settlement = settlementJson(outcome, rpc);
  const audit = auditJson(outcome);
  const delivery = outcome.delivery?.delivery;
  const input = { clearing: swept(clearing), settlement, audit, delivery, scenario, community };
  const split = community !== undefined;
  return writeFolder(out, folderOf(scenario, community), (draft) => {
    const at = (file: SessionFile): string => join(draft, placeOf(file, split));
    for (const folder of split ? ["public", "private", placeOf("members", split)] : []) mkdirSync(join(draft, folder));
    writeJson(at("scenario.json"), scenario);
    writeJson(at("clearing.json"), clearing);
    writeJson(at("settlement.json"), settlement);
    writeJson(at("audit.json"), audit);
    if (delivery !== undefined) writeJson(at("delivery.json"), delivery);
    if (outcome.delivery !== undefined) writeJson(at("meters.json"), outcome.delivery.meters);
    writeJson(at("witness.json"), outcome.witness);
    mkdirSync(at("bundle"));
    for (const [name, bytes] of outcome.bundle) writeText(join(at("bundle"), `${name}.json`), decoded(bytes));
    writeText(at("report.html"), renderReport(input));
    if (community === undefined) return;
    writeJson(at("community.json"), community);
    for (const { id, prosumer } of community.members)
      writeText(join(at("members"), `${id}.html`), renderMemberPage(input, prosumer));
  });
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

function auditJson({ audited, delivery, found, settled }: SessionOutcome): AuditJson {
  const entries = found.entries.filter(({ batch }) => batch === settled.batch);
  const credits = found.credits.filter(({ sequence }) => sequence === settled.sequence);
  return AuditJsonSchema.parse({
    verdicts: audited.map(verdictJson),
    ...(entries.length > 0 && { entries: entries.map(entryJson) }),
    ...(credits.length > 0 && { credits: credits.map(creditJson) }),
    ...(delivery && { delivery: said(delivery.verdict) }),
  });
}

/** What became of the promise, in a line; it is honest about who has been charged. */
function deliveryText({ delivery, verdict }: NonNullable<SessionOutcome["delivery"]>): string {
  const { members, entered } = delivery;
  const sum = (of: (member: (typeof members)[number]) => number): number => members.reduce((all, m) => all + of(m), 0);
  const deviation = sum(({ meteredWh, promisedWh }) =>
    meteredWh.reduce((all, wh, t) => all + Math.abs(wh - promisedWh[t]), 0),
  );
  const paid = sum(({ movedNano }) => Math.abs(movedNano)) / 1e9;
  return [
    `${verdictText(verdict)}: ${(deviation / 1000).toFixed(1)} kWh beside the promise, ${paid.toFixed(2)} $ moved`,
    entered === undefined ? "reckoned by the ledger, not settled on chain" : `entry ${entered.entry} on chain`,
  ].join(", ");
}

/** Prints the summary; returns what is wrong, if anything is. */
function report(
  outcome: SessionOutcome,
  clearing: ClearingJson,
  folder: string,
  community: CommunityJson | undefined,
): string | undefined {
  const { cleared, settled, verified, audited } = outcome;
  const { result, payload } = outcome.batch;
  say(summary(cleared, clearing, undefined, community));
  if (outcome.tightened) say(tighteningLines(outcome.tightened));
  const money = settled.deltas.reduce((sum, d) => sum + d.money, 0n);
  const carbon = settled.deltas.reduce((sum, d) => sum + d.carbon, 0n);
  const rows = [
    ["nodes that verified it", String(verified)],
    ["transaction", settled.transaction],
    ["gas", `${settled.gasUsed} (${(Number(settled.gasUsed) / result.trades.length).toFixed(0)} a trade)`],
    ["payload", `${payload.length} bytes, ${result.trades.length} trades`],
    ["ledger changes add up to", `${money} nano-dollars, ${carbon} g`],
    ["audit from chain data", audited.map(({ verdict }) => verdictText(verdict)).join(", ")],
    ...(outcome.delivery ? [["delivery, from meters and chain", deliveryText(outcome.delivery)]] : []),
    ["report", join(folder, placeOf("report.html", community !== undefined))],
  ];
  say(terminalTable(["settlement", ""], rows, { text: [0, 1], wrap: 1 }));
  const differing = disagreements(result, settled);
  if (differing.length > 0) return `chain and result disagree: ${differing.join("; ")}`;
  if (money !== 0n || carbon !== 0n) return `ledger changes do not add up to zero: ${money}, ${carbon}`;
  const bad = audited.find(({ verdict }) => verdict.kind !== "valid");
  if (outcome.delivery !== undefined && outcome.delivery.verdict.kind !== "valid")
    return `delivery: ${verdictText(outcome.delivery.verdict)}`;
  return bad && `audit: ${verdictText(bad.verdict)}`;
}
