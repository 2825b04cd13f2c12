/** Bills of a run of sessions, written as documents: a page to read and a file to the last unit. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AuditedSession } from "../auditor/audit.ts";
import type { SessionOutcome } from "../devnet/outcome.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { InputError } from "../io/inputError.ts";
import { writeText } from "../io/target.ts";
import { resultOf, type Promised } from "../node/delivery/reckoning.ts";
import { CommunityJsonSchema, type CommunityJson } from "../records/communityJson.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import {
  billsOf,
  fallbackLines,
  placesOf,
  sessionLines,
  type BillLine,
  type BilledSession,
  type FallbackDay,
} from "../report/billLines.ts";
import { renderBill } from "../report/billPage.ts";
import type { DeliveryJson } from "../records/deliveryJson.ts";
import type { SessionFolder } from "./audit.ts";
import { firstOf, isBilled, type BillFile } from "./billsBeside.ts";

type Vat = number | ((month: string) => number);

export type Billing = {
  readonly sessions: readonly BilledSession[];
  readonly fallback: readonly FallbackDay[];
  readonly prosumers: readonly number[];
  readonly community: CommunityJson | undefined;
  readonly vatPercent: Vat;
  /** All that settled in their market, if there are others. */
  readonly market?: Parameters<typeof placesOf>[0];
  /** Bills that there are of these sessions: what stands in one is billed. */
  readonly there?: readonly BillFile[];
};

export const billedBy = ({ batch, settled, delivery }: SessionOutcome): BilledSession => ({
  result: batch.result,
  batch: settled.batch,
  sequence: settled.sequence,
  transaction: settled.transaction,
  entries: delivery === undefined ? [] : [delivery.delivery],
});

/** Where each of a market's sessions stands among the others. */
export const inMarket = (sessions: readonly AuditedSession[]): NonNullable<Billing["market"]> =>
  sessions.flatMap(({ batch, sequence, terms }) =>
    terms === undefined ? [] : [{ batch, sequence, start: Number(terms.start) }],
  );

/** Every member's, by month; where there are bills already, of what is in none of them. */
export function makeBills(billing: Billing): BillJson[] {
  const { sessions, fallback, prosumers, community, vatPercent, there = [] } = billing;
  const { currency, timeZone } = community ?? { currency: "$", timeZone: "UTC" };
  const own = sessions.map(({ result, ...one }) => ({ ...one, start: result.sessionStart }));
  const places = placesOf(billing.market ?? own, timeZone);
  const reasons = new Map(
    sessions.flatMap(({ entries }) =>
      entries.flatMap(({ entered, reason }): [string, string][] =>
        entered === undefined || reason === undefined ? [] : [[entered.txHash, reason]],
      ),
    ),
  );
  return prosumers.flatMap((prosumer) => {
    const name = community?.members.find((one) => one.prosumer === prosumer)?.name;
    const lines: BillLine[] = [
      ...sessions.flatMap((session) => sessionLines(session, prosumer, timeZone)),
      ...fallback.flatMap((day) => fallbackLines(day, prosumer, timeZone)),
    ]
      .filter((line) => !isBilled(there, prosumer, line))
      .toSorted((a, b) => a.start - b.start || a.entry - b.entry);
    const of = { prosumer, currency, timeZone, vatPercent, ...(name !== undefined && { name }) };
    return billsOf(lines, of, reasons, { places, first: (month) => firstOf(there, prosumer, month) });
  });
}

/** Into the folder `bills` of this one; none is written where one is there with other content: bills never change. */
export function writeBills(folder: string, bills: readonly BillJson[]): void {
  const at = join(folder, "bills");
  const files = bills.flatMap((bill): [string, string][] => [
    [join(at, `${bill.number}.json`), `${JSON.stringify(BillJsonSchema.parse(bill), null, 1)}\n`],
    [join(at, `${bill.number}.html`), renderBill(bill)],
  ]);
  const other = files.find(([file, text]) => isFile(file) && readText(file) !== text);
  if (other !== undefined)
    throw new InputError(`${other[0]}: is there with other content, and no bill is ever changed`);
  mkdirSync(at, { recursive: true, mode: 0o700 });
  for (const [file, text] of files) if (!isFile(file)) writeText(file, text);
}

type Delivered = {
  readonly promised: Promised;
  readonly settled: Pick<AuditedSession, "batch" | "transaction" | "sequence">;
  /** Every entry's document, the first one first. */
  readonly deliveries: readonly DeliveryJson[];
};

type Known = Pick<Billing, "vatPercent" | "there"> & Required<Pick<Billing, "market">>;

export const communityAt = (at: SessionFolder["at"]): CommunityJson | undefined =>
  isFile(at("community.json")) ? readJson(at("community.json"), CommunityJsonSchema) : undefined;

/**
 * What is in no bill yet of a session, or of those of a day, into the folder of the session or the day: nothing before
 * all of them are entered. Says what that makes.
 */
export function writeSessionBills(at: SessionFolder["at"], delivered: readonly Delivered[], known: Known): string {
  if (delivered.some(({ deliveries: [first] }) => first?.entered === undefined))
    return "no bills before every session of the day is entered, which is when --vat counts";
  const sessions = delivered.map(({ promised, settled: { batch, transaction, sequence }, deliveries: entries }) => ({
    ...{ result: resultOf(promised), batch, sequence, transaction, entries },
  }));
  const ids = delivered.flatMap(({ promised }) => promised.terms.scenario.prosumers.map(({ id }) => id));
  const of = { sessions, fallback: [], prosumers: [...new Set(ids)], community: communityAt(at), ...known };
  const bills = makeBills(of);
  writeBills(dirname(at("delivery.json")), bills);
  return `${bills.length} bills`;
}
