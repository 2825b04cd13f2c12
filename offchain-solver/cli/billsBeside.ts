/** Bills that there are of a market's sessions, and the rate of value-added tax that they state: neither changes. */
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { InputError } from "../io/inputError.ts";
import { numberOption } from "../io/output.ts";
import { isFile, readJson } from "../io/readJson.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import { DeliveryJsonSchema } from "../records/deliveryJson.ts";
import type { BillLine } from "../report/billLines.ts";
import { isFolder } from "../scenarios/community/readCommunity.ts";
import { sessionIn } from "./audit.ts";
import { dayOf, sessionFoldersIn } from "./dayFolder.ts";

export type BillFile = { readonly file: string; readonly bill: BillJson };

/** Folders in which bills may be: of a folder of sessions, and of each folder in it. */
function billFolders(out: string): string[] {
  const within = readdirSync(out, { withFileTypes: true }).filter((one) => one.isDirectory());
  return [out, ...within.map(({ name }) => join(out, name))].flatMap((at) => [
    join(at, "bills"),
    join(at, "private", "bills"),
  ]);
}

/** Those of a folder that stand with one of a batch of these; none where that is none of theirs. */
function billsWith(folder: string, batches: ReadonlySet<string>): BillFile[] {
  if (!isFolder(folder)) return [];
  const wrong: InputError[] = [];
  const found = readdirSync(folder).flatMap((name): BillFile[] => {
    if (!name.endsWith(".json")) return [];
    const file = join(folder, name);
    try {
      return [{ file, bill: readJson(file, BillJsonSchema) }];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wrong.push(error);
      return [];
    }
  });
  if (!found.some(({ bill: { lines } }) => lines.some(({ batch }) => batches.has(batch ?? "")))) return [];
  // Among bills of ours one that cannot be read may be one that must not be written again.
  if (wrong.length > 0) throw wrong[0];
  return found;
}

/** In a folder of sessions; what else is there, of other markets and other programs, is passed over. */
const billsBelow = (out: string, batches: ReadonlySet<string>): BillFile[] =>
  billFolders(out).flatMap((folder) => billsWith(folder, batches));

/** Of a session's folder: those around it. */
export const billsBeside = (session: string, batches: Iterable<string>): BillFile[] =>
  billsBelow(dirname(dayOf(session) ?? resolve(session)), new Set(batches));

/** Of sessions of a market that were run into a folder. */
export function billsOfMarket(out: string, market: string): BillFile[] {
  if (!isFolder(out)) return [];
  const batches = sessionFoldersIn(out).flatMap((folder) => {
    const { at, settlement } = sessionIn(folder);
    if (settlement.market?.toLowerCase() !== market.toLowerCase() || !isFile(at("delivery.json"))) return [];
    return [readJson(at("delivery.json"), DeliveryJsonSchema).batch];
  });
  return billsBelow(out, new Set(batches));
}

/** Whether a line's settlement or entry stands in one of an account's bills. */
export const isBilled = (there: readonly BillFile[], prosumer: number, { batch, entry }: BillLine): boolean =>
  there.some(
    ({ bill }) => bill.prosumer === prosumer && bill.lines.some((line) => line.batch === batch && line.entry === entry),
  );

/** Number of an account's bill of a month, which later documents name. */
export const firstOf = (there: readonly BillFile[], prosumer: number, month: string): string | undefined =>
  there.find(({ bill }) => bill.prosumer === prosumer && bill.month === month && bill.corrects === undefined)?.bill
    .number;

const percent = numberOption("--vat", 0, 100);

export const VAT_OPTION = [
  "--vat <percent>",
  "value-added tax that bills state, with four digits after the point at most (default: what bills state, or 0)",
  (text: string): number => {
    const value = percent(text);
    if (!/^\d+(?:\.\d{1,4})?$/.test(`${value}`))
      throw new InputError(`--vat ${text}: has more than four digits after the point`);
    return value;
  },
] as const;

/**
 * The rate of a month: what its bills state, then what bills of other months state last. Throws InputError where
 * another one was asked for.
 */
export function vatOf(there: readonly BillFile[], asked: number | undefined, month: string): number {
  const own = there.filter(({ bill }) => bill.month === month);
  const [first] = own;
  const other = own.find(({ bill: { vat } }) => vat.percent !== (asked ?? first.bill.vat.percent));
  if (other !== undefined && asked !== undefined)
    throw new InputError(`--vat ${asked}: bills of ${month} state ${other.bill.vat.percent} %: ${other.file}`);
  if (other !== undefined)
    throw new InputError(
      `${other.file}: vat.percent = ${other.bill.vat.percent}: ${first.file} states ${first.bill.vat.percent}`,
    );
  const last = there.toSorted((a, b) => (a.bill.month < b.bill.month ? 1 : -1)).at(0);
  return asked ?? (first ?? last)?.bill.vat.percent ?? 0;
}
