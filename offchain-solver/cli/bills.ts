/** Bills of a run of sessions, written as documents: a page to read and a file to the last unit. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AuditedSession } from "../auditor/audit.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { isFile, readJson } from "../io/readJson.ts";
import { writeJson, writeText } from "../io/target.ts";
import { resultOf, type Promised } from "../node/delivery/reckoning.ts";
import { CommunityJsonSchema, type CommunityJson } from "../records/communityJson.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import { billsOf, fallbackLines, sessionLines, type BilledSession, type FallbackDay } from "../report/billLines.ts";
import { renderBill } from "../report/billPage.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import type { SessionFolder } from "./audit.ts";

export type Billing = {
  readonly sessions: readonly BilledSession[];
  readonly fallback: readonly FallbackDay[];
  readonly prosumers: readonly number[];
  readonly community: CommunityJson | undefined;
  readonly vatPercent: number;
};

export const billedBy = ({ batch, settled, delivery }: SessionOutcome): BilledSession => ({
  result: batch.result,
  batch: settled.batch,
  transaction: settled.transaction,
  entries: delivery === undefined ? [] : [delivery.delivery],
});

/** Every member's, by month. */
export function makeBills({ sessions, fallback, prosumers, community, vatPercent }: Billing): BillJson[] {
  const { currency, timeZone } = community ?? { currency: "$", timeZone: "UTC" };
  const reasons = new Map(
    sessions.flatMap(({ entries }) =>
      entries.flatMap(({ entered, reason }): [string, string][] =>
        entered === undefined || reason === undefined ? [] : [[entered.txHash, reason]],
      ),
    ),
  );
  return prosumers.flatMap((prosumer) => {
    const name = community?.members.find((one) => one.prosumer === prosumer)?.name;
    const lines = [
      ...sessions.flatMap((session) => sessionLines(session, prosumer, timeZone)),
      ...fallback.flatMap((day) => fallbackLines(day, prosumer, timeZone)),
    ].toSorted((a, b) => a.start - b.start || a.entry - b.entry);
    return billsOf(lines, { prosumer, currency, timeZone, vatPercent, ...(name !== undefined && { name }) }, reasons);
  });
}

/** Into the folder `bills` of this one. */
export function writeBills(folder: string, bills: readonly BillJson[]): void {
  const at = join(folder, "bills");
  mkdirSync(at, { recursive: true, mode: 0o700 });
  for (const bill of bills) {
    writeJson(join(at, `${bill.number}.json`), BillJsonSchema.parse(bill));
    writeText(join(at, `${bill.number}.html`), renderBill(bill));
  }
}

type Delivered = {
  readonly promised: Promised;
  readonly settled: Pick<AuditedSession, "batch" | "transaction">;
  /** Every entry's document, the first one first. */
  readonly deliveries: readonly DeliveryJson[];
};

/**
 * Those that are `wanted` of the bills of one session, or of those of a day, into the folder of the session or the day.
 * Says how many.
 */
export function writeSessionBills(
  at: SessionFolder["at"],
  delivered: readonly Delivered[],
  vatPercent: number,
  wanted: (bill: BillJson) => boolean,
): number {
  const community = isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined;
  const sessions = delivered.map(({ promised, settled: { batch, transaction }, deliveries: entries }) => ({
    ...{ result: resultOf(promised), batch, transaction, entries },
  }));
  const ids = delivered.flatMap(({ promised }) => promised.terms.scenario.prosumers.map(({ id }) => id));
  const of = { sessions, fallback: [], prosumers: [...new Set(ids)], community, vatPercent };
  const bills = makeBills(of).filter(wanted);
  writeBills(dirname(at("delivery.json")), bills);
  return bills.length;
}
