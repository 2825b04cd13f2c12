/** Bills and fallback days in a folder of sessions, with what of the folder they are held against. */
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Audited } from "../auditor/audit.ts";
import type { Billers } from "../auditor/billHeads.ts";
import { checkBills } from "../auditor/bills.ts";
import { checkFallbacks } from "../auditor/fallbackDays.ts";
import { invalid, undecided, VALID, worst, type Verdict } from "../auditor/verdict.ts";
import { made } from "../io/made.ts";
import { isFile, readJson, readText } from "../io/readJson.ts";
import { BillJsonSchema, type BillJson } from "../records/billJson.ts";
import { CommunityJsonSchema } from "../records/communityJson.ts";
import { DeliveryJsonSchema } from "../records/deliveryJson.ts";
import { FallbackJsonSchema, type FallbackJson } from "../records/fallbackJson.ts";
import { ofEntry, placeOf } from "../records/sessionPlaces.ts";
import { renderBill } from "../report/billPage.ts";
import type { SessionFolder } from "./audit.ts";
import { isSession, partsIn } from "./dayFolder.ts";

/** Every bill below a folder, its page, and the days that are billed at the tariff; none where it has no bill. */
export function checkBilling(
  folder: string,
  sessions: readonly SessionFolder[],
  batches: readonly string[],
  found: Audited,
): Verdict {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const inBills = (ending: string): string[] =>
    files
      .filter((file) => /(?:^|[/\\])bills[/\\][^/\\]+$/.test(file) && file.endsWith(ending))
      .map((file) => join(folder, file));
  const bills = inBills(".json").map((file) => ({ file, bill: readJson(file, BillJsonSchema) }));
  const pages = inBills(".html").map((page) => pageVerdict(page, bills));
  if (bills.length === 0) return worst(pages);
  const days = files
    .filter((file) => basename(file) === "fallback.json")
    .map((file): FallbackJson => readJson(join(folder, file), FallbackJsonSchema));
  const all = bills.map(({ bill }) => bill);
  const { billers, missing } = billersOf(sessions);
  const told = new Set(sessions.flatMap(toldIn));
  return worst([
    checkBills(all, { batches, found, told, ...(billers && { billers }) }),
    checkFallbacks(days, all, found, new Set(bills.filter(isOfMonth).map(({ bill }) => bill.month))),
    ...pages,
    missing,
  ]);
}

type BillFile = { readonly file: string; readonly bill: BillJson };

/** Whether it is of all that a run has settled of its month: bills of one session or day are in the folder of that. */
const isOfMonth = ({ file }: BillFile): boolean => {
  const at = dirname(dirname(file));
  return [at, dirname(at)].every((one) => !isSession(one) && partsIn(one).length === 0);
};

/** That a page shows what the file beside it says. */
function pageVerdict(page: string, bills: readonly BillFile[]): Verdict {
  const beside = page.replace(/html$/, "json");
  const own = bills.find(({ file }) => file === beside);
  if (own === undefined) return undecided(`${beside}: what ${basename(page)} is made of`);
  // No page is made of a bill whose clock there is not, or whose lines are of no session.
  return made(() => renderBill(own.bill)) === readText(page)
    ? VALID
    : invalid("billPageNotTheBill", `${page} is not what ${basename(beside)} makes`);
}

/** By the files of communities; of a case, in which nobody lives, it is known without any. */
function billersOf(sessions: readonly SessionFolder[]): { readonly billers?: Billers; readonly missing: Verdict } {
  const names = new Map<number, Set<string>>();
  let billers: Billers | undefined;
  let lacking: string | undefined;
  for (const { at } of sessions) {
    const file = at("community.json");
    if (!isFile(file)) {
      // Beside public files of their own, private ones are somebody's.
      if (file.endsWith(placeOf("community.json", true))) lacking ??= file;
      else billers ??= { currency: "$", timeZone: "UTC", names };
      continue;
    }
    const { currency, timeZone, members } = readJson(file, CommunityJsonSchema);
    billers ??= { currency, timeZone, names };
    for (const { prosumer, name } of members) names.set(prosumer, (names.get(prosumer) ?? new Set()).add(name));
  }
  const missing = lacking === undefined || billers !== undefined ? VALID : undecided(`${lacking}: who bills`);
  return { ...(billers && { billers }), missing };
}

/** Entries whose documents are in a session's folder. */
function toldIn({ at }: SessionFolder): string[] {
  const told: string[] = [];
  for (let k = 1; isFile(ofEntry(at("delivery.json"), k)); k++) {
    const { batch, entered } = readJson(ofEntry(at("delivery.json"), k), DeliveryJsonSchema);
    if (entered !== undefined) told.push(`${batch} ${entered.entry}`);
  }
  return told;
}
