/** What commands that run sessions share: what is refused before, and what is told of one that ended. */
import { join } from "node:path";
import { verdictText } from "../auditor/verdict.ts";
import { CHAIN_LIMITS } from "../codec/fits.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { SessionRefused } from "../devnet/refused.ts";
import type { SessionOptions } from "../devnet/steps/clear.ts";
import { disagreements } from "../devnet/steps/settle.ts";
import { say } from "../io/output.ts";
import { complaint } from "../io/readJson.ts";
import { folderNameFault } from "../io/sessionFolder.ts";
import { terminalTable } from "../io/terminalTable.ts";
import { sessionFaults } from "../ledger/termsFaults.ts";
import type { Scenario } from "../market/scenario/scenario.ts";
import type { ClearingJson } from "../records/clearingJson.ts";
import { toClearingJson } from "../records/clearingRecord.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { joinClearings } from "../records/joinClearings.ts";
import { placeOf } from "../records/sessionPlaces.ts";
import { currencyOf } from "../report/labels.ts";
import { clockOf, dayOf } from "../report/periods.ts";
import { tighteningRecord } from "../simulation/acMargin.ts";
import type { ClearOptions } from "../simulation/clear.ts";
import { tighteningLines } from "../study/outOfSample.ts";
import { billTable, summary } from "./clear.ts";
import type { ClearArguments } from "./clearOptions.ts";
import { Exit } from "./exit.ts";
import { notSolved } from "./notSolved.ts";
import { chainRefusal } from "./refusal.ts";
import { folderOf, type DayPart } from "./sessionFiles.ts";

export type RunArguments = ClearArguments & {
  out: string;
  rpc?: string;
  market?: string;
  passTime?: true;
  from?: string;
  to?: string;
  vat?: number;
  /** Absent: what the chain takes. */
  mostBytes?: number;
};

/** How a session is settled, besides how it is cleared. */
export const ofSession = ({ tighten, mostBytes }: RunArguments): Pick<SessionOptions, "tighten" | "most"> => ({
  tighten: tighten === "auto",
  ...(mostBytes !== undefined && { most: { ...CHAIN_LIMITS, bytes: mostBytes } }),
});

type Cleared = Pick<SessionOutcome, "cleared" | "tightened">;
export const toJson = ({ cleared, tightened }: Cleared, options: ClearOptions): ClearingJson => {
  const tightening = tightened && tighteningRecord(tightened);
  return toClearingJson(cleared, options, tightening && { tightening });
};

/** What ends a session before money moves, as the command tells it. */
export function refusedAs(error: unknown, scenario: Scenario): unknown {
  if (error instanceof SessionRefused) return notSolved(scenario.name, error.status, error.message);
  const refusal = chainRefusal(error);
  return refusal === undefined ? error : new Exit(3, `${scenario.name}: ${refusal}`);
}

/** What the chain or the file system could not take is refused before anybody clears. */
export function checkSettleable(file: string, scenario: Scenario, community?: CommunityJson): void {
  const [fault] = sessionFaults(scenario);
  if (fault) throw complaint(file, fault.field, fault.value, fault.reason);
  const odd = folderNameFault(folderOf(scenario, community));
  if (odd !== undefined) throw complaint(file, "name", scenario.name, odd);
}

/** What became of the promise, in a line; it is honest about who has been charged. */
function deliveryText(
  { delivery, verdict }: NonNullable<SessionOutcome["delivery"]>,
  community: CommunityJson | undefined,
): string {
  const { members, entered } = delivery;
  const sum = (of: (member: (typeof members)[number]) => number): number => members.reduce((all, m) => all + of(m), 0);
  const deviation = sum(({ meteredWh, promisedWh }) =>
    meteredWh.reduce((all, wh, t) => all + Math.abs(wh - promisedWh[t]), 0),
  );
  const paid = sum(({ movedNano }) => Math.abs(movedNano)) / 1e9;
  return [
    `${verdictText(verdict)}: ${(deviation / 1000).toFixed(1)} kWh beside the promise, ${paid.toFixed(2)} ${currencyOf({ community }).whole} moved`,
    entered === undefined
      ? "reckoned by the ledger, not settled on chain: meter enter, once the day is over"
      : `entry ${entered.entry} on chain`,
  ].join(", ");
}

/** Prints the summary; returns what is wrong, if anything is. */
export function report(
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
    ["ledger changes add up to", `${money} of 1e-9 ${currencyOf({ community }).whole}, ${carbon} g`],
    ["audit from chain data", audited.map(({ verdict }) => verdictText(verdict)).join(", ")],
    ...(outcome.delivery ? [["delivery, from meters and chain", deliveryText(outcome.delivery, community)]] : []),
    ["report", join(folder, placeOf("report.html", community !== undefined))],
  ];
  say(terminalTable(["settlement", ""], rows, { text: [0, 1], wrap: 1 }));
  return faultOf(outcome);
}

/** Prints what a day of several sessions came to; returns what is wrong with the first that anything is wrong with. */
export function reportDay(
  day: { readonly scenario: Scenario; readonly parts: readonly DayPart[] },
  folder: string,
  community: CommunityJson | undefined,
): string | undefined {
  const { scenario, parts } = day;
  const rows = parts.map(({ outcome: { scenario: part, settled, batch, audited, delivery } }) => [
    `${dayOf(part, 0)} ${clockOf(part, 0)}`,
    part.hours,
    Number(settled.gasUsed),
    batch.payload.length,
    batch.result.trades.length,
    audited.map(({ verdict }) => verdictText(verdict)).join(", "),
    delivery === undefined ? "" : verdictText(delivery.verdict),
  ]);
  say(billTable(joinClearings(parts.map(({ clearing }) => clearing)), scenario, community));
  const heads = ["session from", "periods", "gas", "bytes", "trades", "audit", "delivery"];
  say(terminalTable(heads, rows, { text: [0, 5, 6], wrap: 5 }));
  say(`report: ${join(folder, placeOf("report.html", community !== undefined))}`);
  return parts.map(({ outcome }) => faultOf(outcome)).find((fault) => fault !== undefined);
}

/** What is wrong with a session, as the chain, its ledger and the audit say. */
function faultOf({ batch: { result }, settled, audited, delivery }: SessionOutcome): string | undefined {
  const money = settled.deltas.reduce((sum, d) => sum + d.money, 0n);
  const carbon = settled.deltas.reduce((sum, d) => sum + d.carbon, 0n);
  const differing = disagreements(result, settled);
  if (differing.length > 0) return `chain and result disagree: ${differing.join("; ")}`;
  if (money !== 0n || carbon !== 0n) return `ledger changes do not add up to zero: ${money}, ${carbon}`;
  const bad = audited.find(({ verdict }) => verdict.kind !== "valid");
  if (delivery !== undefined && delivery.verdict.kind !== "valid") return `delivery: ${verdictText(delivery.verdict)}`;
  return bad && `audit: ${verdictText(bad.verdict)}`;
}
