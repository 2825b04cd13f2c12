/** Bills of a run of sessions, written as documents: a page to read and a file to the last unit. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { writeJson, writeText } from "../io/target.ts";
import type { CommunityJson } from "../records/communityJson.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import { billsOf, fallbackLines, sessionLines, type BilledSession, type FallbackDay } from "../report/billLines.ts";
import { renderBill } from "../report/billPage.ts";

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

/** Into a new folder `bills` of this one. */
export function writeBills(folder: string, bills: readonly BillJson[]): void {
  const at = join(folder, "bills");
  mkdirSync(at);
  for (const bill of bills) {
    writeJson(join(at, `${bill.number}.json`), BillJsonSchema.parse(bill));
    writeText(join(at, `${bill.number}.html`), renderBill(bill));
  }
}
